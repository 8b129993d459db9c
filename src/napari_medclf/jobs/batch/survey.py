"""Look through a folder and put everything below it into a row: what a run will do, and what not and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.domain.run import CaseRecord, CaseStatus, SkipKind
from napari_medclf.domain.series_rule import SeriesRule
from napari_medclf.jobs.batch.choose import choose_of_studies, why_not
from napari_medclf.jobs.batch.planned import PlannedCase
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.runs.case import sentence

if TYPE_CHECKING:
    from napari_medclf.io.report import Discovery, Refusal

_KINDS = {
    "SEG": "labels",
    "RTSTRUCT": "contours",
    "SR": "a report",
    "PR": "a presentation state",
    "KO": "a selection of images",
}
Skipped = Mapping[FileRef, tuple[SkipKind, str]]
FindCopies = Callable[[Sequence[SeriesEntry]], Mapping[FileRef, FileRef]]
"""Takes images in their order; gives those that are the same as an earlier one, and that one."""


@dataclass(frozen=True)
class Survey:
    """Everything below a folder.

    Parameters
    ----------
    rows : tuple of PlannedCase
        What is to be run in the order of the folder, then what is not.
    entries : dict
        What the listing tells of the images.
    """

    rows: tuple[PlannedCase, ...]
    entries: Mapping[FileRef, SeriesEntry] = field(default_factory=dict)


def survey(
    discovery: Discovery,
    folder: Path,
    rule: SeriesRule,
    *,
    find_copies: FindCopies,
    limit: int | None = None,
    most_bytes: int | None = None,
) -> Survey:
    """Put what was found below a folder into rows; patterns on paths were asked when it was listed.

    Parameters
    ----------
    limit : int or None
        Images beyond the first ones that fit are left out.
    most_bytes : int or None
        Files of more samples than this cannot be read here; DICOM series are read in parts.
    """
    images = image_entries(discovery)
    skipped: dict[FileRef, tuple[SkipKind, str]] = {}
    for entry in images:
        reason = why_not(entry, rule)
        if reason:
            skipped[entry.ref] = (SkipKind.RULE, reason)
        elif most_bytes is not None and not entry.modality and _fewest_bytes(entry) > most_bytes:
            skipped[entry.ref] = (SkipKind.REFUSED, _too_large(entry, most_bytes))
    fitting = [entry for entry in images if entry.ref not in skipped]
    for ref, first in find_copies(fitting).items():
        skipped[ref] = (SkipKind.COPY, f"same image as {_place(first.path, folder, first.member)}, byte by byte")
    fitting = [entry for entry in fitting if entry.ref not in skipped]
    chosen, left = choose_of_studies(fitting, rule.one_per_study)
    skipped |= {ref: (SkipKind.RULE, reason) for ref, reason in left.items()}
    fitting = [entry for entry in fitting if entry.ref not in skipped]
    for entry in fitting[limit:] if limit is not None else ():
        skipped[entry.ref] = (SkipKind.RULE, f"comes after the first {limit} (--limit)")
    return Survey(_in_rows(discovery, folder, images, skipped, chosen), {entry.ref: entry for entry in images})


def image_entries(discovery: Discovery) -> list[SeriesEntry]:
    """Give each image that was found what the listing tells of it; images inside one file share its entry."""
    listed = {entry.ref: entry for entry in discovery.entries}
    found = []
    for ref in discovery.found:
        entry = listed.get(ref) or listed.get(FileRef(ref.path, ref.member.partition("/")[0]))
        if entry is None:
            entry = SeriesEntry(ref, ref.path.name, "", files=(ref.path,))
        found.append(replace(entry, ref=ref))
    return found


def _in_rows(
    discovery: Discovery,
    folder: Path,
    images: Sequence[SeriesEntry],
    skipped: Skipped,
    chosen: Mapping[FileRef, str],
) -> tuple[PlannedCase, ...]:
    from napari_medclf.jobs.runs.sources import name_cases

    names = name_cases([entry.ref for entry in images], folder)
    to_run, not_run = [], []
    for entry, name in zip(images, names, strict=True):
        if entry.ref in skipped:
            not_run.append(_image_row(entry, name, *skipped[entry.ref]))
        else:
            to_run.append(_image_row(entry, name, None, chosen.get(entry.ref, "")))
    used = {name.casefold() for name in names}
    others = _without_repeats(_other_rows(discovery, folder, images), used)
    return (*to_run, *not_run, *others)


def _image_row(entry: SeriesEntry, case_id: str, kind: SkipKind | None, reason: str) -> PlannedCase:
    record = CaseRecord(
        case_id=case_id,
        source=printable(str(entry.ref)),
        status=CaseStatus.PENDING if kind is None else CaseStatus.SKIPPED,
        reason=printable(reason),
        skipped_as=kind,
    )
    return PlannedCase(
        record,
        entry.ref,
        entry.files,
        kind=entry.modality or entry.kind,
        study=entry.study if entry.modality else "",
        description=entry.description,
        size=entry.size,
        spacing_mm=entry.spacing_mm,
        notes=entry.warnings,
    )


def _other_rows(discovery: Discovery, folder: Path, images: Sequence[SeriesEntry]) -> Iterator[PlannedCase]:
    """Rows of all that is no image, or cannot be opened, or is a copy of DICOM files."""
    found = {entry.ref for entry in images}
    listed: set[tuple[Path, str]] = set()
    for entry in discovery.entries:
        if entry.reason:
            listed.add((entry.ref.path, entry.reason))
            yield replace(_row_of(entry, SkipKind.REFUSED, sentence(entry.reason, entry.hint), folder))
        elif entry.ref not in found and entry.modality:
            what = _KINDS.get(entry.modality, "what was derived from images")
            yield _row_of(entry, SkipKind.OTHER, f"holds {what} ({entry.modality}), not an image", folder)
    for one in discovery.refusals:
        if (one.path, one.reason) not in listed:
            yield _file_row(one, SkipKind.REFUSED, folder)
    yield from _rows_of_copies(discovery.copies, images, folder)
    yield from (_file_row(one, SkipKind.OTHER, folder) for one in discovery.others)
    yield from (_file_row(one, SkipKind.RULE, folder) for one in discovery.left_out)


def _row_of(entry: SeriesEntry, kind: SkipKind, reason: str, folder: Path) -> PlannedCase:
    return _image_row(entry, _plain_name(entry.ref, folder), kind, reason)


def _file_row(refusal: Refusal, kind: SkipKind, folder: Path) -> PlannedCase:
    ref = FileRef(refusal.path)
    record = CaseRecord(
        case_id=_plain_name(ref, folder),
        source=printable(str(ref)),
        status=CaseStatus.SKIPPED,
        reason=printable(sentence(refusal.reason, refusal.hint) if refusal.hint else refusal.reason),
        skipped_as=kind,
    )
    return PlannedCase(record, ref, (refusal.path,))


def _rows_of_copies(copies: Mapping[Path, Path], images: Sequence[SeriesEntry], folder: Path) -> Iterator[PlannedCase]:
    """One row for the copies of an image in a folder."""
    image_of = {path: entry for entry in images for path in entry.files}
    groups: dict[tuple[Path, Path], list[Path]] = defaultdict(list)
    for copy, first in copies.items():
        home = image_of[first].ref.path if first in image_of else first
        groups[copy.parent, home].append(copy)
    for (parent, home), files in groups.items():
        count = "" if len(files) == 1 else f"{len(files)} files: "
        reason = f"{count}same image as {_place(home, folder)}, by its SOP instance UID{'' if len(files) == 1 else 's'}"
        row = _file_row(_refusal(files[0] if len(files) == 1 else parent, reason), SkipKind.COPY, folder)
        entry = image_of.get(copies[files[0]])
        yield replace(row, files=tuple(files), kind=entry.modality if entry is not None else "")


def _refusal(path: Path, reason: str) -> Refusal:
    from napari_medclf.io.report import Refusal

    return Refusal(path, reason)


def _without_repeats(rows: Iterable[PlannedCase], used: set[str]) -> Iterator[PlannedCase]:
    """Give every row a name and a source of its own."""
    sources: dict[str, int] = {}
    for row in rows:
        name, source = row.record.case_id, row.record.source
        number = 2
        while name.casefold() in used:
            name = f"{row.record.case_id}-{number}"
            number += 1
        used.add(name.casefold())
        sources[source] = sources.get(source, 0) + 1
        if sources[source] > 1:
            source = f"{source}#{sources[source]}"
        yield replace(row, record=row.record.model_copy(update={"case_id": name, "source": source}))


def _plain_name(ref: FileRef, folder: Path) -> str:
    """Name what is no case by its place, with its suffix."""
    from napari_medclf.store.files import safe_name

    return safe_name(_place(ref.path, folder).replace("/", "_"))


def _place(path: Path, folder: Path, member: str = "") -> str:
    """A place below the folder, as people write it."""
    place = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
    return f"{place}#{member}" if member else place


def _fewest_bytes(entry: SeriesEntry) -> int:
    """What the samples of an image take at least, at a byte each."""
    count = 1
    for n in entry.size:
        count *= n
    return count if entry.size else 0


def _too_large(entry: SeriesEntry, most_bytes: int) -> str:
    size = " x ".join(map(str, entry.size))
    return (
        f"has {size} samples, {_fewest_bytes(entry) / 2**30:.1f} GiB at least, and {most_bytes / 2**30:.1f} GiB of "
        "memory may be taken. Crop the image first, or run it on a computer with more memory."
    )
