import struct

import numpy as np
import pytest
import tifffile

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.raster.tiff import read_tiff

PAGES = np.arange(3 * 20 * 28, dtype=np.uint16).reshape(3, 20, 28)


def test_pages_become_slices_in_pixels(tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", PAGES, photometric="minisblack")
    image = read_tiff(tmp_path / "stack.tif")
    assert np.array_equal(image.data, PAGES)
    assert image.channel_kind is ChannelKind.NONE
    assert image.geometry.unit is Unit.PIXEL


def test_resolution_tags_alone_are_not_believed(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PAGES[0], resolution=(72, 72), resolutionunit="INCH")
    assert read_tiff(tmp_path / "a.tif").geometry.unit is Unit.PIXEL


def test_ome_and_imagej_scales_become_millimetres(tmp_path):
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.75, "PhysicalSizeZ": 3.5}
    units = {f"PhysicalSize{axis}Unit": "µm" for axis in "XYZ"}
    tifffile.imwrite(tmp_path / "ome.tif", PAGES, ome=True, metadata=metadata | units)
    assert read_tiff(tmp_path / "ome.tif").geometry.spacing == pytest.approx((0.0035, 0.00075, 0.0005))
    tifffile.imwrite(
        tmp_path / "ij.tif",
        PAGES,
        imagej=True,
        resolution=(2.0, 4.0),
        metadata={"axes": "ZYX", "unit": "mm", "spacing": 3.5},
    )
    assert read_tiff(tmp_path / "ij.tif").geometry.spacing == pytest.approx((3.5, 0.25, 0.5))


def test_axes_of_the_file_decide_between_time_channel_and_colour(tmp_path):
    for axes, kind in (("TYX", ChannelKind.TIME), ("CYX", ChannelKind.CHANNEL)):
        tifffile.imwrite(tmp_path / "a.tif", PAGES, ome=True, photometric="minisblack", metadata={"axes": axes})
        image = read_tiff(tmp_path / "a.tif")
        assert image.channel_kind is kind
        assert np.array_equal(image.data[:, 0], PAGES)
    tifffile.imwrite(tmp_path / "rgb.tif", np.moveaxis(PAGES, 0, -1).copy(), photometric="rgb")
    image = read_tiff(tmp_path / "rgb.tif")
    assert image.channel_kind is ChannelKind.COLOUR
    assert np.array_equal(image.data[:, 0], PAGES)


def test_rgba_loses_its_alpha_and_palette_gains_its_colours(tmp_path):
    rgba = np.zeros((20, 28, 4), np.uint8)
    rgba[..., 1] = 5
    rgba[..., 3] = 255
    tifffile.imwrite(tmp_path / "rgba.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    image = read_tiff(tmp_path / "rgba.tif")
    assert image.data.shape == (3, 1, 20, 28)
    assert image.warnings == ()
    colormap = np.zeros((3, 256), np.uint16)
    colormap[:, 2] = [65535, 32896, 0]
    tifffile.imwrite(tmp_path / "p.tif", (PAGES[0] % 3).astype(np.uint8), photometric="palette", colormap=colormap)
    assert read_tiff(tmp_path / "p.tif").data[:, 0, 0, 2].tolist() == [255, 128, 0]


def test_two_series_of_pages_tell_that_one_was_left_out(tmp_path):
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(PAGES, photometric="minisblack")
        writer.write(np.zeros((7, 9), np.uint8), photometric="minisblack")
    image = read_tiff(tmp_path / "two.tif")
    assert image.data.shape == PAGES.shape
    assert "1 more series" in image.warnings[0]


def test_more_axes_than_an_image_has_are_refused(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((2, 3, 20, 28), np.uint8),
        ome=True,
        photometric="minisblack",
        metadata={"axes": "TCYX"},
    )
    with pytest.raises(ReadError, match="axes TCYX"):
        read_tiff(tmp_path / "a.tif")


def first_directory(raw):
    return struct.unpack("<I", raw[4:8])[0]


def test_loop_of_pages_is_refused_and_does_not_hang(tmp_path):
    path = tmp_path / "loop.tif"
    tifffile.imwrite(path, PAGES[0])
    raw = bytearray(path.read_bytes())
    start = first_directory(raw)
    n_entries = struct.unpack("<H", raw[start : start + 2])[0]
    raw[start + 2 + 12 * n_entries : start + 6 + 12 * n_entries] = struct.pack("<I", start)
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="loop"):
        read_tiff(path)


@pytest.mark.parametrize("kept", [8, 60, 900])
def test_truncated_file_is_refused_by_name(tmp_path, kept):
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, PAGES, photometric="minisblack")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ReadError, match=r"cut\.tif"):
        read_tiff(path)


@pytest.mark.parametrize(
    "dtype", [np.bool_, np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.float16, np.float32, np.float64]
)
def test_every_depth_keeps_its_samples(tmp_path, dtype):
    stored = (PAGES % 2 if dtype is np.bool_ else PAGES % 100).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack")
    image = read_tiff(tmp_path / "a.tif")
    factor = 255 if dtype is np.bool_ else 1
    assert np.array_equal(image.data, stored.astype(image.data.dtype) * factor)


def test_big_and_tiled_files_are_read_and_of_a_pyramid_the_finest_level(tmp_path):
    tifffile.imwrite(tmp_path / "big.tif", PAGES, bigtiff=True, photometric="minisblack")
    assert np.array_equal(read_tiff(tmp_path / "big.tif").data, PAGES)
    fine = np.arange(128 * 160, dtype=np.uint16).reshape(128, 160)
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as file:
        options = {"tile": (16, 16), "photometric": "minisblack"}
        file.write(fine, subifds=1, **options)
        file.write(fine[::2, ::2], subfiletype=1, **options)
    image = read_tiff(tmp_path / "pyramid.tif")
    assert np.array_equal(image.data[0], fine)
    assert "2 sizes" in image.warnings[0]


def test_page_without_a_width_is_one_sentence(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PAGES[0], photometric="minisblack")
    raw = bytearray((tmp_path / "a.tif").read_bytes())
    place = (
        raw.index(struct.pack("<HH", 256, 4))
        if struct.pack("<HH", 256, 4) in raw
        else raw.index(struct.pack("<HH", 256, 3))
    )
    raw[place : place + 2] = struct.pack("<H", 255)
    (tmp_path / "a.tif").write_bytes(raw)
    with pytest.raises(ReadError, match="no width"):
        read_tiff(tmp_path / "a.tif")
