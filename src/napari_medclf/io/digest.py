"""What identifies an array: the same samples give the same digest, wherever they were stored."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.image import MedImage


def array_digest(array: NDArray[Any]) -> str:
    """Compute the SHA-256 of an array's dtype, shape and samples in C order, little-endian.

    >>> array_digest(np.zeros((1, 2), np.uint8)) == array_digest(np.zeros((2, 1), np.uint8))
    False
    """
    portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{portable.dtype.str} {array.shape} ".encode())
    digest.update(portable.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def with_digest(image: MedImage) -> MedImage:
    """Fill in the source's digest where it is still empty."""
    if image.source.digest:
        return image
    return replace(image, source=replace(image.source, digest=array_digest(image.data)))
