"""A segmentation that an encoder spoiled never takes its name: every planted fault is found by reading back."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.seg import write as seg_write
from napari_medclf.io.read import read_image

SCHEMA = LabelSchema.from_names(["liver", "spleen"], first_value=1)


@pytest.fixture
def image(phantom, write_series, tmp_path):
    return read_image(write_series(tmp_path / "ct", phantom))


@pytest.fixture
def segmentation(image):
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels[2:5, 3:9, 4:20], labels[7, 1, 2:25], labels[9, 15:19, 26] = 1, 2, 2
    return Segmentation(labels, image.geometry, SCHEMA)


def flip(axis):
    def spoil_labels(labels):
        return np.flip(labels, axis)

    return spoil_labels


def move_places(dataset, shift):
    for group in dataset.PerFrameFunctionalGroupsSequence:
        place = group.PlanePositionSequence[0]
        place.ImagePositionPatient = [float(x) + dx for x, dx in zip(place.ImagePositionPatient, shift, strict=True)]


def half_a_voxel_along_a_row(dataset):
    move_places(dataset, 0.25 * np.array(rows_and_columns(dataset)[:3], float))


def half_a_slice(dataset):
    row, column = np.reshape(np.array(rows_and_columns(dataset), float), (2, 3))
    move_places(dataset, 1.75 * np.cross(row, column))


def a_hundredth_of_a_millimetre(dataset):
    move_places(dataset, (0.01, 0, 0))


def rows_and_columns(dataset):
    return dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient


def ras_for_lps(dataset):
    for group in dataset.PerFrameFunctionalGroupsSequence:
        place = group.PlanePositionSequence[0]
        x, y, z = map(float, place.ImagePositionPatient)
        place.ImagePositionPatient = [-x, -y, z]
    orientation = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    signs = (-1, -1, 1) * 2
    orientation.ImageOrientationPatient = [
        sign * float(x) for sign, x in zip(signs, orientation.ImageOrientationPatient, strict=True)
    ]


def sources(dataset):
    return [one.DerivationImageSequence[0].SourceImageSequence[0] for one in dataset.PerFrameFunctionalGroupsSequence]


def permuted_references(dataset):
    uids = [one.ReferencedSOPInstanceUID for one in sources(dataset)]
    for one, uid in zip(sources(dataset), uids[1:] + uids[:1], strict=True):
        one.ReferencedSOPInstanceUID = uid


def references_and_places_permuted(dataset):
    permuted_references(dataset)
    groups = dataset.PerFrameFunctionalGroupsSequence
    places = [one.PlanePositionSequence[0].ImagePositionPatient for one in groups]
    for one, place in zip(groups, places[1:] + places[:1], strict=True):
        one.PlanePositionSequence[0].ImagePositionPatient = place


def references_to_nothing(dataset):
    for one in sources(dataset):
        one.ReferencedSOPInstanceUID += ".9"


def no_references(dataset):
    for one in dataset.PerFrameFunctionalGroupsSequence:
        del one.DerivationImageSequence


def dropped_slice(dataset):
    n_bytes = -(-dataset.Rows * dataset.Columns // 8)
    del dataset.PerFrameFunctionalGroupsSequence[0]
    dataset.NumberOfFrames = int(dataset.NumberOfFrames) - 1
    dataset.PixelData = dataset.PixelData[n_bytes:]


def rows_for_columns(dataset):
    dataset.Rows, dataset.Columns = dataset.Columns, dataset.Rows


def wrong_spacing(dataset):
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = list(reversed(measures.PixelSpacing))


def turned_rows(dataset):
    orientation = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    values = list(orientation.ImageOrientationPatient)
    orientation.ImageOrientationPatient = values[3:] + values[:3]


def one_voxel_more(dataset):
    dataset.PixelData = bytes([dataset.PixelData[0] | 1]) + dataset.PixelData[1:]


def swapped_segments(dataset):
    for one in dataset.PerFrameFunctionalGroupsSequence:
        identification = one.SegmentIdentificationSequence[0]
        identification.ReferencedSegmentNumber = 3 - identification.ReferencedSegmentNumber


def another_name(dataset):
    dataset.SegmentSequence[0].SegmentLabel = "spleen"


def another_colour(dataset):
    dataset.SegmentSequence[1].RecommendedDisplayCIELabValue = [30000, 30000, 30000]


def another_code(dataset):
    dataset.SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0].CodeValue = "64033007"


def another_frame_of_reference(dataset):
    dataset.FrameOfReferenceUID += ".9"


def another_series(dataset):
    dataset.ReferencedSeriesSequence[0].SeriesInstanceUID += ".9"


def another_patient(dataset):
    dataset.PatientID = "SECRET-2"


FAULTS = {
    another_frame_of_reference: "its FrameOfReferenceUID is not that of the image",
    another_series: "refers to another series",
    another_patient: "its PatientID is not that of the image",
    half_a_voxel_along_a_row: "0.25 mm off",
    half_a_slice: "off",
    a_hundredth_of_a_millimetre: "0.01 mm off slice",
    ras_for_lps: "turned against those of the image",
    permuted_references: "frame 1 names slice",
    references_and_places_permuted: "voxels have another label",
    references_to_nothing: "does not name one slice",
    no_references: "does not name one slice",
    dropped_slice: "no frame names it",
    rows_for_columns: "grid",
    wrong_spacing: "pixels of another size",
    turned_rows: "turned against those of the image",
    one_voxel_more: "1 voxels have another label, first in slice",
    swapped_segments: "another label",
    another_name: "name, colour or code",
    another_colour: "name, colour or code",
    another_code: "name, colour or code",
}


def refuse(segmentation, image, path, says):
    path.write_bytes(b"older")
    with pytest.raises(WriteError, match=re.escape(says)) as caught:
        seg_write.write_seg(segmentation, image, Authorship(Making.MANUAL), path)
    assert "SECRET" not in str(caught.value)
    assert path.read_bytes() == b"older"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.fixture
def target(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "seg.dcm"


@pytest.mark.parametrize(("axis", "name"), enumerate(("slice", "row", "column")))
def test_a_flipped_axis_is_named(axis, name, segmentation, image, target, monkeypatch):
    encode = seg_write.encode
    monkeypatch.setattr(seg_write, "encode", lambda labels, *rest: encode(flip(axis)(labels), *rest))
    refuse(segmentation, image, target, "no frame names it" if axis == 0 else f"the {name} axis is turned round")


def test_a_flip_of_slices_that_are_all_labelled_is_named(image, target, monkeypatch):
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels[:, 3:5, 4:9], labels[0, 10, 10] = 1, 2
    encode = seg_write.encode
    monkeypatch.setattr(seg_write, "encode", lambda labels, *rest: encode(np.flip(labels, 0), *rest))
    refuse(Segmentation(labels, image.geometry, SCHEMA), image, target, "the slice axis is turned round")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_blocks_the_save_and_leaves_the_older_file(fault, segmentation, image, target, monkeypatch):
    encode = seg_write.encode

    def spoiled(*arguments):
        dataset = encode(*arguments)
        fault(dataset)
        return dataset

    monkeypatch.setattr(seg_write, "encode", spoiled)
    refuse(segmentation, image, target, FAULTS[fault])


def test_what_is_not_spoiled_is_saved(segmentation, image, target):
    seg_write.write_seg(segmentation, image, Authorship(Making.MANUAL), target)
    assert target.exists()
