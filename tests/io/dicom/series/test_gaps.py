from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.image import Gaps
from napari_medclf.io.dicom.read import read_stack, scan_files
from napari_medclf.io.dicom.series.gaps import fill, possible_ways
from napari_medclf.io.read import discover, read, read_image


@pytest.fixture
def coded(phantom):
    """The oblique phantom, every sample its own flat index."""
    shape = phantom.geometry.shape
    return replace(phantom, data=np.arange(np.prod(shape), dtype=np.int16).reshape(shape) - 1024)


def place_along(offsets_mm):
    """Give an edit that puts slice k at an offset along the normal from the first one; None leaves it out."""

    def edit(dataset, k):
        if offsets_mm[k] is None:
            return False
        row, column = np.array(dataset.ImageOrientationPatient).reshape(2, 3)
        normal = np.cross(row, column)
        here = np.array(dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [f"{x:.9g}" for x in here + (offsets_mm[k] - 3.5 * k) * normal]
        return True

    return edit


def write_coded(folder, coded, write_series, edit):
    """Write all sixteen bits of the codes."""

    def with_all_bits(dataset, k):
        dataset.BitsStored, dataset.HighBit = 16, 15
        return edit(dataset, k)

    return write_series(folder / "ct", coded, with_all_bits)


def scan(folder):
    return scan_files(sorted(folder.iterdir()))


def true_corners(image):
    """Corner of each acquired slice as its file has it."""
    import pydicom

    by_uid = {}
    for path in image.source.files:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        by_uid[dataset.SOPInstanceUID] = np.array(dataset.ImagePositionPatient, dtype=float)
    return np.array([by_uid[uid] for uid in image.source.sop_instance_uids])


def corners_on_grid(image):
    return image.geometry.to_world(np.array([[k, 0, 0] for k in image.source.acquired_k]))


def test_missing_slices_can_be_left_blank_with_all_others_in_place(tmp_path, coded, write_series):
    folder = write_coded(tmp_path, coded, write_series, lambda dataset, k: k not in (4, 5, 9))
    report = read([folder])
    assert report.images == ()
    (refusal,) = report.refusals
    assert "missing slices: 3" in refusal.reason
    blank, resample = refusal.ways
    assert blank.member.endswith("+gaps=blank")
    assert resample.member.endswith("+gaps=resample")
    image = read_image(blank.path, blank.member)
    assert image.geometry.same_grid(coded.geometry, tolerance=1e-4)
    assert image.source.acquired_k == (0, 1, 2, 3, 6, 7, 8, 10, 11)
    assert len(image.source.files) == len(image.source.sop_instance_uids) == 9
    kept = [0, 1, 2, 3, 6, 7, 8, 10, 11]
    assert np.array_equal(image.data[kept], coded.data[kept])
    assert (image.data[[4, 5, 9]] == image.data.min()).all()
    assert any("3 of its 12 slices are missing and were left blank" in text for text in image.warnings)


def test_missing_slices_can_be_interpolated(tmp_path, coded, write_series):
    folder = write_coded(tmp_path, coded, write_series, lambda dataset, k: k not in (4, 5, 9))
    way = read([folder]).refusals[0].ways[-1]
    image = read_image(way.path, way.member)
    # Codes grow linearly from slice to slice, so even the interpolated ones must be right.
    assert np.array_equal(image.data, coded.data)
    assert image.geometry.same_grid(coded.geometry, tolerance=1e-4)
    assert any("interpolated to 12 slices at 3.5 mm" in text for text in image.warnings)


def test_uneven_slices_keep_their_places_when_resampled(tmp_path, coded, write_series):
    offsets = [0, 3.5, 7, 10.5, 14, 15.2, 21, 27, 33, 39, 45, 51]
    (stack,) = scan(write_coded(tmp_path, coded, write_series, place_along(offsets))).gapped
    image = read_stack(stack)
    assert stack.gaps is Gaps.RESAMPLE
    assert np.abs(corners_on_grid(image) - true_corners(image)).max() <= 1e-4
    first, last = image.data[0], image.data[-1]
    assert np.array_equal(first, coded.data[0])
    assert np.array_equal(last, coded.data[11])
    # Where a grid slice lies between two acquired ones, its code says how far.
    along = np.linspace(0, 51, image.geometry.shape[0])
    expected = np.interp(along, offsets, coded.data[:, 3, 5])
    assert np.abs(image.data[:, 3, 5] - expected).max() <= 0.51


def test_real_tilted_uneven_head_opens_with_every_acquired_slice_in_place(shared_data):
    folder = shared_data / "dicom_zoo" / "series" / "ct_head_ge_tilt18_uneven"
    (refusal,) = read([folder]).refusals
    (way,) = refusal.ways
    image = read_image(way.path, way.member)
    assert image.geometry.shape == (37, 512, 512)
    assert image.geometry.shear_deg == pytest.approx(18.5, abs=0.1)
    assert np.abs(corners_on_grid(image) - true_corners(image)).max() <= 1e-3
    assert len(image.source.acquired_k) == 28
    assert any("28 slices are 1.081 to 6.999 mm apart" in text for text in image.warnings)


def test_uneven_gaps_offer_no_blank_slices():
    assert possible_ways(np.array([0.0, 4, 8, 12, 19, 26])) == (Gaps.RESAMPLE,)
    assert possible_ways(np.array([0.0, 4, 8, 16, 20])) == (Gaps.BLANK, Gaps.RESAMPLE)


def test_listing_shows_the_refused_series_with_its_ways(tmp_path, coded, write_series):
    folder = write_coded(tmp_path, coded, write_series, lambda dataset, k: k != 5)
    (entry,) = discover(folder).entries
    assert "missing slices: 1" in entry.reason
    assert [way.member.partition("+")[2] for way in entry.ways] == ["gaps=blank", "gaps=resample"]
    assert entry.n_files == 11


def test_filling_on_demand_gives_the_same_samples(tmp_path, coded, write_series):
    folder = write_coded(tmp_path, coded, write_series, lambda dataset, k: k not in (4, 9))
    for stack in scan(folder).gapped:
        promised = read_stack(stack, lazy=True)
        assert promised.is_lazy
        assert np.array_equal(np.asarray(promised.data), read_stack(stack).data)


def test_filling_keeps_the_edges_and_the_type():
    data = np.array([10, 20, 40], np.uint8).reshape(3, 1, 1)
    filled = fill(data, (0.0, 1.0, 3.0), 4, Gaps.RESAMPLE)
    assert filled.ravel().tolist() == [10, 20, 30, 40]
    assert filled.dtype == np.uint8
    assert fill(data, (0.0, 1.0, 3.0), 4, Gaps.BLANK).ravel().tolist() == [10, 20, 10, 40]


def test_all_times_are_filled_alike():
    data = np.array([[0, 10], [100, 110]], np.int16).reshape(2, 2, 1, 1)
    assert fill(data, (0.0, 2.0), 3, Gaps.RESAMPLE).ravel().tolist() == [0, 5, 10, 100, 105, 110]
