"""Segmentations of other programs: same voxels as their own truth, on the grid of their images, in every packing."""

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.derived.seg.read import read_seg
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.read import read

PACKINGS = ("liver", "liver_deflate", "liver_rle", "liver_j2k", "liver_expb")


@pytest.fixture
def zoo(shared_data):
    return shared_data / "dicom_zoo"


def grids_of(folder):
    return [SourceGrid.of_image(image) for image in read([folder]).images]


def truth_of(path):
    """Read labels and the (i, j, k) to LPS affine by another library."""
    SimpleITK = pytest.importorskip("SimpleITK")
    image = SimpleITK.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), affine


def marked_places(labels, affine_ijk):
    """LPS positions of all labelled voxels, sorted, in 0.01 mm."""
    k, j, i = np.nonzero(labels)
    return np.unique(np.rint(100 * (np.stack([i, j, k], axis=1) @ affine_ijk[:3, :3].T + affine_ijk[:3, 3])), axis=0)


@pytest.mark.parametrize("name", PACKINGS)
def test_each_packing_holds_the_same_liver(zoo, name):
    plain = read_seg(zoo / "single_files" / "liver.dcm").segmentations[0]
    found = read_seg(zoo / "single_files" / f"{name}.dcm").segmentations[0]
    assert np.array_equal(found.labels, plain.labels)
    assert found.geometry.same_grid(plain.geometry)
    assert found.count("Liver") == 107098


def test_frames_whose_bits_end_inside_a_byte_are_cut_rightly(zoo):
    plain = read_seg(zoo / "single_files" / "liver.dcm").segmentations[0]
    cropped = read_seg(zoo / "single_files" / "liver_nonbyte_aligned.dcm").segmentations[0]
    offsets = [(j, i) for j in range(3) for i in range(3)]
    assert any(np.array_equal(cropped.labels, plain.labels[:, j : j + 510, i : i + 510]) for j, i in offsets)


@pytest.mark.parametrize(
    ("seg", "truth"),
    [
        ("liver.dcm", "liver_seg.nrrd"),
        ("sparse-labelmap-noppv.dcm", "sparse_labelmap_noppv_seg.nrrd"),
        ("sparse-labelmap-ppv5.dcm", "sparse_labelmap_ppv5_seg.nrrd"),
    ],
)
def test_dcmqi_segmentation_marks_the_places_of_its_truth(zoo, seg, truth):
    folder = zoo / "seg_sr_rt" / "dcmqi" / "segmentations"
    found = read_seg(folder / seg).segmentations[0]
    to_kji = found.geometry.affine[:, [2, 1, 0, 3]]
    labels, affine = truth_of(folder / truth)
    # dcmqi fills a plane without a frame with the padding value, 5 in one of these, which is no segment.
    np.testing.assert_array_equal(marked_places(found.labels, to_kji), marked_places(labels == 1, affine))


def test_dcmqi_segmentation_lies_on_its_ct(zoo):
    folder = zoo / "seg_sr_rt" / "dcmqi" / "segmentations"
    grids = grids_of(folder / "ct-3slice")
    found = read_seg(folder / "liver.dcm", grids)
    assert found.is_on_source_grid
    assert found.segmentations[0].geometry.same_grid(grids[0].geometry)
    assert found.warnings == ()
    assert found.segmentations[0].schema.named("Liver").code.value == "T-62000"


def test_overlapping_segments_come_as_layers_that_do_not(zoo):
    folder = zoo / "seg_sr_rt" / "dcmqi" / "segmentations"
    found = read_seg(folder / "partial_overlaps.dcm", grids_of(folder / "ct-3slice"))
    counts = {name: one.count(name) for one in found.segmentations for name in one.schema.names}
    assert counts == {"GREEN": 9602, "LIGHT_BLUE": 6693, "DARK_BLUE": 4713, "ORANGE": 11888, "PURPLE": 10743}
    assert len(found.segmentations) == 3


def test_missing_frames_of_a_sparse_segmentation_are_empty_planes(zoo):
    folder = zoo / "seg_sr_rt" / "dcmqi" / "segmentations"
    found = read_seg(folder / "sparse-labelmap-noppv.dcm").segmentations[0]
    assert found.labels.shape == (3, 38, 24)
    assert found.labels.any(axis=(1, 2)).tolist() == [True, False, True]


def test_fractions_are_cut_at_one_half_with_a_warning(zoo):
    folder = zoo / "seg_sr_rt" / "highdicom"
    binary = read_seg(folder / "seg_image_ct_binary.dcm")
    fractional = read_seg(folder / "seg_image_ct_binary_fractional.dcm")
    assert np.array_equal(binary.segmentations[0].labels, fractional.segmentations[0].labels)
    assert "one half" in fractional.warnings[0]


def test_every_segmentation_agrees_with_highdicom_or_is_refused(zoo):
    highdicom = pytest.importorskip("highdicom")
    files = sorted((zoo / "seg_sr_rt").rglob("*seg*.dcm"))
    on_slides = [path for path in files if "_sm_" in path.name]
    for path in on_slides:
        with pytest.raises(ReadError, match="whole-slide"):
            read_seg(path)
    assert len(files) - len(on_slides) == 7
    for path in set(files) - set(on_slides):
        found = read_seg(path)
        other = highdicom.seg.segread(path)
        counts = {name: one.count(name) for one in found.segmentations for name in one.schema.names}
        assert sorted(counts) == sorted(str(one.SegmentLabel) for one in other.SegmentSequence)
        if other.SegmentationType == "BINARY":
            assert sum(counts.values()) == int(other.pixel_array.sum())
