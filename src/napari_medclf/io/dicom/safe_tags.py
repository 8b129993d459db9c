"""What a person may see of a header in passing: how the image was made, nothing of whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_medclf.io.preflight import refusing

# An allow-list: tags that come later are not shown. No names, numbers of persons, dates, places, devices' serial
# numbers, or comments (compare DICOM PS3.15 Table E.1-1, the Basic Profile); series and protocol descriptions are
# free text in that table, and are what a series is chosen by.
_SAFE = (
    "Modality", "SeriesNumber", "SeriesDescription", "ProtocolName", "BodyPartExamined", "Laterality", "ViewPosition",
    "PatientPosition", "ImageType", "Manufacturer", "ManufacturerModelName", "Rows", "Columns", "NumberOfFrames",
    "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices", "GantryDetectorTilt",
    "ImageOrientationPatient", "ImagePositionPatient", "KVP", "XRayTubeCurrent", "Exposure", "ConvolutionKernel",
    "MagneticFieldStrength", "SequenceName", "ScanningSequence", "EchoTime", "RepetitionTime", "InversionTime",
    "FlipAngle", "EchoNumbers", "FrameTime", "TemporalPositionIdentifier", "ContrastBolusAgent", "Units",
    "DecayCorrection", "PhotometricInterpretation", "SamplesPerPixel", "BitsAllocated", "BitsStored",
    "PixelRepresentation", "RescaleSlope", "RescaleIntercept", "RescaleType", "WindowCenter", "WindowWidth",
    "BurnedInAnnotation", "LossyImageCompression", "SOPClassUID", "SeriesInstanceUID",
)  # fmt: skip
_LONGEST = 120


def safe_tags(path: Path) -> tuple[tuple[str, str], ...]:
    """Read the tags of a file that name no patient; its samples are left alone.

    Returns
    -------
    tuple of (keyword, value)
        In the order of the list above, empty ones left out; the transfer syntax first.

    Raises
    ------
    ReadError
        If the header cannot be read.
    """
    import pydicom

    from napari_medclf.io.dicom.quiet import quiet

    with quiet(), refusing(path, "cannot be read as DICOM"):
        dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_SAFE), force=True)
        syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
        found = [("TransferSyntax", "" if syntax is None else str(syntax.name))]
        found += [(keyword, _text(dataset.get(keyword))) for keyword in _SAFE]
    return tuple((keyword, value) for keyword, value in found if value)


def _text(value: Any) -> str:
    from pydicom.multival import MultiValue
    from pydicom.uid import UID

    if value is None:
        return ""
    if isinstance(value, MultiValue):
        value = " / ".join(str(one) for one in value)
    text = str(value.name) if isinstance(value, UID) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
