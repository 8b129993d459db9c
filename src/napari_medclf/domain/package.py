"""A model on disk: its card and the folder that holds its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import ModelCard


@dataclass(frozen=True)
class ModelPackage:
    """A model that can be loaded.

    Parameters
    ----------
    card : ModelCard
        The contract, already read and checked.
    folder : Path
        The MONAI bundle: ``configs/``, ``models/``, ``docs/``, ``LICENSE``.
    is_embedded : bool
        Whether it came with this package and cannot be removed.
    """

    card: ModelCard
    folder: Path
    is_embedded: bool = False

    @property
    def name(self) -> str:
        """The card's name, by which people choose the model."""
        return self.card.name

    @property
    def weights_path(self) -> Path:
        """Where the safetensors weights are."""
        return self.folder / "models" / "model.safetensors"
