"""QIDO-RS: which studies, series and objects a DICOMweb server has (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_medclf.domain.errors import ServerError
from napari_medclf.domain.pacs import InstanceRow, SeriesRow, StudyQuery, StudyRow
from napari_medclf.io.pacs.rows import instance_row, series_row, study_row
from napari_medclf.io.pacs.web_session import WebSession

_STUDY_FIELDS = ("StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
_SERIES_FIELDS = ("SeriesDescription", "SeriesNumber", "BodyPartExamined", "NumberOfSeriesRelatedInstances")
_PAGE = 1000
MOST_INSTANCES = 100_000


def find_studies(session: WebSession, query: StudyQuery, limit: int, *, with_names: bool) -> list[StudyRow]:
    """List studies, at most `limit`."""
    filters = {
        "PatientID": query.patient_id,
        "PatientName": query.patient_name,
        "StudyDate": query.dates,
        "ModalitiesInStudy": query.modality,
        "AccessionNumber": query.accession,
        "StudyInstanceUID": query.study_uid,
    }
    answer = _ask(session, "search_for_studies", filters=filters, fields=_STUDY_FIELDS, limit=limit)
    return [study_row(_Json(one).text, with_names=with_names) for one in answer]


def find_series(session: WebSession, study_uid: str, modality: str = "") -> list[SeriesRow]:
    """List the series of a study."""
    answer = _ask(
        session, "search_for_series", (study_uid,), {"Modality": modality}, fields=_SERIES_FIELDS, limit=_PAGE
    )
    return [series_row(_Json(one).text, study_uid) for one in answer]


def find_instances(session: WebSession, study_uid: str, series_uid: str, sop_uid: str = "") -> list[InstanceRow]:
    """List the objects of a series, or one of them, page by page."""
    rows: dict[str, InstanceRow] = {}
    while len(rows) < MOST_INSTANCES:
        filters = {"SOPInstanceUID": sop_uid}
        page = _ask(session, "search_for_instances", (study_uid, series_uid), filters, limit=_PAGE, offset=len(rows))
        fresh = [instance_row(_Json(one).text, study_uid, series_uid) for one in page]
        fresh = [row for row in fresh if row.sop_uid not in rows]
        rows |= {row.sop_uid: row for row in fresh}
        if len(page) < _PAGE or not fresh:  # a server that knows no pages sends the same again
            break
    return list(rows.values())


def _ask(
    session: WebSession,
    search: str,
    where: tuple[str, ...] = (),
    filters: Mapping[str, str] | None = None,
    *,
    fields: Sequence[str] = (),
    limit: int,
    offset: int = 0,
) -> list[Any]:
    from dicomweb_client import DICOMwebClient

    session.check_stopped()
    with session.telling():
        client = DICOMwebClient(session.server.url, session.requests, timeout=session.server.timeout_s)
        client.set_http_retry_params(retry=False)
        try:
            found = getattr(client, search)(
                *where,
                limit=limit,
                offset=offset or None,
                fields=list(fields) or None,
                search_filters={name: value for name, value in (filters or {}).items() if value},
            )
        except (ValueError, KeyError, TypeError) as error:  # no JSON, or JSON of something else
            raise ServerError(f"{session.server}: answers something else than DICOMweb. Check the address.") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ServerError(f"{session.server}: answers something else than DICOMweb. Check the address.")
    return found


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
