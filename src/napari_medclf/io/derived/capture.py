"""Pictures of a result, such as labels over an image, as DICOM secondary captures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.io.derived.evidence import read_evidence
from napari_medclf.io.derived.patient_study import MANUFACTURER, RESEARCH_ONLY, begin_result, taken_over, version
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.save_checked import save_checked
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.pixels.colour import read_colour
from napari_medclf.io.dicom.quiet import quiet

_SINGLE = "1.2.840.10008.5.1.4.1.1.7"
_SEVERAL = "1.2.840.10008.5.1.4.1.1.7.4"
_EXPLICIT = "1.2.840.10008.1.2.1"
_LARGEST = 65535
# Slices that a scanner computes carry no text; a film or a photograph may, unless its header denies it.
_WITHOUT_TEXT = ("CT", "MR", "PT", "NM")


def write_capture(rgb: NDArray[np.uint8], image: MedImage, path: Path, *, k: int | None = None) -> str:
    """Write a colour picture, or several, into the study of the image that it shows.

    Before the file takes its name it is read again by this package's own image reader and compared.

    Parameters
    ----------
    rgb : (J, I, 3) or (N, J, I, 3) uint8
        Red, green, blue; several become a multi-frame capture.
    image : MedImage
        What is shown, read from DICOM files that are still there.
    k : int or None
        The slice that is shown; None where it is all of them.

    Returns
    -------
    str
        SOP instance UID of the capture.

    Raises
    ------
    WriteError
        If it is no such picture, the disk does not take it, or what was read again differs.

    Notes
    -----
    Secondary Capture Image IOD and Multi-frame True Color Secondary Capture Image IOD (DICOM PS3.3 A.8.1, A.8.5).
    Burned In Annotation says YES unless the header of the source or its modality rules text out.
    """
    _check(rgb)
    evidence = read_evidence(image)
    shown = _shown(image, evidence, k)
    with quiet():
        dataset = _header(evidence[0], rgb, shown)
    save_checked(dataset, Path(path), lambda written: _difference(written, rgb, evidence[0], shown))
    return str(dataset.SOPInstanceUID)


def _check(rgb: NDArray[np.uint8]) -> None:
    is_picture = rgb.dtype == np.uint8 and rgb.ndim in (3, 4) and rgb.shape[-1] == 3 and min(rgb.shape) > 0
    if not is_picture or max(rgb.shape) > _LARGEST:
        raise WriteError(f"A capture is a colour picture of 8 bits, (J, I, 3), not {rgb.dtype} of shape {rgb.shape}.")


def _shown(image: MedImage, evidence: Sequence[Any], k: int | None) -> list[tuple[str, str, int | None]]:
    """SOP class, instance and frame of what is shown; of a slice that fills a gap, the acquired one next to it."""
    frames = image.source.frame_numbers
    slices: list[tuple[Any, int | None]] = [(evidence[0], n) for n in frames] or [(one, None) for one in evidence]
    if k is not None:
        if not 0 <= k < image.geometry.shape[0]:
            raise WriteError(
                f"{image.name} has {image.geometry.shape[0]} slices, and slice {k + 1} was to be captured."
            )
        places = image.source.acquired_k or tuple(range(len(slices)))
        slices = [slices[int(np.abs(np.asarray(places) - k).argmin())]]
    elif frames:
        slices = [(evidence[0], None)]
    return [(tags.text(one, "SOPClassUID"), tags.text(one, "SOPInstanceUID"), frame) for one, frame in slices]


def _header(evidence: Any, rgb: NDArray[np.uint8], shown: Sequence[tuple[str, str, int | None]]) -> Any:
    is_several = rgb.ndim == 4
    dataset = begin_result(evidence, _SEVERAL if is_several else _SINGLE, "OT", f"{RESEARCH_ONLY}: picture")
    dataset.file_meta.TransferSyntaxUID = _EXPLICIT
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.ContentDate, dataset.ContentTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = dataset.SeriesDate, dataset.SeriesTime
    dataset.ConversionType = "WSD"
    dataset.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    dataset.SecondaryCaptureDeviceManufacturerModelName = MANUFACTURER
    dataset.SecondaryCaptureDeviceSoftwareVersions = version()
    dataset.PatientOrientation, dataset.Laterality = "", ""
    dataset.BurnedInAnnotation = burned_in(evidence)
    dataset.LossyImageCompression = "01" if tags.text(evidence, "LossyImageCompression") == "01" else "00"
    dataset.DerivationDescription = f"{RESEARCH_ONLY}: a picture of results over the source image"
    dataset.SourceImageSequence = [_reference(*one) for one in shown]
    _set_samples(dataset, rgb)
    if is_several:
        dataset.NumberOfFrames = len(rgb)
        dataset.FrameIncrementPointer = 0x00182002
        dataset.FrameLabelVector = [str(number) for number in range(1, len(rgb) + 1)]
    return dataset


def _set_samples(dataset: Any, rgb: NDArray[np.uint8]) -> None:
    dataset.Rows, dataset.Columns = rgb.shape[-3:-1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    samples = rgb.tobytes()
    dataset.PixelData = samples + b"\0" * (len(samples) % 2)
    dataset["PixelData"].VR = "OB"


def burned_in(evidence: Any) -> str:
    """Tell whether a picture of an image may show text that names a patient."""
    told = tags.text(evidence, "BurnedInAnnotation")
    if told in ("YES", "NO"):
        return told
    return "NO" if tags.text(evidence, "Modality") in _WITHOUT_TEXT else "YES"


def _reference(sop_class_uid: str, sop_instance_uid: str, frame: int | None) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    if frame is not None:
        item.ReferencedFrameNumber = frame
    return item


def _difference(
    written: Path, rgb: NDArray[np.uint8], evidence: Any, shown: Sequence[tuple[str, str, int | None]]
) -> str:
    """Read the capture as any other image and say in a sentence where it first differs."""
    from pydicom import dcmread

    dataset = dcmread(written, stop_before_pixels=True)
    for keyword in taken_over():
        if tags.text(dataset, keyword) != tags.text(evidence, keyword):
            return f"{keyword} came back changed."
    named = [tags.text(one, "ReferencedSOPInstanceUID") for one in items(dataset, "SourceImageSequence")]
    if named != [uid for _, uid, _ in shown]:
        return "the images it names are not those it was made from."
    meant = np.moveaxis(rgb.reshape(-1, *rgb.shape[-3:]), -1, 0)
    found = read_colour(read_headers(written))
    if found.shape != meant.shape:
        return f"the picture came back as {found.shape}, and {meant.shape} was written."
    wrong = np.argwhere((found != meant).any(axis=0))
    return f"pixel (row {wrong[0][1] + 1}, column {wrong[0][2] + 1}) came back changed." if len(wrong) else ""
