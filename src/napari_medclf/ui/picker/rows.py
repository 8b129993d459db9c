"""The rows of the series list, worked out without a window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.ui.tasks import WorkItem

GLYPHS = {Status.OPEN: "○", Status.DONE: "✓", Status.SKIPPED: "–", Status.FLAGGED: "⚑", Status.LOCKED: "▣"}
REFUSED_GLYPH = "✕"
_STACK = "stack"
"""Kind of an entry that is a folder of pictures as one volume."""
DERIVED_KINDS = frozenset(("SEG", "RTSTRUCT", "SR"))


@dataclass(frozen=True)
class Row:
    """One line of the list.

    Parameters
    ----------
    heading : str
        Name of a study; empty for everything else.
    name : str
        What the work list calls an image that is in it.
    entry : SeriesEntry or None
        None for the heading of a study.
    ref : FileRef or None
        What is opened: the entry's own, or the way that a person allowed for a refused one.
    item : int or None
        Its place in the work list; None for headings, labels, reports and what is refused.
    depth : int
        1 for labels and reports below the series they were made for.
    """

    heading: str = ""
    name: str = ""
    entry: SeriesEntry | None = None
    ref: FileRef | None = None
    item: int | None = None
    depth: int = 0
    glyph: str = ""

    @cached_property
    def title(self) -> str:
        """What it is, as people call it."""
        return self.heading if self.entry is None else title_of(self.entry, self.name)

    @cached_property
    def subtitle(self) -> str:
        """Its kind, size, spacing and number of files, or the reason why it is refused."""
        if self.entry is None:
            return ""
        return self.entry.reason if self.is_refused else subtitle_of(self.entry)

    def matches(self, words: Sequence[str]) -> bool:
        """Whether all words, in small letters, stand somewhere in it."""
        return all(word in self._search_text for word in words)

    @cached_property
    def _search_text(self) -> str:
        entry = self.entry
        names = "" if entry is None else f"{entry.kind} {entry.name} {entry.ref.path.name}"
        return f"{self.title} {self.subtitle} {names}".casefold()

    @property
    def is_heading(self) -> bool:
        """Whether this is the name of a study."""
        return self.entry is None

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be opened as it is."""
        return self.item is None and self.entry is not None and bool(self.entry.reason)


def is_derived(entry: SeriesEntry) -> bool:
    """Whether an entry is labels or a report, which are shown on the image they were made for."""
    return entry.kind.upper() in DERIVED_KINDS or bool(entry.refers_to)


def is_image(entry: SeriesEntry) -> bool:
    """Whether an entry is an image that can be opened, and so a part of the work list."""
    return not entry.reason and not is_derived(entry)


def picker_rows(entries: Sequence[SeriesEntry], items: Sequence[WorkItem]) -> list[Row]:
    """Order entries by study, and labels under their series; texts are made when a row is looked at.

    Parameters
    ----------
    items : sequence of WorkItem
        The images that are worked on, with their status; one without an entry gets a row of its own.
    """
    at = {item.ref: position for position, item in enumerate(items)}
    listed = [entry for entry in entries if _is_listed(entry, at)]
    known = {ref for entry in listed for ref in (entry.ref, *entry.ways)}
    rows: list[Row] = []
    studies = _by_study(listed)
    has_headings = 1 < len(studies) < len(listed)  # none where every study has one series
    for number, members in enumerate(studies, start=1):
        if has_headings:
            rows.append(Row(_study_title(members, number)))
        rows += _study_rows(members, items, at)
    return rows + [_entry_row(_plain_entry(item), items, at, depth=0) for item in items if item.ref not in known]


def filtered(rows: Sequence[Row], text: str) -> list[Row]:
    """Keep the rows that hold every word of a text, and the headings above them; all for an empty text."""
    words = text.casefold().split()
    kept: list[Row] = []
    heading: Row | None = None
    for row in rows:
        if row.is_heading:
            heading = row
        elif row.matches(words):
            kept += [row] if heading is None else [heading, row]
            heading = None
    return kept


def title_of(entry: SeriesEntry, name: str = "") -> str:
    """Name an entry as people call it: number and description of a series, else its file."""
    if not entry.series_uid:
        return name or entry.name
    return "  ".join(part for part in (entry.series_number, entry.description or entry.name) if part)


