"""What has arrived and was not run yet, and since when nothing of it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_medclf.io.arrived import FileNote


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a file changed."""

    n_bytes: int
    mtime_ns: int


@dataclass
class Unit:
    """What is run together: a DICOM study, or one image of another kind.

    Parameters
    ----------
    files : dict
        Its files, also those that were there when it was run before.
    changed_s : float
        When something of it last changed, on the clock of `Waiting`.
    is_waiting : bool
        Whether something changed since it was last dealt with.
    is_lacking : bool
        Whether it was looked at since, and found to be incomplete.
    """

    name: str
    files: dict[Path, tuple[FileNote, Stamp]] = field(default_factory=dict)
    changed_s: float = 0.0
    is_waiting: bool = True
    is_lacking: bool = False

    @property
    def notes(self) -> list[FileNote]:
        """What its files tell, in the order of their places."""
        return [note for _, (note, _) in sorted(self.files.items())]

    def signature(self, *, is_broken_off: bool = False) -> str:
        """Digest of places, sizes and times of its files: the same after a restart, where nothing changed."""
        lines = [f"{path}\0{stamp.n_bytes}\0{stamp.mtime_ns}" for path, (_, stamp) in sorted(self.files.items())]
        lines += ["broken off"] if is_broken_off else []
        return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


class Waiting:
    """Sorts files that arrive in any order into units, and tells which of them nothing happens to any more.

    Parameters
    ----------
    settle_s, patience_s : float
        How long a unit must be left alone to be looked at, and to be run although it lacks something.
    handled : dict
        Unit to its signature when it was last dealt with, from before a restart.
    broke_off : callable
        Whether whoever sent a unit stopped before the end; when that is made good, the unit is another.
    """

    def __init__(
        self,
        settle_s: float,
        patience_s: float,
        handled: Mapping[str, str] | None = None,
        broke_off: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self._settle_s, self._patience_s, self._broke_off = settle_s, patience_s, broke_off
        self._handled = dict(handled or {})
        self._units: dict[str, Unit] = {}
        self._unit_of: dict[Path, str] = {}

    def saw(self, note: FileNote, stamp: Stamp, now_s: float) -> None:
        """Note that a file is new or was changed."""
        before = self._unit_of.get(note.path)
        if before not in (None, note.unit):
            self.lost(note.path, now_s)
        unit = self._units.setdefault(note.unit, Unit(note.unit))
        unit.files[note.path] = (note, stamp)
        self._unit_of[note.path] = note.unit
        self._touch(unit, now_s)

    def lost(self, path: Path, now_s: float) -> None:
        """Note that a file is not there any more."""
        unit = self._units.get(self._unit_of.pop(path, ""))
        if unit is None:
            return
        del unit.files[path]
        self._touch(unit, now_s)
        if not unit.files:
            del self._units[unit.name]

    def touch(self, name: str, now_s: float) -> None:
        """Note that something is going on with a unit; if it is as it was dealt with, it soon counts as that again."""
        if name in self._units:
            self._units[name].changed_s, self._units[name].is_waiting = now_s, True

    def signature(self, unit: Unit) -> str:
        """Tell by a digest how a unit stands now."""
        return unit.signature(is_broken_off=self._broke_off(unit.name))

    def due(self, now_s: float) -> list[Unit]:
        """Give the units that need wait no longer, longest waiting first; forget those that nothing happened to."""
        found = []
        for unit in sorted(self._open(), key=lambda unit: unit.changed_s):
            if self.is_due(unit, now_s):
                if self._handled.get(unit.name) != self.signature(unit):
                    found.append(unit)
                else:
                    unit.is_waiting = False
        return found

    def is_due(self, unit: Unit, now_s: float) -> bool:
        """Whether a unit need wait no longer."""
        return unit.is_waiting and bool(unit.files) and now_s >= self.due_s(unit)

    def due_s(self, unit: Unit) -> float:
        """When a unit need wait no longer."""
        return unit.changed_s + (self._patience_s if unit.is_lacking else self._settle_s)

    def is_out_of_patience(self, unit: Unit, now_s: float) -> bool:
        """Whether an incomplete unit need not be waited for any more."""
        return now_s >= unit.changed_s + self._patience_s

    def put_off(self, unit: Unit) -> None:
        """Wait for what a unit lacks."""
        unit.is_lacking = True

    def dealt_with(self, unit: Unit, signature: str) -> None:
        """Note that a unit was run or refused as it was; what changed meanwhile makes it wait again."""
        self._handled[unit.name] = signature
        unit.is_waiting = self.signature(unit) != signature
        unit.is_lacking = False

    @property
    def n_waiting(self) -> int:
        """How many units are on their way."""
        return sum(1 for _ in self._open())

    def _open(self) -> Iterator[Unit]:
        return (unit for unit in self._units.values() if unit.is_waiting)

    def _touch(self, unit: Unit, now_s: float) -> None:
        unit.changed_s, unit.is_waiting, unit.is_lacking = now_s, True, False
