"""C-ECHO and C-FIND: whether a DIMSE server is there, and what it has (PS3.4 C.4.1, A.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.domain.errors import ServerError
from napari_medclf.domain.pacs import InstanceRow, SeriesRow, StudyQuery, StudyRow
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.pacs.contexts import STUDY_ROOT_FIND, VERIFICATION
from napari_medclf.io.pacs.dimse.activity import hang_up
from napari_medclf.io.pacs.dimse.line import Line
from napari_medclf.io.pacs.rows import Text, instance_row, series_row, study_row
from napari_medclf.io.pacs.status import status_words

_PENDING = (0xFF00, 0xFF01)
_STUDY_KEYS = (
    "PatientID",
    "StudyDate",
    "StudyDescription",
    "ModalitiesInStudy",
    "StudyInstanceUID",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
_NAME_KEYS = ("PatientName", "AccessionNumber")
_SERIES_KEYS = (
    "SeriesInstanceUID",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "BodyPartExamined",
    "NumberOfSeriesRelatedInstances",
)
_MOST_ROWS = 100_000


def echo(line: Line) -> None:
    """Ask whether the server is there and lets us in.

    Raises
    ------
    ServerError
        If not.
    """
    from pynetdicom import build_context

    with line.associate([build_context(VERIFICATION)]) as association:
        status = association.send_c_echo()
        if "Status" not in status:
            raise line.explain_silence()
        if status.Status:
            raise ServerError(f"{line.server}: {status_words(status.Status)}.")


def find_studies(line: Line, query: StudyQuery, limit: int, *, with_names: bool) -> list[StudyRow]:
    """List studies, at most `limit`."""
    filters = {
        "PatientID": query.patient_id,
        "PatientName": query.patient_name,
        "StudyDate": query.dates,
        "ModalitiesInStudy": query.modality,
        "AccessionNumber": query.accession,
        "StudyInstanceUID": query.study_uid,
    }
    keys = _STUDY_KEYS + (_NAME_KEYS if with_names else ())
    answers = _find(
        line, "STUDY", dict.fromkeys(keys, "") | {key: value for key, value in filters.items() if value}, limit
    )
    return [study_row(one, with_names=with_names) for one in answers]


def find_series(line: Line, study_uid: str, modality: str = "") -> list[SeriesRow]:
    """List the series of a study."""
    keys = dict.fromkeys(_SERIES_KEYS, "") | {"StudyInstanceUID": study_uid, "Modality": modality}
    return [series_row(one, study_uid) for one in _find(line, "SERIES", keys, _MOST_ROWS)]


def find_instances(line: Line, study_uid: str, series_uid: str) -> list[InstanceRow]:
    """List the objects of a series."""
    keys = {
        "StudyInstanceUID": study_uid,
        "SeriesInstanceUID": series_uid,
        "SOPInstanceUID": "",
        "SOPClassUID": "",
    }
    rows = [instance_row(one, study_uid, series_uid) for one in _find(line, "IMAGE", keys, _MOST_ROWS)]
    return list({row.sop_uid: row for row in rows}.values())


def _find(line: Line, level: str, keys: Mapping[str, str], limit: int) -> list[Text]:
    from pydicom import Dataset
    from pynetdicom import build_context

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    if not "".join(keys.values()).isascii():
        identifier.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    found: list[Text] = []
    with line.associate([build_context(STUDY_ROOT_FIND)]) as association, quiet():
        for status, answer in association.send_c_find(identifier, STUDY_ROOT_FIND):
            line.check_stopped()
            if "Status" not in status:
                raise line.explain_silence()
            if status.Status in _PENDING and answer is not None:
                found.append(_reader(answer))
            elif status.Status:
                raise ServerError(f"{line.server}: the query failed; {status_words(status.Status)}.")
            if len(found) >= limit:  # there is no limit in C-FIND, so the line is cut
                hang_up(association)
                break
    return found


def _reader(answer: Any) -> Text:
    def text(tag: int) -> str:
        try:
            value = answer[tag].value if tag in answer else None
        except Exception:  # noqa: BLE001  (pydicom raises anything on values that are none)
            return ""
        if value is None:
            return ""
        many = hasattr(value, "__iter__") and not isinstance(value, str) and not hasattr(value, "family_name")
        return "\\".join(map(str, value)) if many else str(value)

    return text
