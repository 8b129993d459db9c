import nibabel as nib
import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.read import read, read_image
from napari_medclf.io.volume.analyze import read_analyze


def save(path, *shape, dtype=np.int16, kind=nib.Spm99AnalyzeImage, steps=(0.5, 0.75, 3.5)):
    stored = np.arange(np.prod(shape)).reshape(shape, order="F").astype(dtype)
    image = kind(stored, None)
    image.header.set_data_dtype(dtype)
    image.header.set_zooms((*steps, 1.0)[: len(shape)])
    nib.save(image, path)
    path.with_suffix(".mat").unlink(missing_ok=True)
    return stored


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_samples_and_places_are_nibabels_and_the_sides_are_doubted(tmp_path, dtype):
    stored = save(tmp_path / "a.img", 5, 4, 3, dtype=dtype)
    image = read_analyze(tmp_path / "a.hdr")
    affine = nib.load(tmp_path / "a.img").affine
    assert np.array_equal(image.data, stored.T)
    assert image.data.dtype == dtype
    for index in ((0, 0, 0), (2, 3, 4), (1, 0, 3)):
        x, y, z = image.geometry.to_world(np.array(index))
        assert np.allclose([-x, -y, z], nib.affines.apply_affine(affine, index[::-1]))
    assert "left from right" in image.warnings[0]


def test_origin_of_spm_is_kept(tmp_path):
    save(tmp_path / "a.img", 5, 4, 3)
    raw = bytearray((tmp_path / "a.hdr").read_bytes())
    raw[253:259] = np.array([2, 3, 1], "<i2").tobytes()
    (tmp_path / "a.hdr").write_bytes(raw)
    image = read_analyze(tmp_path / "a.hdr")
    assert np.allclose(image.geometry.to_world(np.array([0, 2, 1])), 0)
    assert np.allclose(nib.load(tmp_path / "a.img").affine @ [1, 2, 0, 1], [0, 0, 0, 1])


def test_fourth_axis_is_time(tmp_path):
    stored = save(tmp_path / "a.img", 5, 4, 3, 2)
    image = read_analyze(tmp_path / "a.hdr")
    assert image.channel_kind is ChannelKind.TIME
    assert np.array_equal(image.data, stored.T)


def test_pair_is_one_image_in_a_folder_and_by_either_name(tmp_path):
    save(tmp_path / "a.img", 5, 4, 3)
    report = read([tmp_path])
    assert report.refusals == ()
    assert len(report.images) == 1
    assert len(read([tmp_path / "a.img"]).images) == 1
    assert read_image(tmp_path).source.path.name == "a.hdr"


def test_missing_short_and_damaged_pairs_are_one_sentence(tmp_path):
    save(tmp_path / "a.img", 5, 4, 3)
    whole = (tmp_path / "a.img").read_bytes()
    (tmp_path / "a.img").write_bytes(whole[:-1])
    with pytest.raises(ReadError, match=r"a\.img: is truncated"):
        read_analyze(tmp_path / "a.hdr")
    (tmp_path / "a.img").unlink()
    with pytest.raises(ReadError, match=r"has no a\.img beside it"):
        read_analyze(tmp_path / "a.hdr")
    raw = bytearray((tmp_path / "a.hdr").read_bytes())
    raw[70:72] = b"\x20\0"
    (tmp_path / "a.hdr").write_bytes(raw)
    with pytest.raises(ReadError, match="type 32"):
        read_analyze(tmp_path / "a.hdr")


def edit(path, offset, raw):
    content = bytearray(path.read_bytes())
    content[offset : offset + len(raw)] = raw
    path.write_bytes(content)


def test_a_mat_file_and_another_plane_are_told(tmp_path):
    save(tmp_path / "a.img", 5, 4, 3)
    edit(tmp_path / "a.hdr", 252, b"\1")
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    told = " ".join(read_analyze(tmp_path / "a.hdr").warnings)
    assert "coronal" in told
    assert ".mat" in told


def test_centimetres_become_millimetres(tmp_path):
    save(tmp_path / "a.img", 5, 4, 3)
    edit(tmp_path / "a.hdr", 56, b"cm\0\0")
    assert read_analyze(tmp_path / "a.hdr").geometry.spacing == pytest.approx((35, 7.5, 5))


@pytest.mark.parametrize("offset", [-100.0, np.nan])
def test_samples_that_begin_nowhere_are_refused(tmp_path, offset):
    save(tmp_path / "a.img", 5, 4, 3)
    edit(tmp_path / "a.hdr", 108, np.float32(offset).tobytes())
    with pytest.raises(ReadError, match="samples begin at byte"):
        read_analyze(tmp_path / "a.hdr")
