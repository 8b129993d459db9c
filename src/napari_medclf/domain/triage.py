"""In which order a person should look at the answers of a run: the likely wrong ones first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DoubtKind(StrEnum):
    """What can make an answer doubtful."""

    ENTROPY = "entropy"
    """The model's own doubt: mean entropy of its probabilities where something was found or doubted."""
    DISAGREEMENT = "disagreement"
    """Members of an ensemble, or mirrored images, vote for different answers."""
    SIZE = "size"
    """A volume, area or count unlike that of the other cases."""
    SHAPE = "shape"
    """A shape or place unlike that of the other cases."""
    PIECES = "pieces"
    """More or fewer connected parts than the other cases have."""
    DISTANCE = "distance"
    """In the model's features far from what it was trained on; without such figures, far from the other cases."""
    EMPTY = "empty"
    """Nothing was found where the other cases have something."""
    UNFIT = "unfit"
    """The image is not what the model's card promises (`domain.violation`)."""


@dataclass(frozen=True)
class TriageRow:
    """Where a case stands in the list.

    Parameters
    ----------
    rank : int
        From 1, the worst first.
    score : float
        From 0 (nothing speaks against it) to 1.
    parts : dict
        What each kind of doubt gives to the score, from 0 to 1.
    sentence : str
        The strongest doubts with their numbers, for people.
    source : str
        The image, as the run tells it.
    """

    case_id: str
    rank: int
    score: float
    parts: dict[DoubtKind, float]
    sentence: str
    source: str = ""
