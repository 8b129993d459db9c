from dataclasses import replace
from io import BytesIO
from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.derived import LabelSet
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io import frames, write
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_entry, read_image
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


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_labels_come_home_voxel_for_voxel_on_an_oblique_grid(tmp_path, phantom, suffix):
    segmentation = segmentation_of(phantom)
    write_segmentation(segmentation, tmp_path / f"a{suffix}")
    found = read_label_map(tmp_path / f"a{suffix}")
    assert np.array_equal(found.labels, segmentation.labels)
    assert found.labels.dtype == np.uint8
    assert found.geometry.same_grid(phantom.geometry)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".tif"])
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
    for suffix in (".png", ".tif", ".nii.gz", ".nrrd", ".mha"):
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
        for suffix in (".nii.gz", ".tif", ".nrrd", ".mha"):
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


PLACED = [".nii", ".nii.gz", ".nrrd", ".mha"]


def change_data(change):
    return lambda contents: replace(contents, data=change(contents.data))


def change_affine(change):
    def changed(contents):
        affine = contents.geometry.affine.copy()
        return replace(contents, geometry=Geometry(change(affine), contents.geometry.shape))

    return changed


def drop_slice(contents):
    shape = (contents.geometry.shape[0] - 1, *contents.geometry.shape[1:])
    return replace(contents, data=contents.data[:-1], geometry=Geometry(contents.geometry.affine, shape))


def spoil_slice_7(data):
    data = data.copy()
    data[7, 3, 4] += 1
    return data


def point_k_backwards(affine):
    affine[:3, 0] *= -1
    return affine


def stretch_j(affine):
    affine[:3, 1] *= 1.01
    return affine


def confuse_lps_and_ras(affine):
    return np.diag([-1, -1, 1, 1]) @ affine


def shift_by_half_a_voxel(affine):
    affine[:3, 3] += 0.5 * affine[:3, 2]
    return affine


MUTANTS = [
    (change_data(lambda data: np.flip(data, 0)), "axis k is flipped"),
    (change_data(lambda data: np.flip(data, 1)), "axis j is flipped"),
    (change_data(lambda data: np.flip(data, 2)), "axis i is flipped"),
    (change_data(spoil_slice_7), "slice 7 differs in 1 voxel"),
    (drop_slice, "holds 11 slices, and 12 were written"),
    (change_affine(point_k_backwards), "axis k points the other way"),
    (change_affine(stretch_j), "axis j has another direction or spacing"),
    (change_affine(confuse_lps_and_ras), "confused"),
    (change_affine(shift_by_half_a_voxel), "by 0.500 voxels along axis i"),
]


def mutated(target, mutate):
    return replace(target, encode=lambda contents, file: target.encode(mutate(contents), file))


@pytest.mark.parametrize("suffix", PLACED)
@pytest.mark.parametrize(("mutate", "reason"), MUTANTS)
def test_mutant_of_a_writer_is_caught_and_its_axis_or_slice_is_named(
    tmp_path, phantom, monkeypatch, suffix, mutate, reason
):
    path = tmp_path / f"a{suffix}"
    write_segmentation(segmentation_of(phantom), path)
    before = path.read_bytes()
    marked = phantom.data.copy()
    marked[::2, 5, ::3] = 7
    image = replace(phantom, data=marked)
    monkeypatch.setitem(write._FORMATS, suffix, mutated(write._FORMATS[suffix], mutate))
    with pytest.raises(WriteError, match=reason):
        write_image(image, path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("mutate", "reason"), [*MUTANTS[:5], (change_affine(stretch_j), "spacing along j")])
