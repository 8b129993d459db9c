"""A model on disk: its card and the folder that holds its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.trust import Trust


@dataclass(frozen=True)
class ModelPackage:
    """A model that can be loaded.

    Parameters
    ----------
    card : ModelCard
        The contract, already read and checked; its `backend` says who loads the model.
    folder : Path
        Native models: the MONAI bundle with ``configs/``, ``models/``, ``docs/``, ``LICENSE``. Others: the folder as
        its author made it, or the folder that holds the one file.
    is_embedded : bool
        Whether it came with this program and cannot be removed.
    files : tuple of Path
        What belongs to a model of another backend, where that is not the whole folder.
    trust : Trust or None
        What of it would run as code, and needs a person's word first.
    """

    card: ModelCard
    folder: Path
    is_embedded: bool = False
    files: tuple[Path, ...] = ()
    trust: Trust | None = None

    @property
    def name(self) -> str:
        """The card's name, by which people choose the model."""
        return self.card.name

    @property
    def weights_path(self) -> Path:
        """Where the safetensors weights of a native model are."""
        return self.folder / "models" / "model.safetensors"
