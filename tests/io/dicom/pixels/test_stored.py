import numpy as np
import pytest

from napari_medclf.io.dicom.layout import Pixels
from napari_medclf.io.dicom.pixels.stored import meant, stored_limits, turned


def pixels(**changes):
    settings = {
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "bits_allocated": 16,
        "bits_stored": 12,
        "high_bit": 11,
        "is_signed": False,
        "photometric": "MONOCHROME2",
    } | changes
    return Pixels(
        is_little_endian=True, rows=1, columns=3, n_frames=1, samples_per_pixel=1, offset=0, length=6, **settings
    )


def test_bits_above_the_stored_ones_are_cleared_and_told():
    notes = set()
    samples = np.array([[0x8001, 0x7FFF, 5]], np.uint16)
    assert meant(samples, pixels(), notes).tolist() == [[1, 0xFFF, 5]]
    assert "12 stored ones" in notes.pop()


def test_nothing_is_told_where_nothing_was_left_out():
    notes = set()
    assert meant(np.array([[0, 4095, 5]], np.uint16), pixels(), notes).tolist() == [[0, 4095, 5]]
    assert notes == set()


def test_sign_is_that_of_the_highest_stored_bit():
    samples = np.array([[0x0FFF, 0x0800, 0x07FF]], np.int16)
    assert meant(samples, pixels(is_signed=True), set()).tolist() == [[-1, -2048, 2047]]


def test_stored_bits_may_lie_high():
    """Twelve bits in the upper part of sixteen, with an overlay below."""
    samples = np.array([[0xFFF3, 0x0010, 0x800F]], np.uint16)
    assert meant(samples.copy(), pixels(high_bit=15), set()).tolist() == [[0xFFF, 1, 0x800]]
    signed = pixels(high_bit=15, is_signed=True)
    assert meant(samples.view(np.int16).copy(), signed, set()).tolist() == [[-1, 1, -2048]]


def test_high_bit_that_cannot_be_is_ignored_and_told():
    notes = set()
    assert meant(np.array([[1, 2, 4095]], np.uint16), pixels(high_bit=3), notes).tolist() == [[1, 2, 4095]]
    assert "high bit 3" in notes.pop()


def test_unsigned_decoders_give_signed_samples_their_sign_in_silence():
    notes = set()
    packed = pixels(is_signed=True, bits_stored=15, high_bit=14, transfer_syntax_uid="1.2.840.10008.1.2.4.80")
    assert meant(np.array([[0x7FFF, 0x4000, 1]], np.uint16), packed, notes).tolist() == [[-1, -16384, 1]]
    assert notes == set()


@pytest.mark.parametrize(("is_signed", "limits"), [(False, (0, 4095)), (True, (-2048, 2047))])
def test_turning_round_maps_the_limits_onto_each_other(is_signed, limits):
    described = pixels(is_signed=is_signed, photometric="MONOCHROME1")
    assert stored_limits(described) == limits
    samples = np.array([[*limits, limits[0] + 5]], np.int16 if is_signed else np.uint16)
    assert turned(samples, described).tolist() == [[limits[1], limits[0], limits[1] - 5]]
