"""A stroke: one change of a labels image that a person made, small enough to be on disk before the next one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import GridError


class StrokeKind(StrEnum):
    """What a change was made by."""

    PAINT = "paint"
    ERASE = "erase"
    FILL = "fill"
    UNDO = "undo"
    REDO = "redo"
    TOOL = "tool"
    """Interpolation, threshold, split, merge and other tools of a person."""
    MODEL = "model"
    """A model changed labels that are being corrected: re-inference, an instant head."""
    UNLOCK = "unlock"
    """A person gave voxels back to the model; values stay."""
    LOCK = "lock"
    """A person confirmed voxels; values stay."""


@dataclass(frozen=True, eq=False)
class Stroke:
    """Voxels with their values before and after.

    Parameters
    ----------
    voxels : (N,) int64
        Raveled C-order indices into the (K, J, I) labels on the image's own grid; each stands once.
    before, after : (N,) integer
        Label values; equal for LOCK and UNLOCK.
    author : str
        Who did it; a pseudonym is fine. For MODEL the model's name and revision.
    at : str
        UTC, ISO 8601, to the millisecond.
    tool : str
        Name of the tool, such as ``slice-interpolation``; empty for the plain brush.

    Raises
    ------
    GridError
        If the arrays are not of one length.
    """

    kind: StrokeKind
    voxels: NDArray[np.int64]
    before: NDArray[np.integer]
    after: NDArray[np.integer]
    author: str = ""
    at: str = ""
    tool: str = ""

    def __post_init__(self) -> None:
        shapes = {np.shape(self.voxels), np.shape(self.before), np.shape(self.after)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise GridError(f"A stroke needs three flat arrays of one length, not {sorted(map(str, shapes))}.")

    def __len__(self) -> int:
        return len(self.voxels)

    @property
    def is_of_person(self) -> bool:
        """Whether a person made it, so that its voxels are locked."""
        return self.kind not in (StrokeKind.MODEL, StrokeKind.UNLOCK)
