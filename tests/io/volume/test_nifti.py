import gzip

import nibabel as nib
import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.read import read_image
from napari_medclf.io.volume.nifti import read_nifti

RAS = np.array([[0.5, 0, 0.1, -20], [0, 0.75, 0, 30], [0.02, 0, 3.5, 7], [0, 0, 0, 1.0]])


def save(path, data, affine=RAS, edit=None):
    image = nib.Nifti1Image(data, affine)
    if edit is not None:
        edit(image)
    nib.save(image, path)
    return path


def ramp(*shape, dtype=np.int16):
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_voxel_lies_where_nibabel_puts_it(tmp_path, suffix):
    stored = ramp(28, 20, 12)
    image = read_nifti(save(tmp_path / f"a{suffix}", stored))
    assert image.data.shape == (12, 20, 28)
    assert image.data.dtype == np.int16
    x, y, z = image.geometry.to_world(np.array([3, 14, 6]))
    assert np.allclose([-x, -y, z], nib.affines.apply_affine(RAS, [6, 14, 3]), atol=1e-4)
    assert image.data[3, 14, 6] == stored[6, 14, 3]
    assert image.warnings == ()


def test_real_affines_and_samples_equal_nibabels(shared_data):
    for path in sorted((shared_data / "hippocampus_msd" / "images").iterdir())[:12]:
        ours, theirs = read_nifti(path), nib.load(path)
        k, j, i = (n - 1 for n in ours.geometry.shape)
        x, y, z = ours.geometry.to_world(np.array([k, j, i]))
        assert np.allclose([-x, -y, z], nib.affines.apply_affine(theirs.affine, [i, j, k]), atol=1e-3)
        assert np.array_equal(ours.data.T, np.asarray(theirs.dataobj))
        assert ours.geometry.axis_codes == "SAR"


def test_geometry_equals_simpleitks(shared_data):
    sitk = pytest.importorskip("SimpleITK")
    path = shared_data / "ct_mr_totalsegmentator" / "example_mr_sm.nii.gz"
    ours, theirs = read_nifti(path), sitk.ReadImage(str(path))
    for index in ((0, 0, 0), (5, 7, 11), (19, 90, 116)):
        there = theirs.TransformIndexToPhysicalPoint(tuple(reversed(index)))
        assert np.allclose(ours.geometry.to_world(np.array(index)), there, atol=1e-3)
    assert np.array_equal(ours.data, sitk.GetArrayViewFromImage(theirs))


def test_scaled_samples_are_rescaled_and_unscaled_ones_keep_their_dtype(tmp_path):
    stored = ramp(5, 4, 3)
    path = save(tmp_path / "a.nii", stored)
    assert read_nifti(path).data.dtype == np.int16
    image = read_nifti(edit_header(path, 112, np.array([0.5, -10], "<f4").tobytes()))
    assert image.data.dtype == np.float32
    assert image.data[0, 0, 1] == stored[1, 0, 0] * 0.5 - 10


def test_fourth_dimension_is_time_and_fifth_is_channels(tmp_path):
    stored = ramp(5, 4, 3, 2)
    film = read_nifti(save(tmp_path / "film.nii", stored))
    assert film.channel_kind is ChannelKind.TIME
    assert film.data[1, 2, 3, 4] == stored[4, 3, 2, 1]
    vector = read_nifti(save(tmp_path / "vector.nii", stored[:, :, :, None, :]))
    assert vector.channel_kind is ChannelKind.CHANNEL
    assert np.array_equal(vector.data, film.data)
    assert read_nifti(save(tmp_path / "flat.nii", ramp(5, 4))).geometry.shape == (1, 4, 5)


