import struct
import zlib

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
    with pytest.raises(ReadError, match=r"a\.png: is truncated"):
        read_picture(path)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_of_gray_are_spread_over_the_range_as_viewers_do(tmp_path, bits):
    levels = 2**bits
    stored = (np.arange(20 * 28).reshape(20, 28) % levels).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(png_of_few_bits(stored, bits))
    image = read_picture(tmp_path / "a.png")
    assert np.array_equal(image.data[0], stored * (255 // (levels - 1)))


def png_of_few_bits(stored, bits):
    rows = b""
    for row in stored:
        per_byte = 8 // bits
        padded = np.pad(row, (0, -len(row) % per_byte)).reshape(-1, per_byte)
        weights = 2 ** (bits * np.arange(per_byte)[::-1])
        rows += b"\0" + (padded * weights).sum(axis=1).astype(np.uint8).tobytes()
    parts = [
        (b"IHDR", struct.pack(">2I5B", stored.shape[1], stored.shape[0], bits, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    chunks = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp_of_every_depth_gives_the_samples_that_went_in(tmp_path, mode):
    stored = (GRAY % 2 * 255).astype(np.uint8)
    Image.fromarray(stored).convert(mode).save(tmp_path / "a.bmp")
    image = read_picture(tmp_path / "a.bmp")
    assert np.array_equal(image.data.reshape(-1, 20, 28)[0], stored)
    assert image.warnings == ()


def test_gif_of_one_frame_is_a_picture_and_of_several_a_film(tmp_path):
    frames = [Image.fromarray(((GRAY + n) % 3 * 100).astype(np.uint8)) for n in range(3)]
    frames[0].save(tmp_path / "one.gif")
    assert read_picture(tmp_path / "one.gif").data.shape[-3:] == (1, 20, 28)
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:], duration=[40, 60, 80])
    film = read_picture(tmp_path / "film.gif")
    assert film.channel_kind is ChannelKind.TIME
    assert film.data.shape == (3, 1, 20, 28)
    assert np.array_equal(film.data[1, 0], (GRAY + 1) % 3 * 100)
    assert (film.channel_values, film.channel_unit) == ((0.0, 40.0, 100.0), "ms")
    coloured = [frame.convert("RGB") for frame in frames]
    coloured[1].putpixel((3, 4), (255, 0, 0))
    coloured[0].save(tmp_path / "colour.gif", save_all=True, append_images=coloured[1:], duration=40)
    film = read_picture(tmp_path / "colour.gif")
    assert film.channel_kind is ChannelKind.COLOUR_TIME
    assert film.data[1, :, 0, 4, 3].tolist() == [255, 0, 0]


def test_jpeg_in_cmyk_says_that_its_colours_were_converted(tmp_path):
    stored = np.zeros((20, 28, 4), np.uint8)
    stored[..., 1] = 255
    Image.fromarray(stored, "CMYK").save(tmp_path / "a.jpg", quality=95)
    image = read_picture(tmp_path / "a.jpg")
    red, green, blue = image.data[:, 0, 9, 9]
    assert "CMYK" in image.warnings[0]
    assert red > 200 > 60 > green
    assert blue > 200


@pytest.mark.parametrize("bits", [12, 16])
def test_deep_jpeg_keeps_its_bits(tmp_path, bits):
    stored = (GRAY * (7 if bits == 12 else 100)).astype(np.uint16)
    (tmp_path / "a.jpg").write_bytes(imagecodecs.ljpeg_encode(stored, bitspersample=bits))
    image = read_picture(tmp_path / "a.jpg")
    assert image.data.dtype == np.uint16
    assert np.array_equal(image.data[0], stored)


def test_rows_and_blocks_that_are_not_there_are_missed(tmp_path):
    whole = png_of_few_bits(np.zeros((20, 28), np.uint8), 1)
    head = struct.pack(">2I5B", 28, 21, 1, 0, 0, 0, 0)
    taller = whole[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + whole[33:]
    (tmp_path / "a.png").write_bytes(taller)
    with pytest.raises(ReadError, match="truncated: it holds 100 of 105 bytes"):
        read_picture(tmp_path / "a.png")
    Image.fromarray(np.zeros((800, 800), np.uint8)).save(tmp_path / "a.jpg")
    raw = bytearray((tmp_path / "a.jpg").read_bytes())
    scan = raw.index(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(raw[: scan + 30] + b"\xff\xd9")
    with pytest.raises(ReadError, match="cannot hold 10000 blocks"):
        read_picture(tmp_path / "a.jpg")
