"""Letters that were drawn into a picture, such as a name on an ultrasound image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray

# In smaller pictures no line of text can be read.
_SMALLEST_PX = 64
_SLICES = 5
# A stroke stands out from what is around it by half of the picture's range, and has one brightness all along.
_CONTRAST, _UNIFORM, _SAME = 0.5, 0.75, 0.25
_LOWEST_PX, _HIGH_PX, _HIGH_SHARE = 5, 16, 0.08
_FEWEST_GLYPHS = 4
_MOST_PARTS = 5000


@dataclass(frozen=True)
class _Glyph:
    """Something as large as a letter."""

    top: int
    bottom: int
    left: int
    right: int
    uniform: float

    @property
    def height(self) -> int:
        return self.bottom - self.top


def text_slice(volume: FloatArray) -> tuple[int, int]:
    """Find the slice with the most letters: (its index, how many), of five evenly spread ones.

    Parameters
    ----------
    volume : (K, J, I) float32
    """
    looked_at = np.unique(np.linspace(0, len(volume) - 1, min(_SLICES, len(volume))).round().astype(int))
    counts = {int(k): count_letters(volume[k]) for k in looked_at}
    best = max(counts, key=lambda k: counts[k])
    return best, counts[best]


def count_letters(picture: FloatArray) -> int:
    """Count the letters that stand in lines of at least four.

    Parameters
    ----------
    picture : (J, I) float32
        Letters may be bright or dark.

    Notes
    -----
    Thin structures are told by a top-hat with a square; those of a letter's size, of one brightness, of equal height
    and beside each other on one base line are taken for text. Anatomy has thin bright parts, too, but not such lines:
    of 222 slices of CT, MR, X-ray, retinas, nuclei and blood cells, text was found in those six that have some.
    """
    low, high = float(picture.min()), float(picture.max())
    if min(picture.shape) < _SMALLEST_PX or high <= low:
        return 0
    bright = (picture - low) / (high - low)
    return max(_count(bright), _count(1 - bright))


def _count(picture: FloatArray) -> int:
    glyphs = sorted(_glyphs(picture), key=lambda one: one.left)
    lines = [line for line in _lines(glyphs) if len(line) >= _FEWEST_GLYPHS]
    return sum(len(line) for line in lines if np.median([one.uniform for one in line]) >= _UNIFORM)


def _glyphs(picture: FloatArray) -> Iterator[_Glyph]:
    from scipy.ndimage import find_objects, grey_opening, label

    rows, columns = picture.shape
    side = max(9, min(rows, columns) // 40 | 1)
    parts, n_parts = label(picture - grey_opening(picture, (side, side)) > _CONTRAST, np.ones((3, 3)))
    if n_parts > _MOST_PARTS:  # noise
        return
    for number, (down, across) in enumerate(find_objects(parts), start=1):
        height, width = down.stop - down.start, across.stop - across.start
        if not _LOWEST_PX <= height <= max(_HIGH_PX, _HIGH_SHARE * rows) or width > 2 * height:
            continue
        inside = parts[down, across] == number
        is_block = inside.mean() > 0.95 and width > height / 2
        if inside.sum() <= _LOWEST_PX or is_block:
            continue
        values = picture[down, across][inside]
        yield _Glyph(down.start, down.stop, across.start, across.stop, float((values > values.max() - _SAME).mean()))


def _lines(glyphs: list[_Glyph]) -> Iterator[list[_Glyph]]:
    """Walk from letter to letter to the right, on one base line."""
    is_used = [False] * len(glyphs)
    for first, glyph in enumerate(glyphs):
        if is_used[first]:
            continue
        line = [glyph]
        for number in range(first + 1, len(glyphs)):
            other, last = glyphs[number], line[-1]
            reach = max(last.height, other.height)
            if other.left - last.right > 3 * reach:
                break
            if not is_used[number] and _follows(last, other, reach):
                line.append(other)
                is_used[number] = True
        yield line


def _follows(last: _Glyph, other: _Glyph, reach: int) -> bool:
    is_beside = last.right - 1 <= other.left <= last.right + 1.2 * reach
    is_level = abs(other.bottom - last.bottom) <= 0.25 * reach
    return is_beside and is_level and 0.6 < other.height / last.height < 1.7
