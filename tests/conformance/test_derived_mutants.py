"""Faults planted into DICOM objects on their way to the disk: the check sees each, and nothing is saved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import CodedConcept, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.read import read
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series

SERIES = {series.name: series for series in all_coded_series()}
CLASSES = LabelSchema.from_names(["first", "second", "third"], first_value=1)


# Faults in a data set on its way to the disk; `frames` are the functional groups a frame.
def _flip_samples(dataset, axis: int) -> None:
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    shape = (dataset.NumberOfFrames, dataset.Rows, dataset.Columns)
    turned = np.flip(bits[: np.prod(shape)].reshape(shape), axis)
    dataset.PixelData = np.packbits(turned.ravel(), bitorder="little").tobytes() + b"\0" * (np.prod(shape) // 8 % 2)


def _shift_places(dataset, millimetres: tuple[float, float, float]) -> None:
    for group in dataset.PerFrameFunctionalGroupsSequence:
        place = group.PlanePositionSequence[0]
        place.ImagePositionPatient = [
            f"{float(a) + b:.6f}" for a, b in zip(place.ImagePositionPatient, millimetres, strict=True)
        ]


def _swap_frames(dataset, sequence: str) -> None:
    first, second = dataset.PerFrameFunctionalGroupsSequence[0], dataset.PerFrameFunctionalGroupsSequence[1]
    one, other = getattr(first, sequence), getattr(second, sequence)
    setattr(first, sequence, other)
    setattr(second, sequence, one)


def _mirror(dataset) -> None:
    for group in dataset.PerFrameFunctionalGroupsSequence:
        x, y, z = group.PlanePositionSequence[0].ImagePositionPatient
        group.PlanePositionSequence[0].ImagePositionPatient = [-float(x), -float(y), z]


def _drop_frame(dataset) -> None:
    del dataset.PerFrameFunctionalGroupsSequence[-1]
    dataset.NumberOfFrames -= 1


def _swap_spacing(dataset) -> None:
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = list(measures.PixelSpacing)[::-1]


def _swap_directions(dataset) -> None:
    turned = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    turned.ImageOrientationPatient = [*turned.ImageOrientationPatient[3:], *turned.ImageOrientationPatient[:3]]


def _renumber(dataset) -> None:
    for group in dataset.PerFrameFunctionalGroupsSequence:
        found = group.SegmentIdentificationSequence[0]
        found.ReferencedSegmentNumber = found.ReferencedSegmentNumber % 3 + 1


def _rename(dataset) -> None:
    dataset.SegmentSequence[0].SegmentLabel, dataset.SegmentSequence[1].SegmentLabel = "second", "first"


def _other_frame_of_reference(dataset) -> None:
    dataset.FrameOfReferenceUID = "1.2.3.4"


def _other_series(dataset) -> None:
    dataset.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3.4"


def _other_patient(dataset) -> None:
    dataset.PatientID = "somebody else"


SEG_FAULTS: dict[str, Callable] = {
    "rows turned round": lambda dataset: _flip_samples(dataset, 1),
    "columns turned round": lambda dataset: _flip_samples(dataset, 2),
    "frames turned round": lambda dataset: _flip_samples(dataset, 0),
    "half a voxel along the normal": lambda dataset: _shift_places(dataset, (0, 0, 1.25)),
    "half a voxel in the plane": lambda dataset: _shift_places(dataset, (0.3, 0.375, 0)),
    "RAS for LPS": _mirror,
    "a frame dropped": _drop_frame,
    "places of two frames swapped": lambda dataset: _swap_frames(dataset, "PlanePositionSequence"),
    "sources of two frames swapped": lambda dataset: _swap_frames(dataset, "DerivationImageSequence"),
    "row and column spacing swapped": _swap_spacing,
    "directions swapped": _swap_directions,
    "segment numbers moved on": _renumber,
    "names of two segments swapped": _rename,
    "another frame of reference": _other_frame_of_reference,
    "another series": _other_series,
    "another patient": _other_patient,
}


@pytest.fixture
def coded_image(tmp_path) -> MedImage:
    (image,) = read([write_coded(SERIES["axial"], tmp_path / "images")]).images
    return image


def labelled(image: MedImage) -> Segmentation:
    labels = (SERIES["axial"].codes_of(image.data) * 7 // 5 % 4).astype(np.uint8)
    return Segmentation(labels, image.geometry, CLASSES)


@pytest.mark.parametrize("fault", SEG_FAULTS)
def test_a_writer_of_segmentations_with_a_fault_saves_nothing(fault, coded_image, tmp_path, monkeypatch):
    from napari_medclf.io.derived.seg import write as seg_write

    genuine = seg_write.encode

    def encode(*arguments, **options):
        dataset = genuine(*arguments, **options)
        SEG_FAULTS[fault](dataset)
        return dataset

    monkeypatch.setattr(seg_write, "encode", encode)
    with pytest.raises(WriteError):
        seg_write.write_seg(labelled(coded_image), coded_image, Authorship(Making.MANUAL), tmp_path / "seg.dcm")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def _contours(dataset):
    return [one for region in dataset.ROIContourSequence for one in region.ContourSequence]


def _move_contours(dataset, factors=(1, 1, 1), by=(0, 0, 0)) -> None:
    for one in _contours(dataset):
        points = np.array(one.ContourData, dtype=float).reshape(-1, 3) * factors + np.array(by)
        one.ContourData = [f"{value:.6f}" for value in points.ravel()]


def _swap_contour_images(dataset) -> None:
    named = sorted({one.ContourImageSequence[0].ReferencedSOPInstanceUID for one in _contours(dataset)})
    for one in _contours(dataset):
        item = one.ContourImageSequence[0]
        item.ReferencedSOPInstanceUID = named[named.index(item.ReferencedSOPInstanceUID) - 1]


def _drop_contour(dataset) -> None:
    del dataset.ROIContourSequence[0].ContourSequence[-1]


def _swap_regions(dataset) -> None:
    first, second = dataset.StructureSetROISequence[0], dataset.StructureSetROISequence[1]
    first.ROIName, second.ROIName = second.ROIName, first.ROIName


def _other_reference(dataset) -> None:
    dataset.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID = "1.2.3"


RTSTRUCT_FAULTS: dict[str, Callable] = {
    "RAS for LPS": lambda dataset: _move_contours(dataset, (-1, -1, 1)),
    "mirrored about their middle": lambda dataset: _move_contours(dataset, (-1, 1, 1), (-60, 0, 0)),
    "half a voxel in the plane": lambda dataset: _move_contours(dataset, by=(0.3, 0.375, 0)),
    "half a voxel along the normal": lambda dataset: _move_contours(dataset, by=(0, 0, 1.25)),
    "one slice along the normal": lambda dataset: _move_contours(dataset, by=(0, 0, 2.5)),
    "a contour dropped": _drop_contour,
    "slices of the contours moved on": _swap_contour_images,
    "names of two regions swapped": _swap_regions,
    "another frame of reference": _other_reference,
    "another patient": _other_patient,
}


@pytest.mark.parametrize("fault", RTSTRUCT_FAULTS)
def test_a_writer_of_structure_sets_with_a_fault_saves_nothing(fault, coded_image, tmp_path, monkeypatch):
    from napari_medclf.io.derived.rtstruct import write as rtstruct_write

    genuine = rtstruct_write.save_checked

    def save(dataset, path, check):
        RTSTRUCT_FAULTS[fault](dataset)
        genuine(dataset, path, check)

    monkeypatch.setattr(rtstruct_write, "save_checked", save)
    with pytest.raises(WriteError):
        rtstruct_write.write_rtstruct(
            labelled(coded_image), coded_image, Authorship(Making.MANUAL), tmp_path / "structures.dcm"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def _content(item):
    """Yield a report's content items, the deepest ones too."""
    for one in item.get("ContentSequence", ()):
        yield one
        yield from _content(one)


