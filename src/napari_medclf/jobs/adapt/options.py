"""What is to learn from which project, and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.revision import LearnedBy, ModelRevision
from napari_medclf.domain.run_settings import DEVICES
from napari_medclf.domain.verdict import Verdict

KINDS = (LearnedBy.INSTANT, LearnedBy.ADAPT, LearnedBy.FINE_TUNE)


class Learns(StrEnum):
    """What of a network moves."""

    BY_KIND = "auto"
    """What the kind of learning asks for."""
    HEAD = "head"
    NORM_AND_HEAD = "norm+head"
    ADAPTERS = "adapters"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class AdaptOptions:
    """Which model learns from which project's answers, how far, and on whom it is measured."""

    model: str = option(
        help="name or folder of a model, id of a revision, or current: the revision in use", positional=True
    )
    project: Path = option(help="folder of the project with the corrections", positional=True)
    kind: LearnedBy = option(
        LearnedBy.ADAPT,
        help="instant: the last layer; adapt: all in few and large steps, some seconds; fine-tune: all in many steps",
        choices=KINDS,
    )
    learns: Learns = option(Learns.BY_KIND, help="what of the network moves", choices=tuple(Learns), advanced=True)
    steps: int | None = option(
        None, help="steps to take; by default what the kind asks for", minimum=1, maximum=100_000, advanced=True
    )
    lr: float | None = option(
        None,
        help="highest learning rate, for adapt of label images as a part of each weight's size; by default what the "
        "kind asks for",
        minimum=1e-7,
        maximum=10.0,
        advanced=True,
    )
    max_minutes: float | None = option(
        None,
        help="take fewer steps where all take longer; by default 7 s for pictures, 24 s for volumes; fine-tune: none",
        unit="min",
        minimum=0.01,
    )
    cases: tuple[str, ...] = option((), help="learn from these cases only; by default from all that are finished")
    hold_out: tuple[str, ...] = option((), help="cases whose patients are held out from now on, to measure on")
    hold_out_fraction: float = option(
        0.25, help="part of the finished patients that are held out to measure on", minimum=0.0, maximum=0.9
    )
    seed: int = option(0, help="of every random number", minimum=0)
    device: str = option("auto", help="where to compute", choices=DEVICES)
    author: str = option("", help="who asks for it; by default the user of this computer", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)
        both = sorted(set(self.cases) & set(self.hold_out))
        if both:
            raise OptionError(f"{both[0]!r} cannot be learned from and be held out.")


@dataclass(frozen=True)
class AdaptResult:
    """What came of it; nothing is in use that was not before.

    Parameters
    ----------
    elapsed_s : float
        From the asking to the verdict; `revision.elapsed_s` is the learning alone.
    """

    revision: ModelRevision
    verdict: Verdict
    folder: Path
    n_cases: int
    n_moved: int
    elapsed_s: float
