"""Give the rows of a plan the names and places that results shall tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.output_layout import Naming, OutputLayout
from napari_medclf.io.look_ahead import LookAhead
from napari_medclf.jobs.batch.survey import Survey
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.outputs.case_names import CaseNames
from napari_medclf.jobs.outputs.patient_names import PatientNames

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import FileRef
    from napari_medclf.domain.listing import SeriesEntry
    from napari_medclf.domain.patient_identity import PatientIdentity
    from napari_medclf.jobs.batch.planned import PlannedCase

_SAME_AS = re.compile(r"same image as (.*), by", re.DOTALL)


def name_rows(surveyed: Survey, folder: Path, layout: OutputLayout) -> Survey:
    """Name what a survey found as a layout asks for; reads the headers of DICOM images for their patients' names.

    Parameters
    ----------
    folder : Path
        What was surveyed; absolute.
    """
    patients = PatientNames()
    if layout.naming is not Naming.NAMED:
        patients = PatientNames.of(_identities(surveyed.entries.values()))
    if layout == OutputLayout() and patients == PatientNames():
        return surveyed  # the survey named its rows like that
    names = CaseNames(folder, layout, patients)
    images = [row.source for row in surveyed.rows if row.source in surveyed.entries]
    ids = dict(zip(images, names.case_ids(images), strict=True))
    told = {_place(ref, folder): case_id for ref, case_id in ids.items()} if layout.naming is Naming.KEY else {}
    return replace(surveyed, rows=tuple(_unique([_named(row, names, ids, told) for row in surveyed.rows])))


def is_hidden(row: PlannedCase) -> bool:
    """Whether results tell another place than where the row's image or file is."""
    return not row.record.source.startswith(printable(str(row.source)))  # repeated places have a number behind


def _identities(entries: Iterable[SeriesEntry]) -> Iterator[PatientIdentity]:
    from napari_medclf.io.dicom.identity import read_identity

    firsts = [entry.files[0] for entry in entries if entry.modality and entry.files]
    for _, identity in LookAhead().each(read_identity, firsts, OSError):
        if identity is not None and not isinstance(identity, OSError):
            yield identity


def _named(row: PlannedCase, names: CaseNames, ids: Mapping[FileRef, str], told: Mapping[str, str]) -> PlannedCase:
    record = row.record
    case_id = ids.get(row.source) or names.other_id(record.case_id, row.source)
    source = names.shown(row.source, case_id) or record.source
    reason = _SAME_AS.sub(lambda found: found[0].replace(found[1], told.get(found[1], found[1])), record.reason)
    # What a sentence tells of other places is a path, or words of one.
    reason = names.patients.hide(names.conceal(reason, row.source.path))
    return replace(row, record=record.model_copy(update={"case_id": case_id, "source": source, "reason": reason}))


def _unique(rows: Sequence[PlannedCase]) -> Iterator[PlannedCase]:
    """Tell rows apart that got the same id or the same place; images have both of their own."""
    ids: set[str] = set()
    sources: set[str] = set()
    for row in rows:
        update = {
            "case_id": _free(row.record.case_id, ids, "-"),
            "source": _free(row.record.source, sources, "#"),
        }
        yield replace(row, record=row.record.model_copy(update=update))


def _free(text: str, taken: set[str], mark: str) -> str:
    found, number = text, 2
    while found.casefold() in taken:
        found = f"{text}{mark}{number}"
        number += 1
    taken.add(found.casefold())
    return found


def _place(ref: FileRef, folder: Path) -> str:
    place = ref.path.relative_to(folder).as_posix() if ref.path.is_relative_to(folder) else str(ref.path)
    return f"{place}#{ref.member}" if ref.member else place
