"""The members of an ensemble: loaded when needed, alike or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

if TYPE_CHECKING:
    from napari_medclf.engine.model import LoadedModel

# Weights may take this part of the memory that is free; windows and labels need the rest.
_PART_FOR_WEIGHTS = 0.5


@dataclass(eq=False)
class Member:
    """One model of an ensemble.

    Parameters
    ----------
    is_kept : bool
        Whether it stays in memory after its turn.
    """

    package: ModelPackage
    weight: float
    settings: LoadSettings
    is_kept: bool = True
    place: str = ""
    is_ours: bool = False
    _loaded: Predictor | None = field(default=None, repr=False)

    def load(self) -> Predictor:
        """Load it, unless it is there."""
        from napari_medclf.backends.registry import load
        from napari_medclf.engine.model import LoadedModel

        found = self._loaded or load(self.package, self.settings)
        self.place, self.is_ours = found.place, isinstance(found, LoadedModel)
        if self.is_kept:
            self._loaded = found
        return found

    def load_ours(self) -> LoadedModel:
        """Load it as a network that runs here.

        Raises
        ------
        CardError
            If it computes elsewhere.
        """
        from napari_medclf.engine.model import LoadedModel

        found = self.load()
        if not isinstance(found, LoadedModel):
            raise CardError(f"{self.package.name} computes outside of this program; only its answers can be combined.")
        return found


def check_members(card: ModelCard, members: Sequence[ModelPackage]) -> None:
    """Refuse members that do another task, or know other classes, than the ensemble.

    Raises
    ------
    CardError
        Naming the member.
    """
    for one in members:
        if one.card.task is not card.task:
            raise CardError(f"{card.name} is made to {card.task}, its member {one.name} to {one.card.task}.")
        if list(one.card.schema_.iter_named_values()) != list(card.schema_.iter_named_values()):
            raise CardError(
                f"The member {one.name} knows the classes {', '.join(one.card.schema_.names)}, and the ensemble "
                f"{card.name} {', '.join(card.schema_.names)}: their names, order and values must be the same."
            )


def are_alike(members: Sequence[Member]) -> bool:
    """Whether all see the same windows of the same grid, answer in the same channels, and run here."""
    first = members[0].package.card
    return all(
        one.is_ours
        and one.place == members[0].place
        and one.package.card.input == first.input
        and _shape_of_answer(one.package.card) == _shape_of_answer(first)
        for one in members
    )


def fit_together(members: Sequence[ModelPackage]) -> bool:
    """Whether the weights of all members fit into the memory at once."""
    from napari_medclf.free_memory import available_bytes

    return sum(map(_weights_bytes, members)) <= _PART_FOR_WEIGHTS * available_bytes()


def _weights_bytes(package: ModelPackage) -> int:
    files = package.files or [path for path in package.folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files if path.is_file())


def _shape_of_answer(card: ModelCard) -> tuple[object, ...]:
    output = card.output
    return (output.activation, output.has_background_channel, output.instances, output.mirror_axes, output.resampled)
