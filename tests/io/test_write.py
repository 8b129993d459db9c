from dataclasses import replace
from io import BytesIO

import nibabel as nib
import numpy as np
import pytest

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io import write
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.testing.phantoms import MARKED_VOXEL

SCHEMA = LabelSchema.from_names(["liver", "spleen"], first_value=1)


def segmentation_of(image: MedImage, n_slices: int | None = None) -> Segmentation:
    labels = np.zeros(image.geometry.shape, np.int64)
    labels[MARKED_VOXEL] = 2
    labels[4, 3, 2:9] = 1
    segmentation = Segmentation(labels, image.geometry, SCHEMA)
    if n_slices is None:
        return segmentation
    flat = Geometry.flat(*image.geometry.shape[1:])
    return Segmentation(labels[4:5], flat, SCHEMA)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_labels_come_home_voxel_for_voxel_on_an_oblique_grid(tmp_path, phantom, suffix):
    segmentation = segmentation_of(phantom)
    write_segmentation(segmentation, tmp_path / f"a{suffix}")
    found = read_label_map(tmp_path / f"a{suffix}")
    assert np.array_equal(found.labels, segmentation.labels)
    assert found.labels.dtype == np.uint8
    assert found.geometry.same_grid(phantom.geometry)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".tif"])
def test_image_comes_home_with_its_samples(tmp_path, phantom, suffix):
    for dtype in (np.int16, np.uint16, np.float32):
        image = replace(phantom, data=phantom.data.astype(dtype))
        write_image(image, tmp_path / f"a{suffix}")
        found = read_image(tmp_path / f"a{suffix}")
        assert found.data.dtype == dtype
        assert np.array_equal(found.data, image.data)
        assert found.geometry.spacing == pytest.approx(phantom.geometry.spacing, rel=1e-5)


def test_flat_labels_go_to_png_and_tiff(tmp_path, phantom):
    flat = segmentation_of(phantom, n_slices=1)
    for suffix in (".png", ".tif", ".nii.gz", ".nrrd"):
        write_segmentation(flat, tmp_path / f"a{suffix}")
        found = read_label_map(tmp_path / f"a{suffix}")
        assert np.array_equal(found.labels, flat.labels)
        assert found.geometry.same_grid(flat.geometry)


def test_many_instances_go_to_png_with_16_bits(tmp_path):
    labels = np.arange(20 * 28).reshape(1, 20, 28)
    nuclei = Segmentation(labels, Geometry.flat(20, 28), LabelSchema.from_names(["nucleus"], first_value=1), True)
    write_segmentation(nuclei, tmp_path / "a.png")
    assert np.array_equal(read_label_map(tmp_path / "a.png").labels, labels)


def test_colour_time_and_channels_come_home(tmp_path, phantom):
    data = np.arange(3 * 12 * 20 * 28, dtype=np.int64).reshape(3, 12, 20, 28) % 251
    for kind in (ChannelKind.COLOUR, ChannelKind.TIME, ChannelKind.CHANNEL):
        image = replace(phantom, data=data.astype(np.uint8), channel_kind=kind)
        for suffix in (".nii.gz", ".tif", ".nrrd"):
            write_image(image, tmp_path / f"a{suffix}")
            assert np.array_equal(read_image(tmp_path / f"a{suffix}").data, data)
        if kind is not ChannelKind.COLOUR:
            assert read_image(tmp_path / "a.nii.gz").channel_kind is kind


def test_other_programs_find_the_voxel_at_the_same_place(tmp_path, phantom):
    write_image(phantom, tmp_path / "a.nii.gz")
    there = nib.load(tmp_path / "a.nii.gz")
    x, y, z = phantom.geometry.to_world(np.array(MARKED_VOXEL))
    for affine in (there.get_sform(), there.get_qform()):
        assert np.allclose(nib.affines.apply_affine(affine, MARKED_VOXEL[::-1]), [-x, -y, z], atol=1e-3)
    sitk = pytest.importorskip("SimpleITK")
    for name in ("a.nii.gz", "a.nrrd"):
        write_image(phantom, tmp_path / name)
        image = sitk.ReadImage(str(tmp_path / name))
        assert np.allclose(image.TransformIndexToPhysicalPoint(MARKED_VOXEL[::-1]), [x, y, z], atol=1e-3)
        assert image[MARKED_VOXEL[::-1]] == 2000


