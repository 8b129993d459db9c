"""Where in the common history of all writers something stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from napari_medclf.domain.mark import Mark
from napari_medclf.domain.stroke import Stroke, StrokeKind


@dataclass(frozen=True, order=True)
class Moment:
    """A place in the one order that all writers' records have.

    Parameters
    ----------
    t_ns : int
        Nanoseconds since 1970 UTC. A writer that has seen another's record never writes an earlier time than its,
        also where the clocks of two computers disagree (hybrid logical clocks, Kulkarni et al. 2014).
    writer_id, seq : str, int
        Who wrote it, and which of his records it is.
    """

    t_ns: int
    writer_id: str = ""
    seq: int = 0

    @property
    def at(self) -> str:
        """UTC, ISO 8601, to the millisecond."""
        return datetime.fromtimestamp(self.t_ns / 1e9, UTC).isoformat(timespec="milliseconds")

    @classmethod
    def end_of(cls, t_ns: int) -> Moment:
        """The last moment of that nanosecond, so that all that was written until then is before it."""
        return cls(t_ns, "\U0010ffff", 2**32)


@dataclass(frozen=True)
class JournalledStroke:
    """A stroke with its place in history."""

    moment: Moment
    stroke: Stroke

    @property
    def seq(self) -> int:
        """Which record of its writer it is."""
        return self.moment.seq

    @property
    def writer_id(self) -> str:
        """Who wrote it."""
        return self.moment.writer_id


@dataclass(frozen=True)
class JournalledMark:
    """A class click with its place in history."""

    moment: Moment
    mark: Mark


@dataclass(frozen=True)
class Step:
    """One line of the list that a person chooses a moment from: what was done, when and by whom."""

    moment: Moment
    kind: StrokeKind
    author: str
    tool: str
    n_vox: int


@dataclass(frozen=True)
class Seen:
    """How far each writer's records are known to somebody; writers that are not named are not known at all."""

    last: Mapping[str, int] = field(default_factory=dict)

    def covers(self, moment: Moment) -> bool:
        """Whether that record is known."""
        return self.last.get(moment.writer_id, 0) >= moment.seq

    def plus(self, moment: Moment) -> Seen:
        """Know one more record, and the writer's earlier ones."""
        known = max(self.last.get(moment.writer_id, 0), moment.seq)
        return Seen({**self.last, moment.writer_id: known})


@dataclass(frozen=True)
class View:
    """What one window shows: its own records, and those of others that it has taken in."""

    writer_id: str
    seen: Seen

    def shows(self, moment: Moment) -> bool:
        """Whether a record is in the labels of that window."""
        return moment.writer_id == self.writer_id or self.seen.covers(moment)


@dataclass(frozen=True)
class JournalledSaved:
    """That the labels of this moment were saved as an answer, as one window showed them."""

    moment: Moment
    label_digest: str
    version: str
    seen: Seen | None = None

    @property
    def view(self) -> View | None:
        """What the window showed; None where it did not say, and everything counts."""
        return None if self.seen is None else View(self.moment.writer_id, self.seen)