def _first(dataset, value_type: str):
    return next(one for one in _content(dataset) if one.ValueType == value_type)


def _other_value(dataset) -> None:
    _first(dataset, "NUM").MeasuredValueSequence[0].NumericValue = "12.6"


def _other_unit(dataset) -> None:
    _first(dataset, "NUM").MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "cm"


def _other_concept(dataset) -> None:
    _first(dataset, "NUM").ConceptNameCodeSequence[0].CodeValue = "1"


def _other_image(dataset) -> None:
    _first(dataset, "IMAGE").ReferencedSOPSequence[0].ReferencedSOPInstanceUID = "1.2.3.4"


def _swapped_numbers(dataset) -> None:
    one, other = [item for item in _content(dataset) if item.ValueType == "NUM"][:2]
    one.MeasuredValueSequence, other.MeasuredValueSequence = other.MeasuredValueSequence, one.MeasuredValueSequence


def _drop_group(dataset) -> None:
    for one in _content(dataset):
        if one.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements":
            del one.ContentSequence[-1]


REPORT_FAULTS: dict[str, Callable] = {
    "another value": _other_value,
    "another unit": _other_unit,
    "another concept": _other_concept,
    "another image": _other_image,
    "numbers of two findings swapped": _swapped_numbers,
    "a group dropped": _drop_group,
    "another patient": _other_patient,
}


@pytest.mark.parametrize("fault", REPORT_FAULTS)
def test_a_writer_of_reports_with_a_fault_saves_nothing(fault, coded_image, tmp_path, monkeypatch):
    from napari_medclf.io.derived.sr import write as sr_write

    genuine = sr_write.save_checked

    def save(dataset, path, check):
        REPORT_FAULTS[fault](dataset)
        genuine(dataset, path, check)

    monkeypatch.setattr(sr_write, "save_checked", save)
    length = CodedConcept(value="410668003", scheme="SCT", meaning="Length")
    groups = tuple(
        MeasurementGroup(
            finding=CodedConcept(value="52988006", scheme="SCT", meaning="Lesion"),
            measurements=(Measurement(length, value, "mm"),),
        )
        for value in (12.5, 7.25)
    )
    report = MeasurementReport("report", "report", groups)
    with pytest.raises(WriteError):
        sr_write.write_sr(report, coded_image, Authorship(Making.MANUAL), tmp_path / "report.dcm")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
