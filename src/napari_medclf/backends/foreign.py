"""What backends of single weight files share: where the card comes from, and the last steps of loading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.backends.bioimageio.description import Description, find_description
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.trust import Trust
from napari_medclf.store.digests import file_sha256

if TYPE_CHECKING:
    from torch import Tensor

_NEEDED = (
    'put a medclf.json beside it, {"schema_version": 1, "card": {...}}, whose card has name, version, task, title, '
    "description, licence, input (spatial_dims, channels, intensity, patch_vox), output (schema, activation), network"
)


@dataclass(frozen=True, eq=False)
class Source:
    """One file of weights, and the description beside it that names it."""

    weights: Path
    description: Description | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """What belongs to the model."""
        return (self.weights,) if self.description is None else (self.weights, self.description.path)


def find_source(path: Path, kind: str, card: ModelCard | None = None) -> Source:
    """Find the weights of a kind (as ``bioimageio.yaml`` names kinds): the file itself, or what a folder describes.

    Raises
    ------
    CardError
        If a folder describes none of the kind, or its description is damaged.
    """
    if path.is_dir():
        description = find_description(path)
        weights = None if description is None else description.weights(kind)
        if weights is None:
            raise CardError(f"{path}: describes no {kind} weights that lie in it.")
        return Source(weights, description)
    try:
        description = find_description(path)
        is_named = description is not None and description.weights(kind) == path
    except CardError:
        if card is None:
            raise
        return Source(path)  # a person's card says all that is needed
    return Source(path, description if is_named else None)


def is_source(path: Path, kind: str, is_such_a_file: Callable[[Path], bool]) -> bool:
    """Tell whether `find_source` has something to say about a path; never raises."""
    if not path.is_dir():
        return is_such_a_file(path)
    try:
        description = find_description(path)
        return description is not None and description.weights(kind) is not None
    except CardError:
        return True  # `read` says what is wrong with it


def choose_card(source: Source, kind: str, backend: str, card: ModelCard | None, hint: str = "") -> ModelCard:
    """Take a person's card, or make one from the description.

    Parameters
    ----------
    hint : str
        What the file itself says about its input and output, for the sentence that asks for a card.

    Raises
    ------
    CardError
        If there is neither; the sentence says what a card must hold.
    """
    if card is None and source.description is None:
        said = f" ({hint})" if hint else ""
        raise CardError(f"{source.weights}: does not say what its numbers mean{said}; {_NEEDED}.")
    if card is None:
        assert source.description is not None
        return source.description.card(kind, backend)
    return card.model_copy(update={"backend": backend})


def package_of(
    source: Source, card: ModelCard, trust: Trust | None = None, more: tuple[Path, ...] = ()
) -> ModelPackage:
    """Put the package together."""
    files = (*source.files, *more)
    return ModelPackage(card, source.weights.parent, files=files, trust=trust)


def check_digest(package: ModelPackage, weights: Path) -> ModelPackage:
    """Compare the file with the card and write its digest into a card that has none.

    Raises
    ------
    CardError
        If it is another file than the card speaks of, or is gone.
    """
    try:
        digest = file_sha256(weights)
    except OSError as error:
        raise CardError(f"{weights}: cannot be read ({error.strerror or error}).") from error
    expected = package.card.weights_sha256
    if expected not in ("", digest):
        raise CardError(f"{weights}: this is not the file that its card speaks of (SHA-256 differs); get it again.")
    return replace(package, card=package.card.model_copy(update={"weights_sha256": digest}))


def ready(package: ModelPackage, network: Callable[[Tensor], Tensor], settings: LoadSettings) -> Predictor:
    """Check the network against the card's fingerprint, put it where it runs, and make a predictor of it.

    Raises
    ------
    CardError
        If it does not answer as its card says.
    BackendUnavailable
        If the device, precision or runtime is not to be had.
    """
    from torch import nn

    from napari_medclf.engine.fingerprint import check_fingerprint
    from napari_medclf.engine.model import place_model

    if isinstance(network, nn.Module):
        network.eval().requires_grad_(False)
        check_fingerprint(package.card, network)
    return place_model(package, network, settings)
