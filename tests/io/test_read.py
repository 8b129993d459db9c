import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.read import discover, read, read_each, read_image
from napari_medclf.io.write import write_image
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL


@pytest.mark.parametrize("door", [".nii", ".nii.gz", ".nrrd", "dicom", "dicom member"])
def test_marked_voxel_lies_at_the_same_millimetre_through_every_door(tmp_path, phantom, write_series, door):
    if door.startswith("dicom"):
        path = write_series(tmp_path / "series", phantom)
        member = read_image(path).source.member if door.endswith("member") else ""
    else:
        path, member = tmp_path / f"a{door}", ""
        write_image(phantom, path)
    image = read_image(path, member)
    assert image.data[MARKED_VOXEL] == MARKED_HU
    assert np.array_equal(image.data, phantom.data)
    assert image.geometry.same_grid(phantom.geometry)


def test_mixed_folder_gives_images_and_a_reason_for_each_other_file(tmp_path, phantom, write_series):
    write_series(tmp_path / "ct", phantom)
    write_image(phantom, tmp_path / "b.nii.gz")
    Image.fromarray(np.zeros((20, 28), np.uint8)).save(tmp_path / "c.png")
    (tmp_path / "d.nii").write_bytes(b"")
    (tmp_path / "e.dcm").write_bytes(b"no dicom " * 100)
    report = read([tmp_path])
    assert sorted(image.name for image in report.images) == ["CT-4-Thorax_3.5", "b", "c"]
    assert sorted(refusal.path.name for refusal in report.refusals) == ["d.nii", "e.dcm"]
    assert all("\n" not in str(refusal) for refusal in report.refusals)


def test_images_come_one_by_one_so_that_a_study_need_not_fit_into_memory(tmp_path, phantom):
    for name in ("a.nii", "b.nii"):
        write_image(phantom, tmp_path / name)
    results = read_each([tmp_path])
    assert next(results).name == "a"
    (tmp_path / "b.nii").write_bytes(b"x" * 10)
    assert "truncated" in next(results).reason


def test_discovery_finds_what_read_finds_and_opens_it_later(tmp_path, phantom, write_series):
    write_series(tmp_path / "ct", phantom)
    write_image(phantom, tmp_path / "b.nii.gz")
    np.savez(tmp_path / "m.npz", train_images=np.zeros((2, 8, 9), np.uint8))
    found = discover(tmp_path).found
    assert len(found) == 4
    assert {read_image(ref.path, ref.member).geometry.shape for ref in found} == {(12, 20, 28), (1, 8, 9)}


def test_source_of_every_image_read_opens_it_again(tmp_path, phantom, write_series):
    write_series(tmp_path / "ct", phantom)
    write_image(phantom, tmp_path / "b.nii.gz")
    for image in read([tmp_path]).images:
        assert np.array_equal(read_image(image.source.path, image.source.member).data, image.data)


def test_loose_slices_of_a_series_become_one_image(tmp_path, phantom, write_series):
    files = sorted(write_series(tmp_path / "ct", phantom).iterdir())
    (image,) = read(files).images
    assert image.geometry.shape == (12, 20, 28)


def test_one_slice_of_a_series_is_one_flat_image_at_its_place(tmp_path, phantom, write_series):
    file = next(write_series(tmp_path / "ct", phantom).glob("*-3"))
    image = read_image(file)
    assert image.is_flat
    _, j, i = MARKED_VOXEL
    assert image.data[0, j, i] == MARKED_HU
    expected = phantom.geometry.to_world(np.array(MARKED_VOXEL))
    assert np.allclose(image.geometry.to_world(np.array([0, j, i])), expected, atol=1e-4)


def test_several_images_where_one_is_expected_are_named(tmp_path, phantom):
    for name in ("a.nii", "b.nii"):
        write_image(phantom, tmp_path / name)
    with pytest.raises(ReadError, match=r"holds 2 images.*a\.nii, b\.nii"):
        read_image(tmp_path)
    np.savez(tmp_path / "m.npz", train_images=np.zeros((2, 8, 9), np.uint8))
    with pytest.raises(ReadError, match=r"train/0 \.\.\. train/1"):
        read_image(tmp_path / "m.npz")
    with pytest.raises(ReadError, match="has no member 'x'"):
        read_image(tmp_path / "a.nii", "x")


def test_folder_of_one_image_is_that_image(tmp_path, phantom):
    write_image(phantom, tmp_path / "sub" / "a.nii")
    assert read_image(tmp_path).name == "a"
    with pytest.raises(ReadError, match="no readable series"):
        read_image(tmp_path, "1.2.3")


def test_npz_opens_as_one_stack_a_split(tmp_path):
    np.savez(tmp_path / "m.npz", train_images=np.zeros((5, 8, 9), np.uint8), test_images=np.zeros((2, 8, 9), np.uint8))
    images = read([tmp_path / "m.npz"]).images
    assert [image.geometry.shape for image in images] == [(5, 8, 9), (2, 8, 9)]


def test_picture_named_dicom_is_read_and_told(tmp_path):
    Image.fromarray(np.zeros((20, 28), np.uint8)).save(tmp_path / "a.png")
    shutil.move(tmp_path / "a.png", tmp_path / "a.dcm")
    (image,) = read([tmp_path]).images
    assert "its content is PNG" in image.warnings[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_pipe_and_broken_link_are_refused_and_do_not_hang(tmp_path, phantom):
    os.mkfifo(tmp_path / "pipe.nii.gz")
    (tmp_path / "broken.nii").symlink_to(tmp_path / "nowhere")
    write_image(phantom, tmp_path / "c.nii")
    report = read([tmp_path, tmp_path / "absent"])
    assert [image.name for image in report.images] == ["c"]
    reasons = {refusal.path.name: refusal.reason for refusal in report.refusals}
    assert "pipe" in reasons["pipe.nii.gz"]
    assert "no such file" in reasons["broken.nii"]
    assert "no such file" in reasons["absent"]