def test_mutant_of_the_tiff_writer_is_caught(tmp_path, phantom, monkeypatch, mutate, reason):
    monkeypatch.setitem(write._FORMATS, ".tif", mutated(write._FORMATS[".tif"], mutate))
    with pytest.raises(WriteError, match=reason):
        write_image(phantom, tmp_path / "a.tif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("axis", [1, 2])
def test_mutant_of_the_png_writer_is_caught(tmp_path, phantom, monkeypatch, axis):
    flip = mutated(write._FORMATS[".png"], change_data(lambda data: np.flip(data, axis)))
    monkeypatch.setitem(write._FORMATS, ".png", flip)
    with pytest.raises(WriteError, match=f"axis {'kji'[axis]} is flipped"):
        write_segmentation(segmentation_of(phantom, n_slices=1), tmp_path / "a.png")


@pytest.mark.parametrize("suffix", PLACED)
def test_confusion_of_frames_in_the_one_place_that_knows_both_is_caught(tmp_path, phantom, monkeypatch, suffix):
    monkeypatch.setattr(frames, "_FLIP_XY", np.eye(4))
    if suffix in (".nrrd", ".mha"):
        write_image(phantom, tmp_path / f"a{suffix}")  # these hold LPS and have no use for it
        return
    with pytest.raises(WriteError, match="confused"):
        write_image(phantom, tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [*PLACED, ".tif"])
def test_file_cut_short_never_takes_its_name(tmp_path, phantom, monkeypatch, suffix):
    target = write._FORMATS[suffix]

    def cut_short(contents, file):
        whole = BytesIO()
        target.encode(contents, whole)
        file.write(whole.getvalue()[:-500])

    monkeypatch.setitem(write._FORMATS, suffix, replace(target, encode=cut_short))
    with pytest.raises(WriteError, match="cannot be read back"):
        write_image(phantom, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


ORDERS = [(order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3)]


@pytest.mark.parametrize("suffix", PLACED)
def test_all_48_flips_and_permutations_lie_where_simpleitk_puts_them(tmp_path, phantom, suffix):
    sitk = pytest.importorskip("SimpleITK")
    coded = np.arange(phantom.data.size, dtype=np.int32).reshape(phantom.data.shape)
    for order, flips in ORDERS:
        data = np.transpose(coded, order)
        data = np.flip(data, [axis for axis in range(3) if flips[axis]])
        image = replace(phantom, data=data, geometry=phantom.geometry.permuted(order, flips))
        path = tmp_path / f"a{suffix}"
        write_image(image, path)
        ours, theirs = read_image(path), sitk.ReadImage(str(path))
        their_data = sitk.GetArrayViewFromImage(theirs)
        assert np.array_equal(ours.data, data)
        for code in (0, 27, 559, coded.size - 1, 3333):
            meant = phantom.geometry.to_world(np.argwhere(coded == code)[0])
            (index,) = np.argwhere(ours.data == code)
            (their_index,) = np.argwhere(their_data == code)
            there = theirs.TransformIndexToPhysicalPoint([int(n) for n in their_index[::-1]])
            assert np.abs(ours.geometry.to_world(index) - meant).max() <= 1e-3
            assert np.abs(np.array(there) - meant).max() <= 1e-3


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_class_names_colours_and_codes_come_home(tmp_path, phantom, suffix):
    liver = LabelClass(
        value=1, name='Liver & "bile"', colour="#AB3401",
        code=CodedConcept(value="10200004", scheme="SCT", meaning="Liver"),
    )  # fmt: skip
    schema = LabelSchema(classes=(liver, LabelClass(value=2, name="Milz (gr\u00f6\u00dfer)", colour="#00FF7F")))
    segmentation = replace(segmentation_of(phantom), schema=schema)
    write_segmentation(segmentation, tmp_path / f"a{suffix}")
    assert read_label_map(tmp_path / f"a{suffix}").schema == schema
    found = read_entry(FileRef(tmp_path / f"a{suffix}"))
    assert isinstance(found, LabelSet)
    assert found.segmentations[0].schema == schema
    assert np.array_equal(found.segmentations[0].labels, segmentation.labels)
    assert np.array_equal(read_image(tmp_path / f"a{suffix}").data, segmentation.labels)


def test_long_axes_and_wide_numbers_go_to_nifti(tmp_path):
    data = np.arange(40000, dtype=np.int64).reshape(1, 1, 40000) + 2**40
    image = MedImage(data, Geometry.from_spacing(data.shape, (1.0, 2.0, 0.5)), "a")
    write_image(image, tmp_path / "a.nii")
    assert nib.load(tmp_path / "a.nii").header["sizeof_hdr"] == 540
    assert np.array_equal(read_image(tmp_path / "a.nii").data, data)


def test_times_are_kept_by_nifti(tmp_path, phantom):
    data = np.stack([phantom.data, phantom.data + 1, phantom.data + 2])
    film = replace(phantom, data=data, channel_kind=ChannelKind.TIME, channel_values=(5.0, 7.5, 10.0), channel_unit="s")
    write_image(film, tmp_path / "a.nii.gz")
    found = read_image(tmp_path / "a.nii.gz")
    assert (found.channel_values, found.channel_unit) == ((5.0, 7.5, 10.0), "s")


def test_full_disk_leaves_the_old_file_and_one_sentence(tmp_path, phantom, monkeypatch):
    path = tmp_path / "a.nii"
    write_image(phantom, path)
    before = path.read_bytes()

    def run_full(contents, file):
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


def test_half_turns_and_leanings_that_a_qform_cannot_hold_are_still_written(tmp_path, phantom):
    shape = (200, 256, 256)
    data = np.zeros(shape, np.uint8)
    data[3, 4, 5] = 1
    coronal = np.array([[0, 0, 1.2, -150], [1.5, 0, 0, -160], [0, -1.2, 0, 170], [0, 0, 0, 1.0]])
    angle = np.radians(179.95)
    turned = np.diag([1.0, 1, 1, 1])
    turned[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    leaning = coronal.copy()
    leaning[:3, 0] += 0.0008 * leaning[:3, 1]
    for affine in (coronal, turned @ coronal, leaning):
        image = replace(phantom, data=data, geometry=Geometry(affine, shape))
        write_image(image, tmp_path / "a.nii")
        assert read_image(tmp_path / "a.nii").geometry.same_grid(image.geometry)
        header = nib.load(tmp_path / "a.nii").header
        if header["qform_code"]:
            x, y, z = affine @ [199, 255, 255, 1.0] @ np.eye(4)[:, :3]
            assert np.allclose(header.get_qform() @ [255, 255, 199, 1], [-x, -y, z, 1], atol=1e-3)
    assert header["qform_code"] == 0
