import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.layout import Pixels
from napari_medclf.io.dicom.pixels import codecs
from napari_medclf.io.dicom.pixels.codecs import unpack_frame
from napari_medclf.io.read import read_image

LOSSLESS = ["1.2.2", "1.2.1.99", "1.2.4.90", "1.2.4.80", "1.2.4.70", "1.2.4.57", "1.2.1", "1.2", "1.2.5"]
LOSSY_MOST_HU = {"1.2.4.91": 5, "1.2.4.81": 1, "1.2.4.51": 36, "1.2.4.53": 36, "1.2.4.55": 36, "1.2.4.50": 64}


def encoded(shared_data, syntax):
    (path,) = (shared_data / "dicom_zoo" / "transfer_syntaxes_ct").glob(f"*_1.2.840.10008.{syntax}.dcm")
    return path


def original(shared_data):
    return read_image(shared_data / "dicom_zoo" / "transfer_syntaxes_ct" / "CTImage.dcm")


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_encodings_give_identical_units(shared_data, syntax):
    image = read_image(encoded(shared_data, syntax))
    assert image.data.dtype == np.int16
    assert image.data.dtype.isnative
    assert np.array_equal(image.data, original(shared_data).data)
    assert image.geometry.same_grid(original(shared_data).geometry)


@pytest.mark.parametrize("syntax", LOSSY_MOST_HU)
def test_lossy_encodings_stay_within_their_known_error(shared_data, syntax):
    off = read_image(encoded(shared_data, syntax)).data - original(shared_data).data.astype(np.float64)
    assert np.abs(off).max() <= LOSSY_MOST_HU[syntax] + 0.5


def test_signed_15_bit_jpeg_ls_keeps_its_sign(shared_data):
    image = read_image(shared_data / "dicom_zoo" / "single_files" / "JLSL_16_15_1_1F.dcm")
    assert (image.data.min(), image.data.max()) == (-16384, 16383)


def test_damaged_samples_are_refused_without_the_decoders_prose(shared_data):
    with pytest.raises(ReadError, match=r"damaged samples \(JPEG Baseline") as caught:
        read_image(shared_data / "dicom_zoo" / "malformed" / "genFile.dcm")
    assert "0x" not in str(caught.value)


def pixels_of(syntax, rows=20, columns=28, **changes):
    settings = {"samples_per_pixel": 1, "photometric": "MONOCHROME2", "bits_allocated": 16, "bits_stored": 12} | changes
    return Pixels(
        transfer_syntax_uid=f"1.2.840.10008.{syntax}",
        is_little_endian=True,
        rows=rows,
        columns=columns,
        n_frames=1,
        is_signed=False,
        offset=0,
        length=0,
        high_bit=settings["bits_stored"] - 1,
        **settings,
    )


GRAY = np.random.default_rng(0).integers(0, 4096, (20, 28), dtype=np.uint16)
RGB = np.random.default_rng(1).integers(0, 256, (20, 28, 3), dtype=np.uint8)
COLOUR = {"samples_per_pixel": 3, "photometric": "RGB", "bits_allocated": 8, "bits_stored": 8}
ENCODERS = {
    "1.2.4.90": lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
    "1.2.4.80": imagecodecs.jpegls_encode,
    "1.2.4.70": lambda a: imagecodecs.jpeg8_encode(a, lossless=True),
    "1.2.4.110": lambda a: imagecodecs.jpegxl_encode(a, lossless=True),
    "1.2.8.1": lambda a: deflated(a.tobytes()),
}


def deflated(plain):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(plain) + packer.flush()


@pytest.mark.parametrize("syntax", ENCODERS)
def test_what_was_packed_without_loss_comes_back(syntax):
    samples = unpack_frame(Path("a.dcm"), pixels_of(syntax), ENCODERS[syntax](GRAY))
    assert np.array_equal(samples, GRAY)
    assert samples.flags.writeable


@pytest.mark.parametrize("syntax", ["1.2.4.90", "1.2.4.80", "1.2.4.110", "1.2.8.1"])
def test_colours_packed_without_loss_come_back(syntax):
    samples = unpack_frame(Path("a.dcm"), pixels_of(syntax, **COLOUR), ENCODERS[syntax](RGB))
    assert np.array_equal(samples, RGB)


@pytest.mark.parametrize("syntax", ["1.2.4.90", "1.2.4.80", "1.2.4.70"])
def test_stream_of_another_size_is_refused_before_it_is_unpacked(syntax, monkeypatch):
    monkeypatch.setattr(codecs, "_DECODERS", {})
    with pytest.raises(ReadError, match=r"packs 20 x 28 pixels of 1 samples .* declares 512 x 512 pixels"):
        unpack_frame(Path("a.dcm"), pixels_of(syntax, 512, 512), ENCODERS[syntax](GRAY))


def test_bomb_of_sixty_thousand_pixels_a_side_is_refused_at_once():
    stream = bytearray(ENCODERS["1.2.4.90"](GRAY))
    stream[8:16] = struct.pack(">II", 60000, 60000)
    with pytest.raises(ReadError, match="60000 x 60000"):
        unpack_frame(Path("a.dcm"), pixels_of("1.2.4.90"), bytes(stream))


