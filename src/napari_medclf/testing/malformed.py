"""Files that nobody should trust: what each is, how it is made, and what may come of it.

Every case that can be read at all holds `reference_samples` on the grid `REFERENCE_AFFINE`, so that a reader that
says nothing must give exactly these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray

REFERENCE_SHAPE = (2, 7, 5)
REFERENCE_SPACING_MM = (2.5, 0.75, 0.6)
REFERENCE_ORIGIN_MM = (-31.25, 12.375, 104.5)


class Allowed(StrEnum):
    """What may come of a case, beside a refusal in one sentence that names the file."""

    NOTHING = "refused"
    """There is no right way to read it."""
    WARNED = "refused or warned"
    """It can be read in some way, but not without a word."""
    REFERENCE = "refused, warned or right"
    """In silence only what the reference holds."""
    READ = "read"
    """Sound images beside what is odd, which must come through."""
    PICTURE = "refused, warned or right samples"
    """As `REFERENCE` for what carries no place: the samples alone count."""


@dataclass(frozen=True)
class MalformedCase:
    """One case.

    Parameters
    ----------
    build : callable
        Makes it inside an empty folder, and returns the path to open.
    """

    name: str
    group: str
    build: Callable[[Path], Path]
    allowed: Allowed = Allowed.NOTHING


def reference_samples() -> NDArray[np.uint16]:
    """Make the samples of every readable case, (K, J, I)."""
    return np.arange(int(np.prod(REFERENCE_SHAPE)), dtype=np.uint16).reshape(REFERENCE_SHAPE)


def reference_affine() -> FloatArray:
    """Make the affine of every readable case: (k, j, i) to LPS millimetres, axial."""
    affine = np.eye(4)
    k, j, i = REFERENCE_SPACING_MM
    affine[:3, :3] = np.array([[0, 0, i], [0, j, 0], [k, 0, 0]])
    affine[:3, 3] = REFERENCE_ORIGIN_MM
    return affine


def as_file(name: str, group: str, content: Callable[[], bytes], suffix: str, allowed: Allowed) -> MalformedCase:
    """Make a case of one file whose bytes are computed when they are needed."""

    def build(folder: Path) -> Path:
        path = folder / f"case{suffix}"
        path.write_bytes(content())
        return path

    return MalformedCase(name, group, build, allowed)


def all_malformed() -> tuple[MalformedCase, ...]:
    """Every case, in a stable order."""
    from napari_medclf.testing import (
        malformed_derived,
        malformed_dicom,
        malformed_folders,
        malformed_nifti,
        malformed_pictures,
        malformed_volumes,
    )

    return (
        *malformed_dicom.cases(),
        *malformed_derived.cases(),
        *malformed_nifti.cases(),
        *malformed_volumes.cases(),
        *malformed_pictures.cases(),
        *malformed_folders.cases(),
    )
