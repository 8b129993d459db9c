"""What every DICOM result takes over from its images: patient, study and frame of reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from napari_medclf.io.dicom.quiet import quiet

MANUFACTURER = "napari-medclf"
RESEARCH_ONLY = "Research use only, not for diagnosis"
# Patient, General Study and Patient Study Modules (DICOM PS3.3 C.7.1.1, C.7.2.1, C.7.2.2), as results carry them.
_TAKEN = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "StudyDescription",
)
_MUST_BE_THERE = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)


def begin_result(evidence: Any, sop_class_uid: str, modality: str, description: str) -> Any:
    """Begin a data set that belongs to the patient and study of an image, in a series of its own.

    Parameters
    ----------
    evidence : pydicom.Dataset
        Header of one of the images.
    description : str
        For Series Description, at most 64 characters.

    Returns
    -------
    pydicom.Dataset
        With new series and instance UIDs, equipment, dates, and text in UTF-8.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import generate_uid

    dataset, now = Dataset(), datetime.now()
    with quiet():
        dataset.SpecificCharacterSet = "ISO_IR 192"
        for keyword in _TAKEN:
            if keyword in evidence:
                value = evidence[keyword].value
                setattr(dataset, keyword, str(value) if keyword == "PatientName" else value)
            elif keyword in _MUST_BE_THERE:
                setattr(dataset, keyword, "")
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class_uid, generate_uid(prefix=None)
        dataset.Modality, dataset.SeriesInstanceUID = modality, generate_uid(prefix=None)
        dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
        dataset.SeriesDescription = description
        dataset.InstanceCreationDate = dataset.SeriesDate = now.strftime("%Y%m%d")
        dataset.InstanceCreationTime = dataset.SeriesTime = now.strftime("%H%M%S")
        set_equipment(dataset)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def set_equipment(dataset: Any) -> None:
    """Name this program as the maker (General Equipment Module, PS3.3 C.7.5.1)."""
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions = version()


def person_name(name: str) -> str:
    """Write a name of one part as a family name, which it is in DICOM's form (PS3.5 6.2.1); empty stays empty."""
    return f"{name}^" if name and "^" not in name else name


def version() -> str:
    """Tell this package's version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("napari-medclf")
    except PackageNotFoundError:
        return "unknown"


def taken_over() -> tuple[str, ...]:
    """Keywords that must be the same in an image and in what was derived from it."""
    return _TAKEN