def subtitle_of(entry: SeriesEntry) -> str:
    """Tell kind, size, spacing and number of files."""
    spacing = ""
    if entry.spacing_mm is not None:
        steps = entry.spacing_mm[1:] if entry.size[-3:-2] == (1,) else entry.spacing_mm
        spacing = " × ".join(f"{step:.3g}" for step in steps) + " mm"
    files = f"{entry.n_files} files" if entry.n_files > 1 else entry.ref.path.name if entry.series_uid else ""
    return " · ".join(part for part in (entry.kind, _size_text(entry.size), spacing, files) if part)


def _size_text(size: tuple[int, ...]) -> str:
    """Write (K, J, I) or (T, K, J, I); of a picture only rows and columns.

    >>> _size_text((10, 1, 288, 384)), _size_text((40, 512, 512))
    ('10 frames · 288 × 384', '40 × 512 × 512')
    """
    is_flat = size[-3:-2] == (1,)
    space = " × ".join(str(n) for n in (size[-2:] if is_flat else size[-3:]))
    return f"{size[0]} {'frames' if is_flat else 'times'} · {space}" if len(size) == 4 else space


def tooltip_of(row: Row) -> str:
    """Tell everything about a row: what it is, what is odd with it, and why it is refused."""
    entry = row.entry
    if entry is None:
        return row.title
    refusal = [f"Not opened: {entry.reason}.", entry.hint] if entry.reason else []
    lines = [row.title, subtitle_of(entry), *(f"⚠ {one}" for one in entry.warnings), *refusal]
    return "\n".join(line for line in lines if line)


def _by_study(entries: Iterable[SeriesEntry]) -> list[list[SeriesEntry]]:
    studies: dict[str, list[SeriesEntry]] = {}
    owner = {entry.series_uid: entry.study for entry in entries if entry.series_uid and not is_derived(entry)}
    for entry in entries:
        home = str(entry.ref.path) if entry.kind == _STACK else entry.study
        studies.setdefault(owner.get(entry.refers_to, home), []).append(entry)
    return list(studies.values())


def _study_rows(members: Sequence[SeriesEntry], items: Sequence[WorkItem], at: dict[FileRef, int]) -> Iterator[Row]:
    below: dict[str, list[SeriesEntry]] = {}
    for entry in members:
        if is_derived(entry):
            below.setdefault(entry.refers_to, []).append(entry)
    for entry in members:
        if is_derived(entry):
            continue
        yield _entry_row(entry, items, at, depth=0)
        for derived in below.pop(entry.series_uid, []) if entry.series_uid else []:
            yield _entry_row(derived, items, at, depth=1)
    for left in below.values():
        yield from (_entry_row(entry, items, at, depth=0) for entry in left)


def _entry_row(entry: SeriesEntry, items: Sequence[WorkItem], at: dict[FileRef, int], depth: int) -> Row:
    ref = next((ref for ref in (entry.ref, *entry.ways) if ref in at), entry.ref)
    position = at.get(ref)
    item = None if position is None else items[position]
    glyph = GLYPHS[item.status] if item is not None else REFUSED_GLYPH if entry.reason else "◇"
    return Row("", "" if item is None else item.name, entry, ref, position, depth, glyph)


def _study_title(members: Sequence[SeriesEntry], number: int) -> str:
    n_series = sum(not is_derived(entry) for entry in members)
    kinds = sorted({entry.kind for entry in members if entry.series_uid})
    if kinds:
        return f"Study {number} · {', '.join(kinds)} · {n_series} series"
    if all(entry.reason for entry in members):
        return f"Not opened · {len(members)}"
    n_files = len(members)
    return f"{Path(members[0].study).name or 'Files'} · {n_files} {'file' if n_files == 1 else 'files'}"


def _is_listed(entry: SeriesEntry, at: dict[FileRef, int]) -> bool:
    """Leave out what stands for many images that are listed one by one, such as a split of an npz."""
    return not is_image(entry) or entry.ref in at or not any(ref.path == entry.ref.path for ref in at)


def _plain_entry(item: WorkItem) -> SeriesEntry:
    return SeriesEntry(item.ref, item.name, "")
