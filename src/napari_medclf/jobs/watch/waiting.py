"""What has arrived and was not run yet, and since when nothing of it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
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
    is_lacking : bool
        Whether it was looked at since, and found to be incomplete.
    """

    name: str
    files: dict[Path, tuple[FileNote, Stamp]] = field(default_factory=dict)
    changed_s: float = 0.0
    is_lacking: bool = False

    @property
    def notes(self) -> list[FileNote]:
        """What its files tell, in the order of their places."""
        return [note for _, (note, _) in sorted(self.files.items(), key=lambda item: item[0])]


class Waiting:
    """Sorts files that arrive in any order into units, and tells which of them nothing happens to any more.

    Parameters
    ----------
    settle_s, patience_s : float
        How long a unit must be left alone to be looked at, and to be run although it lacks something.
    handled : dict
        Unit to its signature when it was last dealt with, from before a restart.
    how_left : callable
        How whoever sent a unit stopped before the end, empty where nobody did; made good, the unit is another.
    """

    def __init__(
        self,
        settle_s: float,
        patience_s: float,
        handled: Mapping[str, str] | None = None,
        how_left: Callable[[str], str] = lambda name: "",
    ) -> None:
        self._settle_s, self._patience_s, self._how_left = settle_s, patience_s, how_left
        self._handled = dict(handled or {})
        self._units: dict[str, Unit] = {}

    def is_open(self, name: str) -> bool:
        """Whether a unit waits; of others nothing but the signature is kept, whatever their number."""
        return name in self._units

    def saw(self, note: FileNote, stamp: Stamp, now_s: float) -> None:
        """Note that a file is new or was changed; of a unit that was not open, every file must be told."""
        unit = self._units.setdefault(note.unit, Unit(note.unit))
        unit.files[note.path] = (note, stamp)
        unit.changed_s, unit.is_lacking = now_s, False

    def lost(self, name: str, path: Path, now_s: float) -> None:
        """Note that a file is not there any more; what was dealt with stays as it is."""
        unit = self._units.get(name)
        if unit is None or unit.files.pop(path, None) is None:
            return
        unit.changed_s, unit.is_lacking = now_s, False
        if not unit.files:
            del self._units[name]

    def touch(self, name: str, now_s: float) -> None:
        """Note that something is going on with a unit that waits; what it lacked may be here now."""
        if name in self._units:
            self._units[name].changed_s, self._units[name].is_lacking = now_s, False

    def is_handled(self, name: str, stamps: Mapping[Path, Stamp]) -> bool:
        """Whether a unit of these files was dealt with, and nothing changed since."""
        return self._handled.get(name) == self._digest(name, stamps)

    def signature(self, unit: Unit) -> str:
        """Tell by a digest how a unit stands now: places, sizes and times of its files, and whether its sender left."""
        return self._digest(unit.name, {path: stamp for path, (_, stamp) in unit.files.items()})

    def due(self, now_s: float) -> list[Unit]:
        """Give the units that need wait no longer, longest waiting first; forget those that nothing happened to."""
        due = [unit for unit in self._units.values() if self.is_due(unit, now_s)]
        as_before = [unit for unit in due if self._handled.get(unit.name) == self.signature(unit)]
        for unit in as_before:
            del self._units[unit.name]
        left = [unit for unit in due if unit.name in self._units]
        return sorted(left, key=lambda unit: unit.changed_s)

    def is_due(self, unit: Unit, now_s: float) -> bool:
        """Whether a unit waits, and need not any longer."""
        return self._units.get(unit.name) is unit and now_s >= self.due_s(unit)

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
        """Note that a unit was run or refused as it was; what changed meanwhile makes it wait on."""
        self._handled[unit.name] = signature
        unit.is_lacking = False
        if self.signature(unit) == signature and self._units.get(unit.name) is unit:
            del self._units[unit.name]

    @property
    def n_waiting(self) -> int:
        """How many units are on their way."""
        return len(self._units)

    def _digest(self, name: str, stamps: Mapping[Path, Stamp]) -> str:
        lines = [f"{path}\0{stamp.n_bytes}\0{stamp.mtime_ns}" for path, stamp in sorted(stamps.items(), key=_by_path)]
        lines += filter(None, [self._how_left(name)])
        return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _by_path(item: tuple[Path, Stamp]) -> Path:
    return item[0]
