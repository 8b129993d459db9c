"""Images that stand in a data set more than once, exactly or nearly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import FloatArray

# How alike two thumbnails are (their correlation) before both images are called nearly the same.
NEARLY_SAME = 0.999
_ROWS_AT_ONCE = 1024


def find_copies(digests: Sequence[str]) -> list[tuple[int, ...]]:
    """Group the positions of equal digests; only groups of two and more, in order."""
    places: dict[str, list[int]] = {}
    for position, digest in enumerate(digests):
        places.setdefault(digest, []).append(position)
    return [tuple(group) for group in places.values() if len(group) > 1]


def find_near_copies(
    thumbnails: Sequence[FloatArray], digests: Sequence[str], threshold: float = NEARLY_SAME
) -> list[tuple[int, int, float]]:
    """List pairs of images that look nearly the same without being the same.

    Parameters
    ----------
    thumbnails : sequence of (n,) float32
        With mean 0 and length 1; blank ones (length 0) resemble nothing. Only those of one length are compared.
    threshold : float
        Correlation from which a pair is listed.

    Returns
    -------
    list of (first, second, correlation)
        Most alike first.
    """
    pairs: list[tuple[int, int, float]] = []
    for members in _by_length(thumbnails):
        stack = np.stack([thumbnails[number] for number in members])
        for start in range(0, len(members), _ROWS_AT_ONCE):
            alike = stack[start : start + _ROWS_AT_ONCE] @ stack.T
            rows, columns = np.nonzero(alike >= threshold)
            for row, column in zip((rows + start).tolist(), columns.tolist(), strict=True):
                first, second = members[row], members[column]
                if row < column and digests[first] != digests[second]:
                    pairs.append((first, second, min(float(alike[row - start, column]), 1.0)))
    return sorted(pairs, key=lambda pair: -pair[2])


def _by_length(thumbnails: Sequence[FloatArray]) -> list[list[int]]:
    lengths: dict[int, list[int]] = {}
    for position, one in enumerate(thumbnails):
        lengths.setdefault(len(one), []).append(position)
    return list(lengths.values())
