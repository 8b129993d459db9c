import numpy as np
import pytest

from napari_medclf.io.dicom.read import read_stack, scan_files
from napari_medclf.io.read import discover, read_image


def write_both(folder, phantom, write_series, first, second):
    """Write the phantom twice into one series, changed by two edits."""
    for number, edit in enumerate((first, second)):

        def change(dataset, k, number=number, edit=edit):
            dataset.SOPInstanceUID += f".{number}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            return edit(dataset, k)

        for file in write_series(folder / "new", phantom, change).iterdir():
            file.rename(folder / f"{number}{file.name}")
    (folder / "new").rmdir()
    return sorted(folder.iterdir())


def shifted_along(mm, acquisition):
    def edit(dataset, k):
        row, column = np.array(dataset.ImageOrientationPatient, dtype=float).reshape(2, 3)
        here = np.array(dataset.ImagePositionPatient, dtype=float)
        dataset.ImagePositionPatient = [f"{x:.9g}" for x in here + mm * np.cross(row, column)]
        dataset.AcquisitionNumber = acquisition

    return edit


def test_interleaved_acquisitions_are_taken_apart(tmp_path, phantom, write_series):
    files = write_both(tmp_path, phantom, write_series, shifted_along(0, 1), shifted_along(1.3, 2))
    stacks = scan_files(files).stacks
    assert sorted(stack.label for stack in stacks) == ["acquisition 1", "acquisition 2"]
    assert all(np.array_equal(read_stack(stack).data, phantom.data) for stack in stacks)
    apart = np.subtract(*(stack.geometry.affine[:3, 3] for stack in stacks))
    assert np.linalg.norm(apart) == pytest.approx(1.3, abs=1e-4)


def test_repeats_that_nothing_tells_apart_are_refused(tmp_path, phantom, write_series):
    files = write_both(tmp_path, phantom, write_series, lambda dataset, k: None, lambda dataset, k: None)
    scan = scan_files(files)
    assert scan.stacks == scan.gapped == ()
    assert "slices 1 and 2 of 24 lie at the same place" in scan.refusals[0].reason


def test_several_b_values_are_images_of_their_own(tmp_path, phantom, write_series):
    def low(dataset, k):
        dataset.DiffusionBValue = 0.0

    def high(dataset, k):
        dataset.DiffusionBValue, dataset.DiffusionGradientOrientation = 1000.0, [1.0, 0.0, 0.0]

    stacks = scan_files(write_both(tmp_path, phantom, write_series, low, high)).stacks
    assert sorted(stack.label for stack in stacks) == ["b-value 0.0", "b-value 1000.0"]


def test_localizer_of_three_orientations_is_three_images_that_open_one_by_one(tmp_path, phantom, write_series):
    directions = [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1]]

    def turn(dataset, k):
        dataset.ImageOrientationPatient = directions[k % 3]
        row, column = np.array(directions[k % 3], dtype=float).reshape(2, 3)
        dataset.ImagePositionPatient = [f"{x:.6g}" for x in 5.0 * (k // 3) * np.cross(row, column)]

    folder = write_series(tmp_path / "localizer", phantom, turn)
    refs = discover(folder).found
    assert len(refs) == 3
    images = [read_image(ref.path, ref.member) for ref in refs]
    assert [image.geometry.shape[0] for image in images] == [4, 4, 4]
    assert len({image.geometry.axis_codes for image in images}) == 3
    for image in images:
        assert any("series is 3 images" in text for text in image.warnings)
        for k, uid in enumerate(image.source.sop_instance_uids):
            original = int(uid.rpartition(".")[2]) - 1
            assert np.array_equal(image.data[k], phantom.data[original])


def test_two_spacings_of_one_series_have_members_of_their_own(tmp_path, phantom, write_series):
    def widen(dataset, k):
        if k >= 6:
            dataset.PixelSpacing = [0.75, 0.5004]

    refs = discover(write_series(tmp_path / "ct", phantom, widen)).found
    spacings = {read_image(ref.path, ref.member).geometry.spacing[2] for ref in refs}
    assert sorted(spacings) == pytest.approx([0.5, 0.5004], abs=1e-6)


def test_localizer_of_single_slices_opens_by_its_files(tmp_path, phantom, write_series):
    directions = [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1]]

    def turn(dataset, k):
        dataset.ImageOrientationPatient = directions[k % 3]
        return k < 3

    for ref in discover(write_series(tmp_path / "localizer", phantom, turn)).found:
        image = read_image(ref.path, ref.member)
        original = int(image.source.sop_instance_uids[0].rpartition(".")[2]) - 1
        assert np.array_equal(image.data[0], phantom.data[original])


def test_part_of_a_series_in_its_own_folder_opens_by_its_member(tmp_path, phantom, write_series):
    def other(dataset, k):
        dataset.SOPInstanceUID += ".1"
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [2.0 * k, 0, 0]

    write_series(tmp_path / "a", phantom)
    write_series(tmp_path / "b", phantom, other)
    refs = discover(tmp_path).found
    assert [ref.path for ref in refs] == [tmp_path, tmp_path]
    codes = {read_image(ref.path, ref.member).geometry.axis_codes for ref in refs}
    assert len(codes) == 2


def test_uneven_slices_that_are_also_shifted_sideways_offer_no_way(tmp_path, phantom, write_series):
    def move(dataset, k):
        if k == 5:
            row = np.array(dataset.ImageOrientationPatient[:3], dtype=float)
            here = np.array(dataset.ImagePositionPatient, dtype=float)
            dataset.ImagePositionPatient = [f"{x:.8g}" for x in here + 3 * row]
        return k != 8

    scan = scan_files(sorted(write_series(tmp_path / "ct", phantom, move).iterdir()))
    assert scan.stacks == scan.gapped == ()
    assert scan.refusals[0].ways == ()
    assert "missing slices: 1" in scan.refusals[0].reason


def test_kernels_and_voltages_at_the_same_places_are_images_of_their_own(tmp_path, phantom, write_series):
    def soft(dataset, k):
        dataset.ConvolutionKernel, dataset.KVP = "B30f", 80

    def sharp(dataset, k):
        dataset.ConvolutionKernel, dataset.KVP = "B70f", 80

    stacks = scan_files(write_both(tmp_path, phantom, write_series, soft, sharp)).stacks
    assert sorted(stack.label for stack in stacks) == ["kernel B30f", "kernel B70f"]


def test_slices_that_share_an_identifier_are_all_kept_and_told(tmp_path, phantom, write_series):
    def blank(dataset, k):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"

    (image,) = [read_image(write_series(tmp_path / "ct", phantom, blank))]
    assert np.array_equal(image.data, phantom.data)
    assert any("same SOP instance UID" in text for text in image.warnings)
