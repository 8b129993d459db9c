"""Whether a model that learned from corrections got better, told so that a person can decide."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Judgement(StrEnum):
    """What can be said with 95 % confidence."""

    BETTER = "better"
    SAME = "same"
    """No difference could be shown; with few cases there may be one all the same."""
    WORSE = "worse"
    UNKNOWN = "unknown"
    """There is no hold-out to measure on, or too few patients in it."""


class Change(BaseModel):
    """One number before and after.

    Parameters
    ----------
    name : str
        As in metrics.json, such as ``dice/anterior`` or ``auc``.
    group : str
        Which part of the hold-out, such as ``site=B``; empty for all of it.
    ci95 : (low, high) or None
        Of after - before, resampled by patient, paired; None with fewer than two patients.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    group: str = ""
    before: float
    after: float
    ci95: tuple[float, float] | None = None
    n_cases: int = 0
    n_groups: int = 0
    judgement: Judgement


class Verdict(BaseModel):
    """What the frozen hold-out says about a new revision of a model, seen from its parent.

    Parameters
    ----------
    changes : tuple of Change
        The main number first, then per class, then per subgroup.
    worse_in : tuple of str
        Classes and subgroups that got worse, named even where the whole got better.
    contaminated : tuple of str
        Hold-out cases that one of the two models learned from; the verdict says so.
    sentence : str
        All of it for people, in a sentence or two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    judgement: Judgement
    sentence: str
    changes: tuple[Change, ...] = ()
    worse_in: tuple[str, ...] = ()
    contaminated: tuple[str, ...] = ()
    n_cases: int = 0
    n_groups: int = 0

    @property
    def may_be_accepted(self) -> bool:
        """Whether accepting needs no second thought: not worse anywhere, and measured on clean cases."""
        return self.judgement in (Judgement.BETTER, Judgement.SAME) and not self.worse_in and not self.contaminated
