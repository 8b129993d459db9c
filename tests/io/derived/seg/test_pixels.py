"""Samples of a segmentation come out the same however they were packed, and damaged ones never run away."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.derived.seg.pixels import iter_frames

ROWS, COLUMNS, N_FRAMES = 5, 7, 3
MASKS = np.random.default_rng(2).integers(0, 2, (N_FRAMES, ROWS, COLUMNS)).astype(np.uint8)
WORDS = np.random.default_rng(3).integers(0, 60000, (N_FRAMES, ROWS, COLUMNS)).astype(np.uint16)
LITTLE, BIG, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"
DEFLATED_FRAMES, J2K, JPEG_XL = "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.110"


@pytest.fixture
def dataset():
    """Give a function that makes a data set of some samples."""
    from pydicom.dataset import Dataset, FileMetaDataset

    def make(data, bits, syntax=LITTLE, vr="OB"):
        made = Dataset()
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = syntax
        made.Rows, made.Columns, made.NumberOfFrames = ROWS, COLUMNS, N_FRAMES
        made.BitsAllocated = made.BitsStored = bits
        made.HighBit, made.SamplesPerPixel, made.PixelRepresentation = bits - 1, 1, 0
        made.PhotometricInterpretation = "MONOCHROME2"
        made.add_new("PixelData", vr, data)
        return made

    return make


def bits_of(masks):
    return np.packbits(masks.ravel(), bitorder="little").tobytes()


def encapsulated(frames):
    from pydicom.encaps import encapsulate

    return encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames])


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def literally(data):
    """Pack as RLE without any run: PS3.5 G.3, after a header of one segment."""
    return (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + bytes([len(data) - 1]) + data


def read(made, tmp_path):
    return np.stack(list(iter_frames(tmp_path / "seg.dcm", made)))


def test_bits_run_on_from_frame_to_frame(dataset, tmp_path):
    assert np.array_equal(read(dataset(bits_of(MASKS) + b"\0", 1), tmp_path), MASKS)


def test_words_of_big_endian_files_are_turned(dataset, tmp_path):
    found = read(dataset(WORDS.astype(">u2").tobytes(), 16, BIG, "OW"), tmp_path)
    assert np.array_equal(found, WORDS)
    assert found.dtype.isnative


def test_bits_in_words_of_big_endian_files_are_turned(dataset, tmp_path):
    swapped = np.frombuffer(bits_of(MASKS), "<u2").astype(">u2").tobytes()
    assert np.array_equal(read(dataset(swapped, 1, BIG, "OW"), tmp_path), MASKS)


@pytest.mark.parametrize(("syntax", "pack"), [(DEFLATED_FRAMES, deflate), (RLE, literally)])
def test_packed_bits_end_with_each_frame(syntax, pack, dataset, tmp_path):
    packed = encapsulated([pack(bits_of(mask)) for mask in MASKS])
    assert np.array_equal(read(dataset(packed, 1, syntax), tmp_path), MASKS)


def test_deflated_words_are_read(dataset, tmp_path):
    packed = encapsulated([deflate(frame.astype("<u2").tobytes()) for frame in WORDS])
    assert np.array_equal(read(dataset(packed, 16, DEFLATED_FRAMES), tmp_path), WORDS)


def test_a_frame_that_inflates_without_end_is_cut(dataset, tmp_path):
    bomb = deflate(bytes(10**8))
    found = read(dataset(encapsulated([bomb] * N_FRAMES), 1, DEFLATED_FRAMES), tmp_path)
    assert found.shape == MASKS.shape
    assert not found.any()


def test_too_few_samples_are_refused_with_both_numbers(dataset, tmp_path):
    with pytest.raises(ReadError, match="declares 14 bytes of samples, and 8 are there"):
        read(dataset(bytes(8), 1), tmp_path)


def test_an_inflated_frame_that_is_short_is_refused(dataset, tmp_path):
    with pytest.raises(ReadError, match="is truncated"):
        read(dataset(encapsulated([deflate(bytes(2))] * N_FRAMES), 1, DEFLATED_FRAMES), tmp_path)


def test_a_frame_of_another_size_is_refused_before_it_is_decoded(dataset, tmp_path):
    imagecodecs = pytest.importorskip("imagecodecs")
    large = imagecodecs.jpeg2k_encode(np.zeros((64, 32), np.uint8), codecformat="j2k", reversible=True)
    with pytest.raises(ReadError, match="declares 5 x 7 pixels, and frame 1 has 64 x 32"):
        read(dataset(encapsulated([large] * N_FRAMES), 8, J2K), tmp_path)


def test_jpeg_2000_label_maps_are_read(dataset, tmp_path):
    imagecodecs = pytest.importorskip("imagecodecs")
    packed = [imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True) for frame in MASKS]
    assert np.array_equal(read(dataset(encapsulated(packed), 8, J2K), tmp_path), MASKS)


def test_a_packing_without_decoder_is_named(dataset, tmp_path):
    with pytest.raises(ReadError, match="JPEG XL Lossless"):
        read(dataset(b"", 8, JPEG_XL), tmp_path)
