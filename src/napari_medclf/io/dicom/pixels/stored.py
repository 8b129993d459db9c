"""What the bits of a stored sample mean: which of them count, and their sign."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.io.dicom.layout import Pixels
from napari_medclf.io.dicom.pixels.planes import stored_dtype
from napari_medclf.io.dicom.pixels.syntax import DEFLATED, DEFLATED_FRAMES, NATIVE, RLE

_AS_THEY_LIE = frozenset((*NATIVE, DEFLATED, *DEFLATED_FRAMES, *RLE))


def stored_limits(pixels: Pixels) -> tuple[int, int]:
    """Lowest and highest value that the stored bits can hold."""
    if pixels.is_signed:
        return -(2 ** (pixels.bits_stored - 1)), 2 ** (pixels.bits_stored - 1) - 1
    return 0, 2**pixels.bits_stored - 1


def meant(samples: NDArray[Any], pixels: Pixels, notes: set[str]) -> NDArray[Any]:
    """Give samples their sign and leave only the stored bits, PS3.5 8.1.1; in place where the type allows.

    Parameters
    ----------
    notes : set of str
        Takes a sentence about bits that were left out; old overlays lie there.
    """
    if pixels.is_float:
        return samples
    samples = samples.astype(stored_dtype(pixels), copy=False)
    unused = pixels.bits_allocated - pixels.bits_stored
    lies_as_it_is = pixels.transfer_syntax_uid in _AS_THEY_LIE
    above = pixels.bits_allocated - 1 - pixels.high_bit if lies_as_it_is else unused
    if not 0 <= above <= unused:
        notes.add(f"Its high bit {pixels.high_bit} does not fit {pixels.bits_stored} stored bits and was ignored.")
        above = unused
    if unused == 0 or (above == unused and _is_inside(samples, stored_limits(pixels))):
        return samples
    if above == unused and lies_as_it_is:
        notes.add(f"Bits above the {pixels.bits_stored} stored ones were set (an overlay?) and left out.")
    np.left_shift(samples, above, out=samples)
    np.right_shift(samples, unused, out=samples)
    return samples


def turned(samples: NDArray[Any], pixels: Pixels) -> NDArray[Any]:
    """Turn MONOCHROME1, whose low values are bright, round in place; floats have no range to turn in."""
    if pixels.photometric != "MONOCHROME1" or pixels.is_float:
        return samples
    low, high = stored_limits(pixels)
    return np.subtract(samples.dtype.type(low + high), samples, out=samples)


def _is_inside(samples: NDArray[Any], limits: tuple[int, int]) -> bool:
    return bool(samples.min() >= limits[0] and samples.max() <= limits[1])
