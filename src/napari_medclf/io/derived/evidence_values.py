"""Values of an image's header that a result may quote: what the standard does not allow is left out, or refused."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from napari_medclf.domain.errors import WriteError
from napari_medclf.io.derived.patient_study import taken_over
from napari_medclf.io.dicom import tags

_IDENTIFIERS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_ROOTS = ("0", "1", "2")
_SEXES = ("", "M", "F", "O")
# Who and which study it is stays as it is, whatever is said about it.
_KEPT = ("PatientID", "PatientName", "StudyInstanceUID")


def make_quotable(name: str, dataset: Any) -> None:
    """Change a header so that a result that quotes it conforms to the standard.

    Values that their representation does not allow (an age of "0Y", a date with dots) become empty. An image with
    a place in the patient and without a frame of reference is given one, the same for all of its series.

    Raises
    ------
    WriteError
        If the image's study, series or instance has no identifier that can be referred to; its value is not shown.
    """
    for keyword in _IDENTIFIERS:
        if not _is_identifier(tags.text(dataset, keyword)):
            raise WriteError(
                f"{name}: its files have no valid {keyword}, by which a DICOM result would refer to them. "
                "Save as NIfTI or NRRD."
            )
    for keyword in taken_over():
        if keyword in dataset and keyword not in _KEPT and not _is_allowed(dataset, keyword):
            setattr(dataset, keyword, "")
    if tags.text(dataset, "PatientIdentityRemoved") == "YES" and not tags.text(dataset, "DeidentificationMethod"):
        dataset.DeidentificationMethod = "unknown"  # must be told where an identity was removed (PS3.3 C.7.1.1)
    is_placed = "ImagePositionPatient" in dataset or "PerFrameFunctionalGroupsSequence" in dataset
    if is_placed and not _is_identifier(tags.text(dataset, "FrameOfReferenceUID")):
        dataset.FrameOfReferenceUID = _frame_of_reference(tags.text(dataset, "SeriesInstanceUID"))


def _is_identifier(text: str) -> bool:
    """Tell whether this is a UID under one of the three roots there are (ISO/IEC 9834-1)."""
    from pydicom.uid import UID

    return UID(text).is_valid and text.split(".")[0] in _ROOTS


def _is_allowed(dataset: Any, keyword: str) -> bool:
    from pydicom import config
    from pydicom.valuerep import validate_value

    try:
        element = dataset[keyword]
        values = element.value if element.VM > 1 else [element.value]
        for value in values:
            validate_value(element.VR, value, config.RAISE)
    except (ValueError, TypeError, AttributeError):
        return False
    return keyword != "PatientSex" or tags.text(dataset, keyword) in _SEXES


def _frame_of_reference(series_uid: str) -> str:
    digest = hashlib.sha256(f"frame of reference of {series_uid}".encode()).hexdigest()
    return f"2.25.{uuid.UUID(hex=digest[:32], version=4).int}"
