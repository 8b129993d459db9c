"""The file that lists an ensemble's members."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.package import ModelPackage

ENSEMBLE = "ensemble.json"
_MAX_BYTES = 10_000_000
_DEEPEST = 2


class MemberEntry(BaseModel):
    """One member.

    Parameters
    ----------
    model : str
        Name of an installed model, or path of one: absolute, or below the ensemble's folder.
    sha256 : str
        Of its weights, as they were when the ensemble was made; empty for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    sha256: str = ""
    weight: float = Field(default=1.0, gt=0)


class EnsembleFile(BaseModel):
    """What ``ensemble.json`` holds.

    Parameters
    ----------
    combine : str
        ``mean`` and ``weighted`` of probabilities (boxes: fused), or ``vote`` (boxes: the best of those that overlap).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    card: ModelCard
    combine: Literal["mean", "vote", "weighted"]
    members: tuple[MemberEntry, ...] = Field(min_length=2, max_length=100)

    @model_validator(mode="after")
    def _check_weights(self) -> EnsembleFile:
        if self.combine != "weighted" and any(one.weight != 1 for one in self.members):
            raise ValueError(f"weights are for 'weighted', and members are combined by {self.combine!r}")
        return self


def looks_like_ensemble(path: Path) -> bool:
    """Tell by content whether a file lists an ensemble's members; never raises."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "members" in content and "combine" in content


def read_ensemble(path: Path) -> EnsembleFile:
    """Read the list.

    Raises
    ------
    CardError
        If it is damaged.
    """
    try:
        return EnsembleFile.model_validate_json(path.read_bytes()[:_MAX_BYTES])
    except (OSError, ValidationError, RecursionError) as error:
        raise CardError(f"{path}: is no list of an ensemble's members ({_first_line(error)}).") from error


def write_ensemble(content: EnsembleFile, path: Path) -> None:
    """Write the list.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content.model_dump_json(indent=1, by_alias=True) + "\n")
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error


def find_member(entry: MemberEntry, folder: Path) -> ModelPackage:
    """Find a member by name or path, and make sure that its weights are those that were meant.

    Raises
    ------
    CardError
        If it is not there, or has other weights.
    """
    package = _open(entry.model, folder)
    if entry.sha256 and digest_of(package) != entry.sha256:
        raise CardError(
            f"The member {entry.model!r} has other weights than when the ensemble was made. Make the ensemble again."
        )
    return package


def check_nesting(path: Path, above: tuple[Path, ...] = ()) -> None:
    """Refuse an ensemble that is a member of itself, at any remove.

    Raises
    ------
    CardError
        If it is, or ensembles are nested deeper than anybody needs.
    """
    place = path.resolve()
    if place in above or len(above) > _DEEPEST:
        raise CardError(f"{path}: the ensemble has itself as a member, or ensembles in ensembles; list the models.")
    for one in read_ensemble(path).members:
        member = _open(one.model, path.parent)
        if member.card.backend == "ensemble" and member.files:
            check_nesting(member.files[0], (*above, place))


def digest_of(package: ModelPackage) -> str:
    """Digest of a model's weights: the card's, else that of its files."""
    from napari_medclf.store.digests import file_sha256

    if package.card.weights_sha256 or not package.files:
        return package.card.weights_sha256
    return sha256("".join(sorted(file_sha256(path) for path in package.files)).encode()).hexdigest()


def _open(model: str, folder: Path) -> ModelPackage:
    from napari_medclf.backends.registry import open_model
    from napari_medclf.store.catalogue import Catalogue

    inner = PurePosixPath(model)
    if not inner.is_absolute() and ".." not in inner.parts and (folder / model).exists():
        return open_model(folder / model)
    installed = Catalogue().named(model)
    if installed is not None:
        return installed
    if Path(model).is_absolute() and Path(model).exists():
        return open_model(Path(model))
    raise CardError(f"The ensemble's member {model!r} is not installed, and there is no such file or folder.")


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return str(error)
