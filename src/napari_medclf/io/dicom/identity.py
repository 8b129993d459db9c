"""What a DICOM file calls its patient, so that no result is named after them."""

from __future__ import annotations

from collections.abc import MutableSequence
from pathlib import Path
from typing import Any

from napari_medclf.domain.patient_identity import PatientIdentity
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.keys import patient_key
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import is_special

_NAMES = ("PatientName", "OtherPatientNames", "PatientBirthName")
_NUMBERS = ("PatientID", "OtherPatientIDs")
_REMOVED = "PatientIdentityRemoved"


def read_identity(path: Path) -> PatientIdentity | None:
    """Read names and numbers of a file's patient.

    Returns
    -------
    PatientIdentity or None
        None where the file is no DICOM, cannot be read, names nobody, or says that its identity was removed
        (DICOM PS3.3 C.7.1.1, Patient Identity Removed): what it then calls its patient is a pseudonym.
    """
    from pydicom import dcmread

    if is_special(path):
        return None
    try:
        with quiet():
            wanted = [*_NAMES, *_NUMBERS, _REMOVED, "SpecificCharacterSet"]
            dataset = dcmread(path, stop_before_pixels=True, force=True, specific_tags=wanted)
            is_removed = tags.text(dataset, _REMOVED).upper() == "YES"
            names, numbers = _texts(dataset, _NAMES), _texts(dataset, _NUMBERS)
    except Exception:  # noqa: BLE001  (whatever is wrong with the file is said by those who read its image)
        return None
    if is_removed or not (names or numbers):
        return None
    return PatientIdentity(names, numbers, patient_key((numbers or names)[0])[:8])


def _texts(dataset: Any, keywords: tuple[str, ...]) -> tuple[str, ...]:
    """All values of some elements that hold any."""
    found = (dataset.get(keyword) for keyword in keywords)
    listed = (list(one) if isinstance(one, MutableSequence) else [one] for one in found if one)
    return tuple(text for values in listed for one in values if (text := str(one).strip().strip("\0")))
