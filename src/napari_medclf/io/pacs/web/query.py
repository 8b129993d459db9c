"""QIDO-RS: which studies, series and objects a DICOMweb server has (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.domain.errors import ServerError
from napari_medclf.domain.pacs import InstanceRow, SeriesRow, StudyQuery, StudyRow
from napari_medclf.io.pacs.rows import SERIES_UID, SOP_UID, instance_row, series_row, study_row
from napari_medclf.io.pacs.web.session import WebSession

_STUDY_FIELDS = ("StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
_SERIES_FIELDS = ("SeriesDescription", "SeriesNumber", "BodyPartExamined", "NumberOfSeriesRelatedInstances")
_PAGE = 1000
_MOST_ROWS = 100_000


def find_studies(session: WebSession, query: StudyQuery, limit: int, *, with_names: bool) -> list[StudyRow]:
    """List studies, at most `limit`."""
    filters = {
        "PatientID": query.patient_id,
        # `?` matches any one character; Orthanc 1.10 would look for the code of `^`, %5E, in the names.
        "PatientName": query.patient_name.replace("^", "?"),
        "StudyDate": query.dates,
        "ModalitiesInStudy": query.modality,
        "AccessionNumber": query.accession,
        "StudyInstanceUID": query.study_uid,
    }
    filters |= {"limit": str(limit), "includefield": ",".join(_STUDY_FIELDS)}
    return [study_row(one.text, with_names=with_names) for one in _ask(session, "/studies", filters)]


def find_series(session: WebSession, study_uid: str, modality: str = "") -> list[SeriesRow]:
    """List the series of a study."""
    path = f"/studies/{study_uid}/series"
    filters = {"Modality": modality, "includefield": ",".join(_SERIES_FIELDS)}
    return [series_row(one.text, study_uid) for one in _ask_all(session, path, filters, SERIES_UID)]


def find_instances(session: WebSession, study_uid: str, series_uid: str) -> list[InstanceRow]:
    """List the objects of a series."""
    path = f"/studies/{study_uid}/series/{series_uid}/instances"
    return [instance_row(one.text, study_uid, series_uid) for one in _ask_all(session, path, {}, SOP_UID)]


def _ask_all(session: WebSession, path: str, filters: Mapping[str, str], uid_tag: int) -> list[_Json]:
    """Ask page by page until nothing new comes: servers cut pages as short as they like, or know none."""
    found: dict[str, _Json] = {}
    while len(found) < _MOST_ROWS:
        paging = {"limit": str(_PAGE), "offset": str(len(found)) if found else ""}
        page = {one.text(uid_tag): one for one in _ask(session, path, {**filters, **paging})}
        if page.keys() <= found.keys():
            break
        found = {**found, **page}
    return list(found.values())


def _ask(session: WebSession, path: str, filters: Mapping[str, str]) -> list[_Json]:
    answer = session.ask(path, filters)
    if answer is None:
        return []
    if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
        raise ServerError(f"{session.server}: answers something else than DICOMweb. Check the address.")
    return [_Json(one) for one in answer]


class _Json:
    """The elements of one answer in DICOM's JSON form (PS3.18 F.2)."""

    def __init__(self, elements: Mapping[str, Any]) -> None:
        self._elements = elements

    def text(self, tag: int) -> str:
        """Value of an element; several are joined by backslashes, as in a file."""
        element = self._elements.get(f"{tag:08X}")
        values = element.get("Value") if isinstance(element, dict) else None
        return "\\".join(_one_text(value) for value in values) if isinstance(values, list) else ""


def _one_text(value: Any) -> str:
    if isinstance(value, dict):  # a person's name
        return str(value.get("Alphabetic") or value.get("Ideographic") or "")
    return "" if value is None else str(value)