def test_sheared_grid_is_kept_in_the_sform_and_the_qform_stays_out(tmp_path, phantom):
    affine = phantom.geometry.affine.copy()
    affine[:3, 0] += 0.3 * affine[:3, 1]
    tilted = replace(phantom, geometry=Geometry(affine, phantom.geometry.shape))
    assert tilted.geometry.is_sheared
    write_image(tilted, tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").geometry.same_grid(tilted.geometry)
    assert nib.load(tmp_path / "a.nii").header["qform_code"] == 0


def test_same_labels_give_the_same_bytes(tmp_path, phantom):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_segmentation(segmentation_of(phantom), tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_file_holds_no_name_of_the_temporary_or_the_patient(tmp_path, phantom):
    write_image(replace(phantom, name="SECRET^JANE"), tmp_path / "a.nii")
    raw = (tmp_path / "a.nii").read_bytes()
    assert b"SECRET" not in raw
    assert b"tmp-" not in raw


@pytest.mark.parametrize(
    ("name", "reason"), [("a.png", "one slice"), ("a.jpg", "cannot be written"), ("a", "without a suffix")]
)
def test_format_that_cannot_hold_it_is_refused_and_nothing_is_left(tmp_path, phantom, name, reason):
    with pytest.raises(WriteError, match=reason):
        write_image(phantom, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_png_refuses_hounsfield_units(tmp_path, phantom):
    flat = replace(phantom, data=phantom.data[:1], geometry=Geometry.flat(20, 28))
    with pytest.raises(WriteError, match="8 or 16 bits"):
        write_image(flat, tmp_path / "a.png")


def spoil_samples(encode):
    def encode_badly(data, kind, geometry, file):
        encode(np.flip(data, axis=-1), kind, geometry, file)

    return encode_badly


def spoil_grid(encode):
    def encode_badly(data, kind, geometry, file):
        encode(data, kind, geometry.permuted((0, 1, 2), (True, False, False)), file)

    return encode_badly


def cut_short(encode):
    def encode_badly(data, kind, geometry, file):
        whole = BytesIO()
        encode(data, kind, geometry, whole)
        file.write(whole.getvalue()[:-500])

    return encode_badly


@pytest.mark.parametrize(
    ("spoil", "reason"), [(spoil_samples, "other samples"), (spoil_grid, "another grid"), (cut_short, "read back")]
)
def test_file_that_differs_when_read_back_never_takes_its_name(tmp_path, phantom, monkeypatch, spoil, reason):
    path = tmp_path / "a.nii"
    write_segmentation(segmentation_of(phantom), path)
    before = path.read_bytes()
    target = write._FORMATS[".nii"]
    monkeypatch.setitem(write._FORMATS, ".nii", replace(target, encode=spoil(target.encode)))
    with pytest.raises(WriteError, match=reason):
        write_segmentation(segmentation_of(phantom), path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.nii"]


def test_full_disk_leaves_the_old_file_and_one_sentence(tmp_path, phantom, monkeypatch):
    path = tmp_path / "a.nii"
    write_image(phantom, path)
    before = path.read_bytes()

    def run_full(data, kind, geometry, file):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setitem(write._FORMATS, ".nii", replace(write._FORMATS[".nii"], encode=run_full))
    with pytest.raises(WriteError, match=r"could not be written \(no space left\)"):
        write_image(phantom, path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_that_is_a_file_is_one_sentence(tmp_path, phantom):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="could not be written"):
        write_image(phantom, tmp_path / "file" / "a.nii")
