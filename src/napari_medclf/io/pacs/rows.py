"""From a server's answer, whatever its form, to rows: checked UIDs, plain counts, text that is safe to show."""

from __future__ import annotations

from collections.abc import Callable

from napari_medclf.domain.pacs import InstanceRow, SeriesRow, StudyRow, check_uid
from napari_medclf.io.dicom.keys import patient_key

Text = Callable[[int], str]
"""Gives the text of an element by its tag, empty where it is missing."""

STUDY_UID, SERIES_UID, SOP_UID, SOP_CLASS_UID = 0x0020000D, 0x0020000E, 0x00080018, 0x00080016
_STUDY_DATE, _ACCESSION, _MODALITIES, _STUDY_TEXT = 0x00080020, 0x00080050, 0x00080061, 0x00081030
_NAME, _PATIENT_ID = 0x00100010, 0x00100020
_N_STUDY_SERIES, _N_STUDY_INSTANCES, _N_SERIES_INSTANCES = 0x00201206, 0x00201208, 0x00201209
_MODALITY, _SERIES_TEXT, _BODY_PART, _SERIES_NUMBER = 0x00080060, 0x0008103E, 0x00180015, 0x00200011
_MOST_SHOWN = 100


def study_row(text: Text, *, with_names: bool) -> StudyRow:
    """Make the row of a study; who it is stays out unless asked for.

    Raises
    ------
    ServerError
        If its UID is none.
    """
    row = StudyRow(
        study_uid=check_uid(text(STUDY_UID), "study UID"),
        date=_shown(text(_STUDY_DATE)),
        description=_shown(text(_STUDY_TEXT)),
        modalities=tuple(sorted({_shown(one) for one in text(_MODALITIES).split("\\") if one})),
        n_series=_count(text(_N_STUDY_SERIES)),
        n_instances=_count(text(_N_STUDY_INSTANCES)),
        patient_key=patient_key(text(_PATIENT_ID)),
    )
    if not with_names:
        return row
    name, number, accession = (_shown(text(tag)) for tag in (_NAME, _PATIENT_ID, _ACCESSION))
    return StudyRow(**{**vars(row), "patient_name": name, "patient_id": number, "accession": accession})


def series_row(text: Text, study_uid: str) -> SeriesRow:
    """Make the row of a series.

    Raises
    ------
    ServerError
        If its UID is none.
    """
    return SeriesRow(
        study_uid=study_uid,
        series_uid=check_uid(text(SERIES_UID), "series UID"),
        modality=_shown(text(_MODALITY)),
        number=_shown(text(_SERIES_NUMBER)),
        description=_shown(text(_SERIES_TEXT)),
        body_part=_shown(text(_BODY_PART)),
        n_instances=_count(text(_N_SERIES_INSTANCES)),
    )


def instance_row(text: Text, study_uid: str, series_uid: str) -> InstanceRow:
    """Make the row of an object.

    Raises
    ------
    ServerError
        If its UID is none.
    """
    sop_class = text(SOP_CLASS_UID)
    sop_uid = check_uid(text(SOP_UID), "SOP instance UID")
    return InstanceRow(study_uid, series_uid, sop_uid, check_uid(sop_class, "SOP class UID") if sop_class else "")


def _shown(text: str) -> str:
    """Only what prints, on one line: a terminal obeys control characters."""
    return "".join(one for one in " ".join(text.split()) if one.isprintable())[:_MOST_SHOWN]


def _count(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None
