"""What is done with a unit that nothing happens to any more: what of it is run, what is refused, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.output_layout import OutputLayout
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.jobs.batch.naming import name_rows
from napari_medclf.jobs.batch.plan import sources_of
from napari_medclf.jobs.batch.survey import Survey, survey
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.runs.case import RunCase
from napari_medclf.jobs.watch.options import Incomplete, ServiceOptions
from napari_medclf.jobs.watch.waiting import Unit

if TYPE_CHECKING:
    from napari_medclf.io.lacks import Lack
    from napari_medclf.io.report import Discovery
    from napari_medclf.jobs.outputs.case_names import HiddenPlace

_BROKE_OFF = "whoever sent it stopped before the end"
_MOVED_ON = "whoever sent it went on to another study, and stopped before the end of that"


@dataclass(frozen=True)
class Inspection:
    """A unit as it was when it was looked at.

    Parameters
    ----------
    surveyed : Survey
        Its images and other files in rows, as a run over a folder has them.
    lacks : tuple of Lack
        What seems to be missing.
    ways : dict
        Series with gaps that are run all the same, to what reads them with the gaps left blank or filled.
    """

    unit: Unit
    signature: str
    surveyed: Survey
    lacks: tuple[Lack, ...]
    ways: Mapping[FileRef, FileRef]


@dataclass(frozen=True)
class Decision:
    """Images of a unit that are run, rows of all that is not, and what results tell instead of some places."""

    cases: tuple[RunCase, ...]
    records: tuple[CaseRecord, ...]
    hidden: tuple[HiddenPlace, ...] = ()


def inspect(unit: Unit, signature: str, folder: Path, options: ServiceOptions, *, left: str = "") -> Inspection:
    """Read the headers of a unit.

    Parameters
    ----------
    folder : Path
        Below which everything arrives; cases are named by their place in it.
    left : str
        How its sender stopped before the end, as `Left`.
    """
    from napari_medclf.io.discover import discover_files
    from napari_medclf.io.lacks import Lack, find_lacks
    from napari_medclf.io.pacs.under_way import Left

    notes = unit.notes
    discovery = discover_files(note.path for note in notes)
    lacks = find_lacks(notes, discovery)
    if left:
        is_sure = left == Left.BROKE_OFF
        lacks = (Lack(_BROKE_OFF if is_sure else _MOVED_ON, is_sure=is_sure), *lacks)
    ways: dict[FileRef, FileRef] = {}
    if options.incomplete is Incomplete.RUN:
        discovery, ways = _with_gaps(discovery)
    found = survey(discovery, folder, options, find_copies=lambda entries: {})
    return Inspection(unit, signature, name_rows(found, folder, OutputLayout()), lacks, ways)


def decide(inspection: Inspection, incomplete: Incomplete) -> Decision:
    """Sort the images of a unit whose time has come; what lacks something is refused, or run with a warning."""
    from napari_medclf.jobs.runs.sources import load_image

    sources = sources_of(inspection.surveyed)
    cases: list[RunCase] = []
    records = list(sources.skipped)
    for case in sources.cases:
        if case.source in inspection.ways:
            case = replace(case, load=partial(load_image, inspection.ways[case.source], 0, case.files))
        lacks = _lacks_of(inspection, case.source)
        if incomplete is Incomplete.REFUSE and any(lack.is_sure for lack in lacks):
            records.append(_refused(case, lacks))
        else:
            cases.append(replace(case, warnings=_warnings(lacks)))
    return Decision(tuple(cases), tuple(records), sources.hidden)


def _lacks_of(inspection: Inspection, ref: FileRef) -> list[Lack]:
    series = inspection.surveyed.entries[ref].series_uid if ref in inspection.surveyed.entries else ""
    return [lack for lack in inspection.lacks if lack.series in ("", series)]


def _refused(case: RunCase, lacks: Sequence[Lack]) -> CaseRecord:
    what = "; ".join(dict.fromkeys(lack.sentence for lack in lacks if lack.is_sure))
    return CaseRecord(
        case_id=case.case_id,
        source=case.place,
        status=CaseStatus.FAILED,
        reason=printable(f"It is incomplete: {what}. It is run when the rest comes."),
    )


def _warnings(lacks: Sequence[Lack]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"The study seems to be incomplete: {lack.sentence}." for lack in lacks))


def _with_gaps(discovery: Discovery) -> tuple[Discovery, dict[FileRef, FileRef]]:
    """Count series that have gaps, and can be read all the same, among the images."""
    gapped = {entry.ref: entry for entry in discovery.entries if entry.reason and entry.ways}
    reasons = {entry.reason for entry in gapped.values()}
    entries = (
        replace(entry, reason="", hint="", size=(entry.n_files, 1, 1)) if entry.ref in gapped else entry
        for entry in discovery.entries
    )
    images = replace(
        discovery,
        found=(*discovery.found, *gapped),
        entries=tuple(entries),
        refusals=tuple(one for one in discovery.refusals if one.reason not in reasons),
    )
    return images, {ref: entry.ways[0] for ref, entry in gapped.items()}
