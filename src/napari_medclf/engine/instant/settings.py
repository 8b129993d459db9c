"""How an instant head is made and how freely it may learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_medclf.domain.geometry import Shape3


@dataclass(frozen=True)
class InstantSettings:
    """How an instant head is made and how freely it may learn.

    Parameters
    ----------
    focus : (k, j, i) or None
        Voxel of the image that a person looks at: where the whole is too big, features are kept around it. None takes
        the middle.
    memory_bytes : int or None
        What the kept features may take; None for a part of what is free.
    is_mirrored : bool or None
        Average over mirrored images, as `RunSettings.mirror`.
    reach : str
        ``near``: strokes change what lies near them and is alike. ``image``: the last layer changes everywhere, too.
        ``auto``: as far as strokes agree about it, each looked at with what the others teach.
    anchor : float
        Weight of all unpainted voxels together, which hold the model's own answer, against all painted ones.
    stiffness : float
        How strongly the last layer's weights hold to the old ones.
    near_vox, likeness, margin : float
        How far a stroke reaches: in voxels of the model, in deviations of the features, and how surely; see `Near`.
    is_class_balanced : bool
        Whether every class that was painted weighs the same, however much of it was painted.
    seed : int
        Of the choice of unpainted voxels.
    """

    focus: Shape3 | None = None
    memory_bytes: int | None = None
    is_mirrored: bool | None = None
    reach: Literal["auto", "near", "image"] = "auto"
    anchor: float = 1.0
    stiffness: float = 0.01
    near_vox: float = 4.0
    likeness: float = 1.0
    margin: float = 1.0
    is_class_balanced: bool = True
    seed: int = 0
