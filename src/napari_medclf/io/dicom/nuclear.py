"""Reconstructed nuclear medicine: the slices of a tomogram as frames of one file, without functional groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.io.dicom import tags

if TYPE_CHECKING:
    from napari_medclf.io.dicom.header import Header

NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"
_SLICE_VECTOR = 0x00540080


def planes_of_nuclear(whole: Header, dataset: Any) -> tuple[Header, ...]:
    """Give one header a slice of a reconstructed tomogram; none for all else, also for gated ones.

    Slices follow each other along the normal at the signed slice distance from the place of the one
    detector, PS3.3 C.8.4.15.1.2.
    """
    if whole.sop_class_uid != NUCLEAR or whole.pixels.n_frames < 2 or not _is_tomogram(dataset):
        return ()
    detectors = list(dataset.get("DetectorInformationSequence") or ())
    numbers = tags.numbers(dataset, "SliceVector") or []
    step_mm = tags.number(dataset, "SpacingBetweenSlices", 0.0)
    if len(detectors) != 1 or not step_mm or sorted(numbers) != list(range(1, whole.pixels.n_frames + 1)):
        return ()
    notes = list(whole.warnings)
    position = tags.vector(whole.path, detectors[0], "ImagePositionPatient")
    row, column = tags.orientation(whole.path, detectors[0], notes)
    if position is None or row is None or column is None:
        return ()
    step = step_mm * np.cross(row, column)
    planes = []
    for frame, number in enumerate(numbers, start=1):
        x, y, z = (float(one) for one in np.array(position) + (number - 1) * step)
        planes.append(replace(whole, frame=frame, position=(x, y, z), row=row, column=column, warnings=tuple(notes)))
    return tuple(planes)


def _is_tomogram(dataset: Any) -> bool:
    """Whether frames are the slices of one volume and nothing else."""
    kinds = list(dataset.get("ImageType") or ())
    pointer = dataset.get("FrameIncrementPointer")
    pointers = [pointer] if isinstance(pointer, int) else list(pointer or ())
    return len(kinds) > 2 and kinds[2] == "RECON TOMO" and [int(one) for one in pointers] == [_SLICE_VECTOR]
