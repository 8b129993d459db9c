import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, Scale
from napari_medclf.io.raster.picture import read_picture

GRAY = np.arange(20 * 28, dtype=np.uint16).reshape(20, 28)


def test_gray_picture_of_8_and_16_bits_keeps_every_bit(tmp_path):
    Image.fromarray((GRAY % 251).astype(np.uint8)).save(tmp_path / "a8.png")
    (tmp_path / "a16.png").write_bytes(imagecodecs.png_encode(GRAY * 100))
    eight, sixteen = read_picture(tmp_path / "a8.png"), read_picture(tmp_path / "a16.png")
    assert np.array_equal(eight.data[0], GRAY % 251)
    assert eight.data.dtype == np.uint8
    assert eight.window == (0.0, 255.0)
    assert np.array_equal(sixteen.data[0], GRAY * 100)
    assert sixteen.data.dtype == np.uint16
    assert eight.geometry.unit is Unit.PIXEL
    assert eight.name == "a8"


def test_colour_of_16_bits_is_not_cut_to_8(tmp_path):
    stored = np.stack([GRAY * 100, GRAY, GRAY + 7], axis=-1).astype(np.uint16)
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(stored))
    image = read_picture(tmp_path / "deep.png")
    assert image.channel_kind is ChannelKind.COLOUR
    assert np.array_equal(image.data[:, 0], np.moveaxis(stored, -1, 0))


def test_constant_alpha_goes_in_silence_and_a_varying_one_is_told(tmp_path):
    rgba = np.zeros((20, 28, 4), np.uint8)
    rgba[..., 1] = GRAY % 251
    rgba[..., 3] = 255
    Image.fromarray(rgba).save(tmp_path / "opaque.png")
    rgba[3, 4, 3] = 9
    Image.fromarray(rgba).save(tmp_path / "clear.png")
    opaque, clear = read_picture(tmp_path / "opaque.png"), read_picture(tmp_path / "clear.png")
    assert opaque.data.shape == (3, 1, 20, 28)
    assert opaque.warnings == ()
    assert "transparency" in clear.warnings[0]
    assert np.array_equal(opaque.data, clear.data)


def test_palette_shows_its_colours_and_bool_becomes_black_and_white(tmp_path):
    palette = Image.new("P", (28, 20))
    palette.putpalette([0, 0, 0, 10, 20, 30, 200, 100, 50])
    palette.putdata((GRAY % 3).ravel().tolist())
    palette.save(tmp_path / "palette.png")
    image = read_picture(tmp_path / "palette.png")
    assert image.data[:, 0, 0, 1].tolist() == [10, 20, 30]
    assert image.data[:, 0, 0, 2].tolist() == [200, 100, 50]
    Image.fromarray(GRAY % 2 == 1).save(tmp_path / "bool.png")
    mask = read_picture(tmp_path / "bool.png")
    assert mask.data[0, 0, :3].tolist() == [0, 255, 0]
    assert mask.scale is Scale.DISPLAY


def test_exif_turn_is_told_and_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray((GRAY % 251).astype(np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    image = read_picture(tmp_path / "turned.jpg")
    assert image.data.shape == (1, 20, 28)
    assert "EXIF" in image.warnings[0]


def test_real_retina_and_nuclei_come_as_colour(shared_data):
    retina = read_picture(shared_data / "retina_chase_db1" / "Image_01L.jpg")
    assert retina.data.shape == (3, 1, 960, 999)
    assert retina.data[0].mean() > retina.data[1].mean() > retina.data[2].mean()
    nuclei = read_picture(sorted((shared_data / "nuclei_dsb2018" / "images").glob("*.png"))[0])
    assert nuclei.n_channels == 3
    assert nuclei.warnings == ()


def test_truncated_picture_is_refused_by_name(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 280), dtype=np.uint8)).save(tmp_path / "a.png")
    path = tmp_path / "a.png"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ReadError, match=r"a\.png: cannot be decoded"):
        read_picture(path)
