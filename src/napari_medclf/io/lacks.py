"""Is this study complete? What its files tell of others that have not come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from napari_medclf.io.arrived import FileNote
from napari_medclf.io.report import Discovery

Key = TypeVar("Key", bound=Hashable)
_MOST_MISSING = 10_000
"""Larger holes in numbers say how a scanner counts, not how many files are missing."""


@dataclass(frozen=True)
class Lack:
    """Something that seems to be missing.

    Parameters
    ----------
    sentence : str
        What, without the series' name of its own.
    series : str
        UID of the series that it is about; empty for the whole study.
    is_sure : bool
        False where complete studies may look like that too: it is worth waiting, and a warning.
    """

    sentence: str
    series: str = ""
    is_sure: bool = True


def find_lacks(notes: Sequence[FileNote], discovery: Discovery) -> tuple[Lack, ...]:
    """Find what seems to be missing of one study, or of one image that is no DICOM.

    Parameters
    ----------
    notes : sequence of FileNote
        Of all its files.
    discovery : Discovery
        What these files make together.

    Notes
    -----
    Sure are gaps between slices, files that are cut short, objects in several files that lack some, and fewer objects
    than NumberOfSeriesRelatedInstances (PS3.4 C.3.4) says. Unsure are fewer images than ImagesInAcquisition (PS3.3
    C.7.6.1), and holes in the instance numbers, which also tell of slices that are missing one by one: every second
    one leaves no gap.
    """
    return (*_refused(notes, discovery), *_counted(notes), *_numbered(notes))


def _refused(notes: Sequence[FileNote], discovery: Discovery) -> Iterator[Lack]:
    for entry in discovery.entries:
        if entry.reason:
            yield Lack(entry.reason, entry.series_uid)
    # A refused file among images of its series; one by itself, such as a presentation state, lacks nothing.
    series_of = {note.path: note.series for note in notes}
    with_images = {entry.series_uid for entry in discovery.entries if not entry.reason} - {""}
    for refusal in discovery.refusals:
        if series_of.get(refusal.path) in with_images:
            yield Lack(f"a file of a series {refusal.reason}", series_of[refusal.path])


def _counted(notes: Sequence[FileNote]) -> Iterator[Lack]:
    for series, group in _grouped(notes, lambda note: note.series).items():
        expected = max(note.n_in_series for note in group)
        n_here = len({note.sop for note in group})
        if n_here < expected:
            yield Lack(f"a series has {n_here} of {expected} objects", series)
    for (series, _), group in _grouped(notes, lambda note: (note.series, note.acquisition)).items():
        expected = max(note.n_in_acquisition for note in group)
        n_here = len({note.sop for note in group})
        if n_here < expected:
            yield Lack(f"an acquisition has {n_here} of {expected} images", series, is_sure=False)


def _numbered(notes: Sequence[FileNote]) -> Iterator[Lack]:
    for series, group in _grouped(notes, lambda note: note.series).items():
        numbers = {note.number for note in group if note.number is not None}
        if len(numbers) < 2 or len(numbers) < len({note.sop for note in group}):
            continue  # several planes share a number: it does not count them
        n_missing = max(numbers) - min(numbers) + 1 - len(numbers)
        if 0 < n_missing <= _MOST_MISSING:
            first = next(n for n in range(min(numbers), max(numbers)) if n not in numbers)
            yield Lack(f"{n_missing} instance numbers of a series are missing, such as {first}", series, is_sure=False)


def _grouped(notes: Sequence[FileNote], key: Callable[[FileNote], Key]) -> dict[Key, list[FileNote]]:
    groups: dict[Key, list[FileNote]] = defaultdict(list)
    for note in notes:
        if note.sop:
            groups[key(note)].append(note)
    return groups
