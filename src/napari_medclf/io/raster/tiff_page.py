"""What a TIFF page says of its samples: colours, which end is bright, which way is up, and pages that are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError

WHITE_IS_ZERO = 0
"""TIFF 6.0, PhotometricInterpretation: the lowest value is white."""

_ORIENTATION = 274
# TIFF 6.0, PhotometricInterpretation; without conversion their samples would pass for red, green and blue.
_OTHER_COLOURS = {5: "CMYK", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"}
_YCBCR = 6
# Of these the decoder brings YCbCr to RGB: both kinds of JPEG, WebP, and JPEG 2000 as Aperio writes it.
_CONVERTED = (6, 7, 33003, 33005, 34712, 50001)


def check_colours(path: Path, page: Any) -> None:
    """Refuse colours that are none of gray, RGB and palette.

    Raises
    ------
    ReadError
        Naming the colours.
    """
    photometric = int(page.photometric)
    name = _OTHER_COLOURS.get(photometric, "")
    if photometric == _YCBCR and int(page.compression) not in _CONVERTED:
        name = "YCbCr"
    if name:
        raise ReadError(path, f"has {name} colours, which are not read", "Save it as RGB.")


def odd_orientation(page: Any) -> list[str]:
    """Say that viewers would turn or mirror the page."""
    tag = page.tags.get(_ORIENTATION)
    if tag is None or tag.value in (0, 1):
        return []
    return [f"Its orientation tag asks viewers to turn it ({int(tag.value)}); it is kept as stored."]


def odd_pages(file: Any) -> list[str]:
    """Say which pages an OME description names and the file lacks, or holds and does not name."""
    if not file.is_ome:
        return []
    pages = list(file.series[0].pages)
    lost = [n for n, page in enumerate(pages, 1) if page is None]
    n_left = len(file.pages) - sum(len(series.pages) for series in file.series)
    notes = []
    if lost:
        notes.append(
            f"{len(lost)} of its {len(pages)} pages are missing and were left blank, the first is page {lost[0]}."
        )
    if n_left > 0 and not lost:
        notes.append(f"Its description leaves out {n_left} of its {len(file.pages)} pages; they were not read.")
    return notes


def turned(samples: NDArray[Any], bits: int, notes: list[str]) -> NDArray[Any]:
    """Turn unsigned samples of so many bits, whose lowest value is white, round; others have no range to turn in."""
    if samples.dtype.kind not in "bu":
        notes.append("Its low values are bright (WhiteIsZero); they are kept as stored.")
        return samples
    notes.append("Its low values are bright (WhiteIsZero); they were turned round, so that high is bright.")
    return ~samples if samples.dtype == np.bool_ else samples.dtype.type(2**bits - 1) - samples
