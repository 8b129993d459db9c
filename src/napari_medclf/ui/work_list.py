"""The images a person works through, and which one is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.ui.tasks import WorkItem


@dataclass
class WorkList:
    """Items in order, with a cursor; changes only what is asked."""

    items: list[WorkItem] = field(default_factory=list)
    current: int | None = None

    def index_of(self, ref: FileRef) -> int | None:
        """Position of an image, None when it is not in the list."""
        return next((index for index, item in enumerate(self.items) if item.ref == ref), None)

    def mark(self, index: int, status: Status, project: Path | None = None) -> None:
        """Set where an item is, and the project that was told."""
        item = self.items[index]
        self.items[index] = replace(item, status=status, project=project or item.project)

    def arrange(self, turns: Sequence[tuple[FileRef, Status]]) -> None:
        """Put items into an order and state that a project knows; others keep theirs, and come after.

        The image that is open stays open.
        """
        place = {ref: (number, status) for number, (ref, status) in enumerate(turns)}
        shown = None if self.current is None else self.items[self.current].ref
        known = sorted((item for item in self.items if item.ref in place), key=lambda item: place[item.ref][0])
        others = [item for item in self.items if item.ref not in place]
        self.items = [*(replace(item, status=place[item.ref][1]) for item in known), *others]
        self.current = None if shown is None else self.index_of(shown)

    def next_open(self) -> int | None:
        """The next item that is open after the current one, beginning anew at the end; None when all are seen."""
        start = -1 if self.current is None else self.current
        order = [*range(start + 1, len(self.items)), *range(start + 1)]
        return next(
            (index for index in order if index != self.current and self.items[index].status is Status.OPEN), None
        )

    def count(self, status: Status) -> int:
        """How many items have a status."""
        return sum(item.status is status for item in self.items)
