import imagecodecs
import numpy as np
import pytest

from napari_medclf.io.dicom.pixels.codestream import read_stream

GRAY = np.arange(20 * 28, dtype=np.uint16).reshape(20, 28)
RGB = np.zeros((20, 28, 3), np.uint8)


@pytest.mark.parametrize("form", ["j2k", "jp2"])
def test_jpeg_2000_tells_size_bits_sign_and_levels(form):
    stream = read_stream(
        imagecodecs.jpeg2k_encode(
            np.zeros((200, 280), np.int16), level=0, codecformat=form, resolutions=3, bitspersample=12
        )
    )
    assert (stream.rows, stream.columns, stream.n_samples, stream.bits) == (200, 280, 1, 12)
    assert stream.is_signed
    assert stream.levels == 2
    assert not stream.is_mixed


def test_jpeg_2000_tells_whether_colours_are_mixed():
    assert read_stream(imagecodecs.jpeg2k_encode(RGB, level=0, codecformat="j2k", mct=True)).is_mixed
    assert not read_stream(imagecodecs.jpeg2k_encode(RGB, level=0, codecformat="j2k", mct=False)).is_mixed


@pytest.mark.parametrize("pack", [imagecodecs.jpegls_encode, lambda a: imagecodecs.jpeg8_encode(a, lossless=True)])
def test_jpeg_and_jpeg_ls_tell_size_and_bits(pack):
    stream = read_stream(pack(GRAY))
    assert (stream.rows, stream.columns, stream.n_samples) == (20, 28, 1)
    assert stream.bits >= 10


def test_adobes_mark_and_component_letters_are_found():
    marked = read_stream(imagecodecs.jpeg8_encode(RGB, colorspace="RGB", outcolorspace="RGB"))
    assert marked.transform == 0
    assert bytes(marked.component_ids) == b"RGB"
    assert read_stream(imagecodecs.jpeg8_encode(RGB, colorspace="RGB", outcolorspace="YCBCR")).transform is None


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"\xff\x4f\xff\x51\x00", b"\0" * 99])
def test_what_is_no_stream_gives_none(data):
    assert read_stream(data) is None


def test_every_cut_of_a_header_gives_none_or_a_stream():
    whole = bytes(imagecodecs.jpeg2k_encode(GRAY, level=0, codecformat="j2k"))
    for length in range(120):
        read_stream(whole[:length])