@pytest.mark.parametrize("syntax", ["1.2.4.110", "1.2.8.1"])
def test_stream_without_a_size_fills_no_more_than_was_declared(syntax):
    big = np.zeros((2000, 2000), np.uint16)
    if syntax == "1.2.8.1":  # deflated zeros: what was declared is read, the rest is never unpacked
        assert not unpack_frame(Path("a.dcm"), pixels_of(syntax), ENCODERS[syntax](big)).any()
    else:
        with pytest.raises(ReadError, match="damaged samples .JPEG XL"):
            unpack_frame(Path("a.dcm"), pixels_of(syntax), ENCODERS[syntax](big))


@pytest.mark.parametrize("syntax", ENCODERS)
def test_gigabytes_out_of_next_to_nothing_are_refused_before_they_are_unpacked(syntax, monkeypatch):
    monkeypatch.setattr(codecs, "_DECODERS", {})
    with pytest.raises(ReadError, match="declares 6866 MiB of samples in"):
        unpack_frame(Path("a.dcm"), pixels_of(syntax, 60000, 60000), ENCODERS[syntax](GRAY))


def test_picture_in_thousands_of_scans_is_refused_at_once():
    stream = ENCODERS["1.2.4.70"](GRAY)
    with pytest.raises(ReadError, match="more than 500 JPEG scans"):
        unpack_frame(Path("a.dcm"), pixels_of("1.2.4.70"), stream[:-2] + b"\xff\xda\x00\x02" * 501 + stream[-2:])


@pytest.mark.parametrize("syntax", ENCODERS)
@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 0.9])
def test_truncated_stream_is_refused_naming_its_packing(syntax, share):
    stream = ENCODERS[syntax](GRAY)
    with pytest.raises(ReadError, match=rf"damaged samples .*{syntax}"):
        unpack_frame(Path("a.dcm"), pixels_of(syntax), bytes(stream[: int(len(stream) * share)]))


def test_sixteen_bit_samples_where_eight_are_declared_are_refused():
    with pytest.raises(ReadError, match="packs samples of 16 bits"):
        unpack_frame(Path("a.dcm"), pixels_of("1.2.4.80", bits_allocated=8, bits_stored=8), ENCODERS["1.2.4.80"](GRAY))


@pytest.mark.parametrize(
    "segments",
    [(1, 64), (3, 64, 80, 90), (2, 64, 0xFFFFFFF0), (2, 64, 64), (2, 80, 70), (2, 10, 80), (2, 64, 4000)],
)
def test_run_lengths_with_segments_that_cannot_be_are_refused(segments):
    header = struct.pack("<16I", *segments, *[0] * (16 - len(segments)))
    with pytest.raises(ReadError, match="damaged samples .RLE"):
        unpack_frame(Path("a.dcm"), pixels_of("1.2.5"), header + b"\0" * 40)


@pytest.mark.parametrize("name", ["liver_rle.dcm", "liver_deflate.dcm", "liver_j2k.dcm"])
def test_one_bit_frames_equal_their_unpacked_twin(shared_data, name):
    folder = shared_data / "dicom_zoo" / "single_files"
    expected = pydicom.dcmread(folder / "liver.dcm").pixel_array
    dataset = pydicom.dcmread(folder / name)
    syntax = str(dataset.file_meta.TransferSyntaxUID).removeprefix("1.2.840.10008.")
    pixels = pixels_of(syntax, 512, 512, bits_allocated=1, bits_stored=1)
    frames = [
        unpack_frame(folder / name, pixels, one) for one in generate_frames(dataset.PixelData, number_of_frames=3)
    ]
    assert np.array_equal(np.stack(frames), expected)


NOISE = np.random.default_rng(1).integers(0, 256, (200, 200), np.uint8)
JPEGS = [("1.2.4.50", imagecodecs.jpeg8_encode), ("1.2.4.70", imagecodecs.ljpeg_encode)]


@pytest.mark.parametrize(("syntax", "encode"), JPEGS)
def test_jpeg_that_was_cut_and_closed_is_refused(syntax, encode):
    packed = bytes(encode(NOISE))
    cut = packed[: len(packed) // 2] + b"\xff\xd9"
    with pytest.raises(ReadError, match="damaged samples"):
        unpack_frame(Path("a.dcm"), pixels_of(syntax, 200, 200, bits_allocated=8, bits_stored=8), cut)


@pytest.mark.parametrize(("syntax", "encode"), JPEGS)
def test_whole_jpeg_that_ends_in_one_value_is_read(syntax, encode):
    picture = np.where(np.arange(200)[:, None] < 100, NOISE, 0).astype(np.uint8)
    layout = pixels_of(syntax, 200, 200, bits_allocated=8, bits_stored=8)
    assert not unpack_frame(Path("a.dcm"), layout, bytes(encode(picture)))[120:].any()


@pytest.mark.parametrize("syntax", ["1.2.4.80", "1.2.4.81"])
def test_jpeg_ls_without_its_end_never_reaches_the_decoder(syntax, monkeypatch):
    packed = bytes(imagecodecs.jpegls_encode(GRAY))
    monkeypatch.setattr(imagecodecs, "jpegls_decode", lambda data: pytest.fail("it was decoded"))
    with pytest.raises(ReadError, match="a frame without its end"):
        unpack_frame(Path("a.dcm"), pixels_of(syntax), packed[: len(packed) // 2])
