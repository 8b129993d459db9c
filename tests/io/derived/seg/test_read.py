"""Segmentations land on the slices they name, on a grid of their own, or are refused in one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.classes import is_derived
from napari_medclf.io.derived.read import describe_derived, read_derived
from napari_medclf.io.derived.seg.read import read_seg
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.read import read_image

SCHEMA = LabelSchema.from_names(["liver", "spleen"], first_value=1)
LABELLED = (2, 3, 7)


@pytest.fixture
def image(phantom, write_series, tmp_path):
    return read_image(write_series(tmp_path / "ct", phantom))


@pytest.fixture
def grid(image):
    return SourceGrid.of_image(image)


@pytest.fixture
def labels(image):
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels[2:4, 3:9, 4:20], labels[7, 1, 2:25] = 1, 2
    return labels


@pytest.fixture
def spoil(image, labels, tmp_path):
    """Give a function that writes a sound segmentation, changes its data set and returns its path."""

    def write(edit=None, form="binary"):
        path = tmp_path / "seg.dcm"
        write_seg(Segmentation(labels, image.geometry, SCHEMA), image, Authorship(Making.MANUAL), path, form=form)
        dataset = pydicom.dcmread(path)
        if edit is not None:
            edit(dataset)
        dataset.save_as(path)
        return path

    return write


def groups(dataset):
    return dataset.PerFrameFunctionalGroupsSequence


def shift(dataset, frame, mm):
    place = groups(dataset)[frame].PlanePositionSequence[0]
    place.ImagePositionPatient = [float(x) + dx for x, dx in zip(place.ImagePositionPatient, mm, strict=True)]


def test_labels_lie_on_the_slices_they_name(spoil, grid, labels):
    found = read_seg(spoil(), [grid])
    assert found.is_on_source_grid
    assert found.warnings == ()
    assert np.array_equal(found.segmentations[0].labels, labels)


@pytest.mark.parametrize(
    ("keyword", "value", "told"),
    [("PatientID", "mrn-0078", "another patient"), ("FrameOfReferenceUID", "1.2.3.4", "another frame of reference")],
)
def test_identifiers_that_contradict_the_image_are_told(spoil, grid, keyword, value, told):
    found = read_seg(spoil(lambda dataset: setattr(dataset, keyword, value)), [grid])
    assert found.is_on_source_grid
    assert any(told in text for text in found.warnings)
    assert not any(value in text for text in found.warnings)


def test_the_order_of_frames_does_not_matter(spoil, grid, labels):
    def shuffle(dataset):
        n_bytes = 20 * 28 // 8
        frames = [dataset.PixelData[n : n + n_bytes] for n in range(0, 3 * n_bytes, n_bytes)]
        dataset.PixelData = b"".join(frames[n] for n in (2, 0, 1))
        dataset.PerFrameFunctionalGroupsSequence = [groups(dataset)[n] for n in (2, 0, 1)]

    assert np.array_equal(read_seg(spoil(shuffle), [grid]).segmentations[0].labels, labels)


def test_without_its_image_the_positions_make_a_grid_and_missing_planes_are_empty(spoil, image, labels):
    found = read_seg(spoil())
    (alone,) = found.segmentations
    assert not found.is_on_source_grid
    assert alone.labels.shape == (6, 20, 28)
    expected = image.geometry.cropped((2, 0, 0), (6, 20, 28))
    assert expected.same_grid(alone.geometry)
    assert np.array_equal(alone.labels, labels[2:8])


def test_frames_without_references_are_placed_by_position(spoil, grid, labels):
    def forget(dataset):
        for group in groups(dataset):
            del group.DerivationImageSequence

    found = read_seg(spoil(forget), [grid])
    assert found.is_on_source_grid
    assert np.array_equal(found.segmentations[0].labels, labels)


def test_a_small_disagreement_of_name_and_position_is_told(spoil, grid, labels):
    found = read_seg(spoil(lambda dataset: shift(dataset, 1, (0, 0, 0.1))), [grid])
    assert np.array_equal(found.segmentations[0].labels, labels)
    assert found.warnings == ("Frame 2 lies 0.1 mm off the slice it was made from.",)


def test_a_frame_that_names_one_slice_and_lies_on_another_is_refused(spoil, grid):
    path = spoil(lambda dataset: shift(dataset, 1, (0, 0, 3.5)))
    with pytest.raises(
        ReadError, match=r"seg\.dcm: contradicts itself: frame 2 names slice \d+ of its image, and lies"
    ):
        read_seg(path, [grid])


def test_another_matrix_stays_on_its_own_grid_with_a_warning(spoil, image, grid):
    smaller = replace(grid, geometry=image.geometry.cropped((0, 0, 0), (12, 10, 28)))
    found = read_seg(spoil(), [smaller])
    assert not found.is_on_source_grid
    (warning,) = found.warnings
    assert warning.startswith("Its frames have 20 x 28 pixels, and those of the image it was made for 10 x 28.")
    assert warning.endswith("It is shown on a grid of its own.")


def test_other_pixels_of_the_same_matrix_stay_on_their_own_grid_with_a_warning(spoil, grid):
    def stretch(dataset):
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [1.5, 1.25]

    found = read_seg(spoil(stretch), [grid])
    assert not found.is_on_source_grid
    np.testing.assert_allclose(found.segmentations[0].geometry.spacing, (3.5, 1.5, 1.25))
    assert "pixels of another size" in found.warnings[0]


def test_frames_that_name_every_slice_are_placed_by_position(spoil, grid, labels):
    def name_all(dataset):
        for group in groups(dataset):
            group.DerivationImageSequence[0].SourceImageSequence = dataset.SourceImageSequence

    found = read_seg(spoil(name_all), [grid])
    assert found.is_on_source_grid
    assert np.array_equal(found.segmentations[0].labels, labels)


def test_another_images_labels_stay_on_their_own_grid(spoil, grid):
    other = replace(grid, source=replace(grid.source, series_uid="1.9", sop_instance_uids=("1.9.1",) * 12))
    elsewhere = replace(other, geometry=replace(grid.geometry, frame_of_reference_uid="1.9.9"))
    assert not read_seg(spoil(), [elsewhere]).is_on_source_grid


def test_repeated_names_are_told_apart(spoil):
    def rename(dataset):
        for segment in dataset.SegmentSequence:
            segment.SegmentLabel = "organ"

    assert read_seg(spoil(rename)).segmentations[0].schema.names == ("organ (1)", "organ (2)")


def test_overlapping_segments_are_laid_into_two_images(spoil, grid):
    def overlap(dataset):
        for group in groups(dataset):
            if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2:
                first = groups(dataset)[0]
                group.PlanePositionSequence = first.PlanePositionSequence
                group.DerivationImageSequence = first.DerivationImageSequence
        n_bytes = 20 * 28 // 8
        dataset.PixelData = dataset.PixelData[: 2 * n_bytes] + dataset.PixelData[:n_bytes]

    found = read_seg(spoil(overlap), [grid])
    assert [one.schema.names for one in found.segmentations] == [("liver",), ("spleen",)]
    assert [one.name for one in found.segmentations] == ["seg (1 of 2)", "seg (2 of 2)"]


def no_frame_groups(dataset):
    del dataset.PerFrameFunctionalGroupsSequence


def lying_frame_count(dataset):
    dataset.NumberOfFrames = 2_000_000_000


def unknown_segment(dataset):
    groups(dataset)[1].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9


def huge_rows(dataset):
    dataset.Rows = dataset.Columns = 65535


def few_rows(dataset):
    dataset.Rows //= 2


def truncated(dataset):
    dataset.PixelData = dataset.PixelData[:50]


def no_samples(dataset):
    del dataset.PixelData


def no_segments(dataset):
    dataset.SegmentSequence = []


def odd_type(dataset):
    dataset.SegmentationType = "SECRET"


def far_away(dataset):
    shift(dataset, 0, (0, 0, 1e8))


def far_apart(dataset):
    shift(dataset, 0, (0, 0, -5e4))


def turned_frame(dataset):
    orientation = pydicom.Dataset()
    orientation.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    groups(dataset)[1].PlaneOrientationSequence = [orientation]


def twice_on_one_slice(dataset):
    groups(dataset)[1].PlanePositionSequence = groups(dataset)[0].PlanePositionSequence
    groups(dataset)[1].DerivationImageSequence = groups(dataset)[0].DerivationImageSequence


def uneven_positions(dataset):
    shift(dataset, 0, (0, 0, 1.6))


def four_bits(dataset):
    dataset.BitsAllocated = 4


FAULTS = {
    no_frame_groups: "declares 3 frames and describes 0 of them",
    lying_frame_count: "declares 2000000000 frames and describes 3",
    unknown_segment: "describes no segment 9, which its frame 2 belongs to",
    huge_rows: "is truncated",
    few_rows: "its header is wrong",
    truncated: "is truncated",
    no_samples: "holds no samples",
    no_segments: "describes no segments",
    odd_type: "of no known type",
    far_away: "mm away, which cannot be",
    far_apart: "47 m apart, which no patient spans",
    turned_frame: "several orientations or spacings, such as 1 and 2",
    twice_on_one_slice: "two frames of segment 1 on one slice",
    uneven_positions: "unevenly far apart",
    four_bits: "samples of 4 bits",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_damaged_segmentation_is_refused_in_one_sentence(fault, spoil):
    with pytest.raises(ReadError, match=FAULTS[fault]) as caught:
        read_seg(spoil(fault))
    assert "seg.dcm" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_label_that_no_segment_describes_is_refused(spoil):
    def add_label(dataset):
        dataset.PixelData = bytes([9]) + dataset.PixelData[1:]

    with pytest.raises(ReadError, match="holds the value 9 in frame 1, which no segment describes"):
        read_seg(spoil(add_label, form="labelmap"))


def test_references_to_nothing_leave_the_labels_where_their_positions_say(spoil, grid, labels):
    def dangle(dataset):
        for group in groups(dataset):
            group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"

    assert np.array_equal(read_seg(spoil(dangle), [grid]).segmentations[0].labels, labels)


def test_every_kind_of_object_finds_its_reader(spoil, grid):
    path = spoil()
    assert is_derived(pydicom.dcmread(path).SOPClassUID)
    assert not is_derived("1.2.840.10008.5.1.4.1.1.2")
    assert read_derived(path, [grid]).is_on_source_grid


def test_a_listing_tells_which_images_the_labels_are_for(spoil, image):
    entry = describe_derived(spoil())
    assert (entry.kind, entry.refers_to, entry.size) == ("SEG", image.source.series_uid, (3, 20, 28))
    assert entry.ref.path.name == "seg.dcm"
