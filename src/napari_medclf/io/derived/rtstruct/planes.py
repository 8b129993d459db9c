"""Where each acquired slice lies, as its own file says, which an affine may only come near to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import Source
from napari_medclf.io.derived.reference import items
from napari_medclf.io.dicom import tags


@dataclass(frozen=True, eq=False)
class SlicePlane:
    """One acquired slice.

    Parameters
    ----------
    frame : int or None
        From 1, in a multi-frame instance.
    corner : (3,)
        LPS millimetres of the centre of its first pixel.
    along_row, down_column : (3,)
        Millimetres from a pixel to the next in its row (i), and in its column (j).
    """

    sop_class_uid: str
    sop_instance_uid: str
    frame: int | None
    corner: FloatArray
    along_row: FloatArray
    down_column: FloatArray

    def to_world(self, pixels: FloatArray) -> FloatArray:
        """Map (N, 2) pixels (j, i) to (N, 3) LPS millimetres (DICOM PS3.3 C.7.6.2.1.1)."""
        return np.asarray(self.corner + pixels[:, :1] * self.down_column + pixels[:, 1:] * self.along_row)


def read_planes(name: str, source: Source, evidence: Sequence[Any]) -> tuple[SlicePlane, ...]:
    """Read the place of every acquired slice from headers.

    Parameters
    ----------
    evidence : sequence of pydicom.Dataset
        As `read_evidence` gives them.

    Raises
    ------
    WriteError
        If a slice does not tell its place.
    """
    if not source.frame_numbers:
        return tuple(_plane(name, n, one, None, [one]) for n, one in enumerate(evidence, start=1))
    (film,) = evidence
    shared = items(film, "SharedFunctionalGroupsSequence")
    groups = items(film, "PerFrameFunctionalGroupsSequence")
    if max(source.frame_numbers) > len(groups):
        raise WriteError(f"{name}: frame {max(source.frame_numbers)} has no place in the file it was read from.")
    return tuple(_plane(name, frame, film, frame, [groups[frame - 1], *shared]) for frame in source.frame_numbers)


def _plane(name: str, number: int, dataset: Any, frame: int | None, groups: list[Any]) -> SlicePlane:
    position = _find(groups, "PlanePositionSequence", "ImagePositionPatient")
    orientation = _find(groups, "PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = _find(groups, "PixelMeasuresSequence", "PixelSpacing")
    if len(position) != 3 or len(orientation) != 6 or len(spacing) != 2:
        raise WriteError(
            f"{name}: slice {number} does not tell where in the patient it lies, so contours have no place."
        )
    row, column = orientation[:3], orientation[3:]
    return SlicePlane(
        sop_class_uid=tags.text(dataset, "SOPClassUID"),
        sop_instance_uid=tags.text(dataset, "SOPInstanceUID"),
        frame=frame,
        corner=position,
        along_row=row / np.linalg.norm(row) * spacing[1],
        down_column=column / np.linalg.norm(column) * spacing[0],
    )


def _find(groups: list[Any], sequence: str, keyword: str) -> FloatArray:
    """Numbers of an element of a header, or of a functional group: the frame's own before the shared."""
    for group in groups:
        for item in [group, *items(group, sequence)]:
            found = tags.numbers(item, keyword)
            if found is not None and np.isfinite(found).all():
                return np.asarray(found, dtype=np.float64)
    return np.zeros(0)
