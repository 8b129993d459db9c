from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.io.read import read, read_image
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL


def move(k_moved, along_mm=0.0, sideways_mm=0.0):
    """Give an edit that shifts one slice along the normal or along its rows."""

    def edit(dataset, k):
        if k == k_moved:
            row, column = np.array(dataset.ImageOrientationPatient).reshape(2, 3)
            place = np.array(dataset.ImagePositionPatient) + along_mm * np.cross(row, column) + sideways_mm * row
            dataset.ImagePositionPatient = [f"{x:.8g}" for x in place]

    return edit


def refusal_of(folder):
    with pytest.raises(ReadError) as caught:
        read_image(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_order_comes_from_positions_and_not_from_names_or_numbers(tmp_path, phantom, write_series):
    image = read_image(write_series(tmp_path / "ct", phantom))
    assert np.array_equal(image.data, phantom.data)
    assert image.geometry.same_grid(phantom.geometry, tolerance=1e-4)


def test_tilted_series_keeps_its_marked_voxel(tmp_path, phantom, write_series):
    affine = phantom.geometry.affine.copy()
    affine[:3, 0] += 0.32 * 3.5 * affine[:3, 1] / 0.75
    tilted = replace(phantom, geometry=Geometry(affine, phantom.geometry.shape))

    def straight_plane(dataset, k):
        dataset.SliceThickness = 3.5

    image = read_image(write_series(tmp_path / "ct", tilted, straight_plane))
    assert image.data[MARKED_VOXEL] == MARKED_HU
    assert image.geometry.same_grid(tilted.geometry, tolerance=1e-3)
    assert any("17.7 degrees" in text for text in image.warnings)


def test_missing_slice_is_named_with_its_gap(tmp_path, phantom, write_series):
    text = refusal_of(write_series(tmp_path / "ct", phantom, lambda dataset, k: k != 5))
    assert "slices 5 and 6 are 7 mm apart, the others 3.5 mm; missing slices: 1" in text
    assert "series 4 (CT)" in text


def test_two_slices_at_one_place_are_named(tmp_path, phantom, write_series):
    text = refusal_of(write_series(tmp_path / "ct", phantom, move(5, along_mm=-3.5)))
    assert "slices 5 and 6 of 12 lie at the same place" in text


def test_same_file_twice_is_read_once_and_told(tmp_path, phantom, write_series):
    folder = write_series(tmp_path / "ct", phantom)
    (folder / "copy").write_bytes(next(folder.glob("*-3")).read_bytes())
    image = read_image(folder)
    assert image.geometry.shape[0] == 12
    assert any("1 files carry the SOP instance UID of another" in text for text in image.warnings)


def test_jitter_is_silent_then_told_then_refused(tmp_path, phantom, write_series):
    assert read_image(write_series(tmp_path / "a", phantom, move(5, 0.02))).warnings == ()
    (warning,) = read_image(write_series(tmp_path / "b", phantom, move(5, 0.1))).warnings
    assert "varies by 0.1 mm around 3.5 mm" in warning
    assert "slices 5 and 6 are 3.9 mm apart" in refusal_of(write_series(tmp_path / "c", phantom, move(5, 0.4)))


def test_slice_shifted_sideways_is_named(tmp_path, phantom, write_series):
    text = refusal_of(write_series(tmp_path / "ct", phantom, move(5, sideways_mm=2.0)))
    assert "slice 6 is shifted sideways by 2 mm" in text


def test_thickness_that_is_not_the_distance_is_told(tmp_path, phantom, write_series):
    def thicken(dataset, k):
        dataset.SliceThickness = 5

    image = read_image(write_series(tmp_path / "ct", phantom, thicken))
    assert any("3.5 mm apart by position, and 5 mm thick" in text for text in image.warnings)
    assert image.geometry.spacing[0] == pytest.approx(3.5)


def test_slices_that_are_turned_make_an_image_of_their_own(tmp_path, phantom, write_series):
    def turn(dataset, k):
        if k > 5:
            dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]

    images = read([write_series(tmp_path / "ct", phantom, turn)]).images
    assert [image.geometry.shape[0] for image in images] == [6, 6]
    assert all("2 images that differ in size, orientation" in image.warnings[0] for image in images)
    turned = next(image for image in images if np.allclose(image.geometry.directions[:, 2], [0, 1, 0]))
    assert np.allclose(turned.geometry.directions[:, 1], [0, 0, -1])


def test_slice_of_another_pixel_spacing_is_an_image_of_its_own(tmp_path, phantom, write_series):
    def widen(dataset, k):
        if k == 4:
            dataset.PixelSpacing = [0.8, 0.5]

    report = read([write_series(tmp_path / "ct", phantom, widen)])
    assert [image.geometry.spacing[1] for image in report.images] == pytest.approx([0.8])
    assert "slices 4 and 5 are 7 mm apart" in report.refusals[0].reason


def test_uneven_real_head_with_gantry_tilt_lists_its_gaps(shared_data):
    text = refusal_of(shared_data / "dicom_zoo" / "series" / "ct_head_ge_tilt18_uneven")
    assert "4 mm 13x" in text
    assert "7 mm 13x" in text
    assert "1.08 mm 1x, first between slices 14 and 15" in text


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("sliceincrement", "slices 3 and 4 are 10 mm apart, the others 5 mm; missing slices: 1"),
        ("notavolume", "slices 1 and 2 of 4 lie at the same place"),
    ],
)
def test_real_series_that_no_affine_holds_are_refused(shared_data, folder, reason):
    assert reason in refusal_of(shared_data / "dicom_zoo" / "series" / "dicom2nifti_failing" / folder)


def test_real_multi_echo_reads_whole_echoes_and_names_the_hole(shared_data):
    report = read([shared_data / "dicom_zoo" / "series" / "mr_multiecho_missing_dcmstack"])
    assert [image.geometry.spacing[0] for image in report.images] == pytest.approx([10.5, 10.5])
    assert "21 mm apart, the others 10.5 mm; missing slices: 1" in report.refusals[0].reason
