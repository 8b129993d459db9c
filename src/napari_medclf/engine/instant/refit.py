"""What came of taking in what a person said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refit:
    """What a refit did.

    Parameters
    ----------
    n_corrections : int
        Voxels of the model's grid that a person spoke of, inside of the region; of a network that takes clicks, how
        many clicks they make.
    strength : float
        From 0 (only what lies near the strokes changes) to 1 (the last layer changes everywhere in the image).
    elapsed_s : float
        Wall time.
    """

    n_corrections: int
    strength: float
    elapsed_s: float