def test_rgb_samples_become_colour(tmp_path):
    stored = np.zeros((5, 4, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    stored["G"][4, 3, 2] = 77
    image = read_nifti(save(tmp_path / "rgb.nii", stored))
    assert image.channel_kind is ChannelKind.COLOUR
    assert image.data.shape == (3, 3, 4, 5)
    assert image.data[1, 2, 3, 4] == 77


def test_qform_that_disagrees_is_told_in_mm(tmp_path):
    def shift_qform(image):
        image.set_sform(np.diag([1, 1, 2, 1.0]), code=1)
        image.set_qform(np.diag([1, 1, 2, 1.0]) + np.outer([4, 0, 0, 0], [0, 0, 0, 1.0]), code=1)

    image = read_nifti(save(tmp_path / "a.nii", ramp(5, 4, 3), np.diag([1, 1, 2, 1.0]), shift_qform))
    assert any("4.0 mm apart" in text for text in image.warnings)
    assert image.geometry.affine[0, 3] == 0


def test_file_without_orientation_says_that_sides_are_a_guess(tmp_path):
    def forget(image):
        image.set_sform(None, code=0)
        image.set_qform(None, code=0)

    image = read_nifti(save(tmp_path / "a.nii", ramp(5, 4, 3), edit=forget))
    assert any("left and right" in text for text in image.warnings)


def test_metres_and_microns_become_millimetres(tmp_path):
    for unit, factor in (("meter", 1000.0), ("micron", 0.001)):
        path = save(
            tmp_path / f"{unit}.nii",
            ramp(5, 4, 3),
            np.diag([2, 2, 2, 1.0]),
            lambda one, u=unit: one.header.set_xyzt_units(u),
        )
        image = read_nifti(path)
        assert image.geometry.spacing == pytest.approx((2 * factor,) * 3)
        assert any(unit in text for text in image.warnings)
        assert image.geometry.unit is Unit.MILLIMETRE


def test_big_endian_file_comes_in_native_order(tmp_path):
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    nib.save(nib.Nifti1Image(ramp(5, 4, 3).astype(">i2"), RAS, header), tmp_path / "big.nii")
    image = read_nifti(tmp_path / "big.nii")
    assert image.data.dtype.isnative
    assert image.data[2, 3, 4] == 59


def test_nan_samples_are_told(tmp_path):
    stored = ramp(5, 4, 3, dtype=np.float32)
    stored[0, 0, 0] = np.nan
    image = read_nifti(save(tmp_path / "a.nii", stored))
    assert any("not finite" in text for text in image.warnings)
    assert np.isfinite(image.window).all()


def edit_header(path, offset, raw):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(raw)
    return path


def zero_sform(path):
    return edit_header(path, 280, b"\0" * 48)


def nan_sform(path):
    return edit_header(path, 280, np.full(12, np.nan, "<f4").tobytes())


def cut(path):
    path.write_bytes(path.read_bytes()[:400])
    return path


def huge_dimensions(path):
    return edit_header(path, 40, np.array([3, 32767, 32767, 32767], "<i2").tobytes())


def negative_dimension(path):
    return edit_header(path, 42, np.array([-5], "<i2").tobytes())


def unknown_dtype(path):
    return edit_header(path, 70, np.array([999], "<i2").tobytes())


@pytest.mark.parametrize("spoil", [zero_sform, nan_sform, cut, huge_dimensions, negative_dimension, unknown_dtype])
def test_damaged_file_is_refused_in_one_line_that_names_it(tmp_path, spoil):
    path = spoil(save(tmp_path / "bad.nii", ramp(5, 4, 3)))
    with pytest.raises(ReadError) as caught:
        read_nifti(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_truncated_gzip_and_complex_samples_are_refused(tmp_path):
    path = save(tmp_path / "a.nii.gz", np.random.default_rng(1).integers(0, 999, (30, 20, 12)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ReadError, match=r"a\.nii\.gz"):
        read_nifti(path)
    with pytest.raises(ReadError, match="complex"):
        read_nifti(save(tmp_path / "c.nii", ramp(5, 4, 3).astype(np.complex64)))


def test_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = save(tmp_path / "a.nii", ramp(5, 4, 3))
    huge_dimensions(path)
    packed = tmp_path / "bomb.nii.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ReadError, match="truncated"):
        read_nifti(packed)


def test_qform_alone_places_the_image_and_a_turned_one_is_told_in_degrees(tmp_path):
    turn = np.array([[0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1.0]])

    def only_qform(image):
        image.set_qform(turn, code=1)
        image.set_sform(None, code=0)

    image = read_nifti(save(tmp_path / "a.nii", ramp(5, 4, 3), np.eye(4), only_qform))
    x, y, z = image.geometry.to_world(np.array([2, 1, 3]))
    assert np.allclose([-x, -y, z], nib.affines.apply_affine(turn, [3, 1, 2]), atol=1e-5)
    assert image.warnings == ()

    def both(image):
        image.set_qform(turn, code=1)
        image.set_sform(np.diag([1, 1, 2, 1.0]), code=2)

    image = read_nifti(save(tmp_path / "b.nii", ramp(5, 4, 3), np.eye(4), both))
    assert any("90.0 degrees" in text and "sform is used" in text for text in image.warnings)


@pytest.mark.parametrize(("unit", "factor", "name"), [("sec", 1, "s"), ("msec", 1, "ms"), ("usec", 1e-3, "ms")])
def test_times_come_with_their_unit(tmp_path, unit, factor, name):
    def set_time(image):
        image.header.set_xyzt_units("mm", unit)
        image.header.set_zooms((1, 1, 1, 2.5))
        image.header["toffset"] = 5

    image = read_nifti(save(tmp_path / "a.nii", ramp(5, 4, 3, 2), edit=set_time))
    assert image.channel_values == pytest.approx((5 * factor, 7.5 * factor))
    assert image.channel_unit == name


def test_axis_that_counts_in_hertz_is_no_time(tmp_path):
    path = save(tmp_path / "a.nii", ramp(5, 4, 3, 2), edit=lambda image: image.header.set_xyzt_units("mm", "hz"))
    image = read_nifti(path)
    assert image.channel_kind is ChannelKind.CHANNEL
    assert "Hz" in image.warnings[0]


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
@pytest.mark.parametrize("suffix", [".img", ".img.gz"])
def test_pair_of_header_and_samples_is_one_image(tmp_path, kind, suffix):
    stored = ramp(5, 4, 3)
    nib.save(kind(stored, RAS), tmp_path / f"a{suffix}")
    header = tmp_path / "a.hdr"
    if suffix == ".img.gz":
        header.write_bytes(gzip.decompress((tmp_path / "a.hdr.gz").read_bytes()))
        (tmp_path / "a.hdr.gz").unlink()
    image = read_image(tmp_path)
    assert image.source.path == header
    assert np.array_equal(image.data, stored.T)
    assert image.warnings == ()


@pytest.mark.parametrize("dtype", [np.int8, np.uint32, np.int64, np.uint64, np.float64])
def test_wide_and_rare_types_keep_their_numbers(tmp_path, dtype):
    stored = ramp(5, 4, 3).astype(dtype) + dtype(np.iinfo(dtype).max - 100 if np.issubdtype(dtype, np.integer) else 0.1)
    nib.save(nib.Nifti1Image(stored, RAS, dtype=dtype), tmp_path / "a.nii.gz")
    image = read_nifti(tmp_path / "a.nii.gz")
    assert image.data.dtype == dtype
    assert np.array_equal(image.data, stored.T)


def test_scaling_that_is_no_number_is_left_out_and_told_or_refused(tmp_path):
    path = save(tmp_path / "a.nii", ramp(5, 4, 3))
    image = read_nifti(edit_header(path, 112, np.array([np.inf, 0], "<f4").tobytes()))
    assert "kept as stored" in image.warnings[0]
    assert image.data.dtype == np.int16
    assert read_nifti(edit_header(path, 112, np.array([0, 7], "<f4").tobytes())).data[2, 3, 4] == 59
    with pytest.raises(ReadError, match="scl_inter"):
        read_nifti(edit_header(path, 112, np.array([2, np.nan], "<f4").tobytes()))


@pytest.mark.parametrize(
    ("offset", "raw", "reason"),
    [
        (108, np.array([100], "<f4").tobytes(), "inside the header"),
        (108, np.array([np.nan], "<f4").tobytes(), "inside the header"),
        (108, np.array([1e9], "<f4").tobytes(), "truncated"),
        (72, np.array([8], "<i2").tobytes(), "8 bits"),
        (280, np.full(12, 1e30, "<f4").tobytes(), "1e"),
    ],
)
def test_header_that_lies_is_refused(tmp_path, offset, raw, reason):
    with pytest.raises(ReadError, match=reason):
        read_nifti(edit_header(save(tmp_path / "a.nii", ramp(5, 4, 3)), offset, raw))


def test_samples_said_to_begin_at_zero_follow_the_header(tmp_path):
    image = read_nifti(edit_header(save(tmp_path / "a.nii", ramp(5, 4, 3)), 108, np.zeros(1, "<f4").tobytes()))
    assert image.data[2, 3, 4] == 59
    assert "where the samples begin" in image.warnings[0]


def test_packed_samples_are_checked_to_their_end(tmp_path):
    path = save(tmp_path / "a.nii", ramp(5, 4, 3))
    raw = path.read_bytes()
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(gzip.compress(raw[:200]) + gzip.compress(raw[200:]))
    assert read_nifti(packed).data[2, 3, 4] == 59
    packed.write_bytes(gzip.compress(raw + b"more"))
    assert "4 bytes behind its samples" in read_nifti(packed).warnings[0]
    whole = bytearray(gzip.compress(raw))
    whole[-6] ^= 1
    packed.write_bytes(whole)
    with pytest.raises(ReadError, match="damaged"):
        read_nifti(packed)


def with_qform_only(path, data):
    affine = np.array([[0, -3.0, 0, 1], [2, 0, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(data, affine), path)
    header = nib.load(path).header.copy()
    header.set_qform(affine, 1)
    header.set_sform(None, 0)
    content = bytearray(path.read_bytes())
    content[:348] = header.binaryblock
    path.write_bytes(content)
    return affine


def test_qfac_of_zero_is_taken_for_one(tmp_path):
    affine = with_qform_only(tmp_path / "a.nii", ramp(5, 4, 3))
    edit_header(tmp_path / "a.nii", 76, np.float32(0).tobytes())
    x, y, z = read_nifti(tmp_path / "a.nii").geometry.to_world(np.array([2, 3, 4]))
    assert np.allclose([-x, -y, z], nib.affines.apply_affine(affine, [4, 3, 2]))


def test_flat_image_without_a_thickness_keeps_its_qform(tmp_path):
    with_qform_only(tmp_path / "a.nii", ramp(5, 12, 1))
    edit_header(tmp_path / "a.nii", 40, np.array([2, 5, 12, 1, 1, 1, 1, 1], "<i2").tobytes())
    edit_header(tmp_path / "a.nii", 88, np.float32(0).tobytes())
    assert read_nifti(tmp_path / "a.nii").geometry.spacing == pytest.approx((1, 3, 2))


def test_sform_with_a_negative_code_is_not_followed(tmp_path):
    affine = with_qform_only(tmp_path / "a.nii", ramp(5, 4, 3))
    edit_header(tmp_path / "a.nii", 254, np.int16(-1).tobytes())
    x, y, z = read_nifti(tmp_path / "a.nii").geometry.to_world(np.array([2, 3, 4]))
    assert np.allclose([-x, -y, z], nib.affines.apply_affine(affine, [4, 3, 2]))
