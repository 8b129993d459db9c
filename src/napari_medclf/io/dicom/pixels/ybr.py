"""Luminance and chrominance to red, green and blue."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ybr_to_rgb(samples: NDArray[Any], bits: int = 8) -> NDArray[Any]:
    """Convert YBR_FULL of full range, ``(..., 3)``, to RGB of the same type; PS3.3 C.7.6.3.1.2, ITU-T T.871.

    >>> ybr_to_rgb(np.array([[76, 85, 255]], np.uint8))
    array([[254,   0,   0]], dtype=uint8)
    """
    middle, top = 2 ** (bits - 1), 2**bits - 1
    luminance, blue, red = (samples[..., n].astype(np.float32) for n in range(3))
    blue -= middle
    red -= middle
    rgb = (
        luminance + np.float32(1.402) * red,
        luminance - np.float32(0.114 * 1.772 / 0.587) * blue - np.float32(0.299 * 1.402 / 0.587) * red,
        luminance + np.float32(1.772) * blue,
    )
    return np.stack([np.clip(np.rint(one), 0, top).astype(samples.dtype) for one in rgb], axis=-1)


def spread_422(samples: NDArray[Any]) -> NDArray[Any]:
    """Give both pixels of a pair their chrominance: ``(J, I, 2)`` of Y1 Y2 B R become ``(J, I, 3)``; I is even."""
    rows, columns, _ = samples.shape
    pairs = samples.reshape(rows, columns // 2, 4)
    spread = np.empty((rows, columns, 3), samples.dtype)
    spread[..., 0] = pairs[..., :2].reshape(rows, columns)
    spread[..., 1] = np.repeat(pairs[..., 2], 2, axis=1)
    spread[..., 2] = np.repeat(pairs[..., 3], 2, axis=1)
    return spread
