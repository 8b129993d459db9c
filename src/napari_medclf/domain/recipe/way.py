"""How the members of an ensemble come to differ."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """How members come to differ."""

    NONE = "none"
    """One network."""
    SEEDS = "seeds"
    """The same cases, another random start (deep ensembles, Lakshminarayanan 2017)."""
    FOLDS = "folds"
    """Each is validated on another part of the training and validation cases, and learns from the rest."""
    SNAPSHOTS = "snapshots"
    """One training whose learning rate starts anew several times (snapshot ensembles, Huang 2017)."""
