import os
import shutil
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.io.read import discover, read, read_each, read_entry, read_image, thumbnail
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
def test_pipe_is_passed_over_and_a_broken_link_is_refused(tmp_path, phantom):
    os.mkfifo(tmp_path / "pipe.nii.gz")
    (tmp_path / "broken.nii").symlink_to(tmp_path / "nowhere")
    write_image(phantom, tmp_path / "c.nii")
    report = read([tmp_path, tmp_path / "absent"])
    assert [image.name for image in report.images] == ["c"]
    reasons = {refusal.path.name: refusal.reason for refusal in report.refusals}
    assert "pipe.nii.gz" not in reasons
    assert "no such file" in reasons["broken.nii"]
    assert "no such file" in reasons["absent"]
    assert "pipe" in read([tmp_path / "pipe.nii.gz"]).refusals[0].reason


def zip_folder(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{prefix}{file.relative_to(folder).as_posix()}")
    return path


def test_zip_gives_what_its_folder_gives_and_opens_again_by_its_sources(tmp_path, phantom, write_series):
    write_series(tmp_path / "study" / "ct", phantom)
    write_image(phantom, tmp_path / "study" / "b.nii.gz")
    archive = zip_folder(tmp_path / "study", tmp_path / "study.zip")
    report = read([archive])
    assert report.refusals == ()
    assert len(report.images) == 2
    for image in report.images:
        assert image.source.path == archive
        assert image.geometry.same_grid(phantom.geometry)
        again = read_image(image.source.path, image.source.member)
        assert np.array_equal(again.data, image.data)
        assert again.source == image.source
    assert {(ref.path, ref.member) for ref in discover(archive).found} == {
        (image.source.path, image.source.member) for image in report.images
    }


def test_series_in_a_zip_has_the_thumbnail_of_its_folder(tmp_path, phantom, write_series):
    write_series(tmp_path / "study" / "ct", phantom)
    archive = zip_folder(tmp_path / "study", tmp_path / "study.zip")
    (packed,), (loose,) = discover(archive).found, discover(tmp_path / "study").found
    assert np.array_equal(thumbnail(packed), thumbnail(loose))
    assert thumbnail(packed) is not None


def test_zip_of_one_series_is_that_image_and_says_where_a_bad_file_is(tmp_path, phantom, write_series):
    folder = write_series(tmp_path / "ct", phantom)
    archive = zip_folder(folder, tmp_path / "ct.zip")
    assert read_image(archive).data[MARKED_VOXEL] == MARKED_HU
    (folder / "broken.nii").write_bytes(b"x" * 9)
    (refusal,) = read([zip_folder(folder, tmp_path / "bad.zip")]).refusals
    assert refusal.path == tmp_path / "bad.zip" / "broken.nii"
    with pytest.raises(ReadError, match=r"bad\.zip: holds nothing called 'x'"):
        read_image(tmp_path / "bad.zip", "x")


def test_zip_inside_a_folder_is_named_and_not_opened(tmp_path, phantom):
    write_image(phantom, tmp_path / "a" / "a.nii")
    zip_folder(tmp_path / "a", tmp_path / "a" / "inner.zip")
    assert "zip archive inside a folder" in read([tmp_path / "a"]).refusals[0].reason


def test_entries_list_every_file_and_offer_numbered_pictures_as_a_volume(tmp_path):
    for number in (1, 2, 10):
        Image.fromarray(np.full((20, 28), number, np.uint8)).save(tmp_path / f"slice{number}.png")
    found = discover(tmp_path)
    assert len(found.found) == 3
    (offer,) = [entry for entry in found.entries if entry.kind == "stack"]
    volume = read_entry(offer.ref)
    assert volume.data[:, 0, 0].tolist() == [1, 2, 10]
    assert volume.geometry.unit.value == "px"
    assert "not known" in volume.warnings[0]
    assert np.array_equal(read_image(volume.source.path, volume.source.member).data, volume.data)


def test_list_tells_sizes_from_headers_and_keeps_what_is_damaged(tmp_path, phantom):
    write_image(phantom, tmp_path / "a.nii.gz")
    write_image(phantom, tmp_path / "b.nrrd")
    (tmp_path / "c.nii").write_bytes((tmp_path / "b.nrrd").read_bytes()[:8] + b"n+2\0" + b"\0" * 600)
    (tmp_path / "d.nrrd").write_bytes(b"NRRD0005\n")
    entries = {entry.ref.path.name: entry for entry in discover(tmp_path).entries}
    assert entries["a.nii.gz"].size == entries["b.nrrd"].size == (12, 20, 28)
    assert entries["a.nii.gz"].spacing_mm == pytest.approx(phantom.geometry.spacing, rel=1e-5)
    assert entries["d.nrrd"].size == ()


def test_search_tells_how_far_it_is_and_can_be_stopped(tmp_path, phantom):
    for number in range(100):
        (tmp_path / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    seen = []
    discover(tmp_path, lambda done, total: seen.append((done, total)))
    assert seen[0] == (100, 0)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        discover(tmp_path, stop)


def test_stack_of_pictures_of_two_sizes_names_the_one_that_differs(tmp_path):
    for number, rows in ((1, 20), (2, 20), (3, 21)):
        Image.fromarray(np.zeros((rows, 28), np.uint8)).save(tmp_path / f"slice{number}.png")
    with pytest.raises(ReadError, match=r"slice3\.png: is \(1, 21, 28\)"):
        read_image(tmp_path, "+stack")
    with pytest.raises(ReadError, match="no stack of slices"):
        read_image(tmp_path / "..", "+stack")


def test_thumbnail_shows_the_middle_slice_small(tmp_path):
    data = np.zeros((3, 300, 200), np.int16)
    data[1, :150] = 1000
    path = tmp_path / "a.nii.gz"
    write_image(MedImage(data, Geometry.from_spacing(data.shape), "a", window=(0, 1000)), path)
    small = thumbnail(FileRef(path))
    assert small.dtype == np.uint8
    assert small.shape == (100, 66)
    assert small[10, 5] > 200
    assert small[90, 5] == 0
    assert thumbnail(FileRef(tmp_path / "absent.nii")) is None
