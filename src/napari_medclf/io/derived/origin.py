"""Where a derived object came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_medclf.domain.image import Source
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.keys import patient_key


def source_of(path: Path, dataset: Any) -> Source:
    """Gather the identifiers of a derived object; nothing in it names a patient."""
    return Source(
        path,
        patient_key=patient_key(tags.text(dataset, "PatientID")),
        study_uid=tags.text(dataset, "StudyInstanceUID"),
        series_uid=tags.text(dataset, "SeriesInstanceUID"),
        sop_instance_uids=(tags.text(dataset, "SOPInstanceUID"),),
        files=(path,),
        description=tags.text(dataset, "SeriesDescription"),
    )
