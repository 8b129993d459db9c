"""Proof of a written segmentation: read back without its encoder, and compared with what was meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.derived import LabelSet
from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.io.derived.acquired import acquired_k, acquired_positions
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.patient_study import taken_over
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.seg.describe import PlannedSegment
from napari_medclf.io.derived.seg.frames import FrameSet, read_frames
from napari_medclf.io.derived.seg.read import ON_ITS_OWN, read_seg
from napari_medclf.io.derived.seg.source import SourceSlice
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.dicom import tags

_SAME_PLACE_MM = 1e-3
_AXES = ("slice", "row", "column")


@dataclass(frozen=True, eq=False)
class Meant:
    """What a file is to hold.

    Parameters
    ----------
    labels : (N, J, I)
        Segment numbers on the acquired slices.
    grid : SourceGrid
        Of the image.
    slices : sequence of SourceSlice
        Its acquired slices, by their own headers.
    """

    labels: LabelArray
    grid: SourceGrid
    slices: Sequence[SourceSlice]
    segments: Sequence[PlannedSegment]

    def positions(self) -> FloatArray | None:
        """(N, 3) where the slices lie by their headers, LPS mm; None for a picture without a place."""
        if not self.slices[0].is_placed:
            return None
        return np.array([[float(text) for text in one.position or ()] for one in self.slices])


def check_written(path: Path, written: Path, meant: Meant) -> None:
    """Compare a file with what it was to hold.

    Parameters
    ----------
    path : Path
        Its name to be, for the messages.
    written : Path
        Where it is now.

    Raises
    ------
    WriteError
        Naming the axis, slice, segment or frame that differs.
    """
    try:
        found = read_seg(written, [meant.grid])
        dataset = open_derived(written)
        frames = read_frames(written, dataset)
        _check_identity(dataset, meant.slices[0])
        _check_segments(found, meant)
        _check_references(frames, meant)
        _check_labels(found, meant)
        positions = meant.positions()
        if positions is not None:
            _check_places(frames, meant, positions)
            if not meant.grid.source.acquired_k:
                # Once more without the image, so that nothing but positions tells where the labels lie; slices
                # with gaps between them may lie unevenly, and no grid of their own holds them.
                _check_centroids(read_seg(written), meant, positions)
    except ReadError as error:
        raise WriteError(f"{path}: what was written cannot be read back: it {error.reason}.") from error
    except _DifferenceError as difference:
        raise WriteError(f"{path}: what was read back differs: {difference}.") from difference


class _DifferenceError(Exception):
    """One difference, as the end of a sentence."""


def _check_identity(dataset: Any, source: SourceSlice) -> None:
    """Patient, study, frame of reference and series against the image's own header; values are not shown."""
    keywords = [*taken_over(), *(("FrameOfReferenceUID",) if source.is_placed else ())]
    for keyword in keywords:
        if tags.text(dataset, keyword) != tags.text(source.header, keyword):
            raise _DifferenceError(f"its {keyword} is not that of the image")
    series = {tags.text(one, "SeriesInstanceUID") for one in items(dataset, "ReferencedSeriesSequence")}
    if series != {tags.text(source.header, "SeriesInstanceUID")}:
        raise _DifferenceError("it refers to another series than that of the image")


def _check_segments(found: LabelSet, meant: Meant) -> None:
    if not found.is_on_source_grid:
        reason = " ".join(found.warnings).removesuffix(ON_ITS_OWN).strip().rstrip(".")
        raise _DifferenceError(f"it is on another grid: {reason}")
    if len(found.segmentations) != 1:
        raise _DifferenceError("its segments overlap")
    classes = {one.value: one for one in found.segmentations[0].schema.classes}
    if sorted(classes) != [one.number for one in meant.segments]:
        raise _DifferenceError(f"its segments are {sorted(classes)}")
    for one in meant.segments:
        back, kind = classes[one.number], one.code.type
        is_kind = back.code is not None and (back.code.value, back.code.scheme) == (kind.value, kind.scheme)
        if (back.name, back.colour) != (one.label, one.colour) or not is_kind:
            raise _DifferenceError(f"segment {one.number} has another name, colour or code")


def _check_references(frames: FrameSet, meant: Meant) -> None:
    """Every frame names exactly one slice, and every slice with labels is named."""
    named = set()
    for frame in frames.frames:
        found = [meant.grid.find_slice(uid, number) for uid, number in frame.sources]
        if len(found) != 1 or found[0] is None:
            raise _DifferenceError(f"frame {frame.number} does not name one slice of the image")
        named.add(found[0])
    missing = set(np.flatnonzero(meant.labels.any(axis=(1, 2))).tolist()) - named
    if missing:
        raise _DifferenceError(f"slice {min(missing) + 1} has labels, and no frame names it")


def _check_labels(found: LabelSet, meant: Meant) -> None:
    planes = np.clip(np.rint(acquired_k(meant.grid)).astype(np.intp), 0, meant.grid.geometry.shape[0] - 1)
    back, labels = found.segmentations[0].labels[planes], meant.labels
    differing = back != labels
    if differing.any():
        n, j, i = (int(one) for one in np.argwhere(differing)[0])
        turned = [name for axis, name in enumerate(_AXES) if np.array_equal(np.flip(back, axis), labels)]
        how = f"the {turned[0]} axis is turned round" if turned else f"first in slice {n + 1}, row {j}, column {i}"
        raise _DifferenceError(f"{int(differing.sum())} voxels have another label, {how}")


def _check_places(frames: FrameSet, meant: Meant, positions: FloatArray) -> None:
    """Three corners of every frame against its slice's own header and against the rows of the grid."""
    corners = frames.corners()
    if corners is None:
        raise _DifferenceError("its frames have no place")
    _, rows, columns = meant.grid.geometry.shape
    down, across = (rows - 1) * meant.grid.geometry.affine[:3, 1], (columns - 1) * meant.grid.geometry.affine[:3, 2]
    for frame, found in zip(frames.frames, corners, strict=True):
        number = meant.grid.find_slice(*frame.sources[0]) or 0
        expected = positions[number] + np.stack([np.zeros(3), down, across])
        off_mm = np.linalg.norm(found - expected, axis=1)
        if off_mm.max() > _SAME_PLACE_MM:
            axis = _direction(found - expected)
            raise _DifferenceError(f"frame {frame.number} is {off_mm.max():.4g} mm off slice {number + 1} along {axis}")


def _direction(off: FloatArray) -> str:
    """Name the patient axis along which the largest difference lies."""
    return ("x (right-left)", "y (front-back)", "z (foot-head)")[int(np.abs(off).max(axis=0).argmax())]


def _check_centroids(alone: LabelSet, meant: Meant, positions: FloatArray) -> None:
    """Voxel count and centroid of each segment, in mm, by the positions in the file alone."""
    grid = meant.grid
    # Slices that stray from even steps do so in the source already.
    stray_mm = float(np.linalg.norm(positions - acquired_positions(grid), axis=1).max())
    found, n_segments = alone.segmentations[0], len(meant.segments)
    n_meant, places = _centroids(meant.labels, acquired_k(grid), n_segments)
    n_found, index = _centroids(found.labels, np.arange(len(found.labels)), n_segments)
    if not np.array_equal(n_meant, n_found):
        number = int(np.flatnonzero(n_meant != n_found)[0])
        raise _DifferenceError(f"segment {number + 1} has {n_found[number]} voxels, not {n_meant[number]}")
    off_mm = np.linalg.norm(found.geometry.to_world(index) - grid.geometry.to_world(places), axis=1) * (n_meant > 0)
    if off_mm.max() > _SAME_PLACE_MM + 2 * stray_mm:
        raise _DifferenceError(f"the centroid of segment {int(off_mm.argmax()) + 1} is {off_mm.max():.4g} mm off")


def _centroids(labels: LabelArray, k: ArrayLike, n_segments: int) -> tuple[NDArray[np.intp], FloatArray]:
    """Count voxels (S,) and give their mean (k, j, i) (S, 3) for segments 1 to S; slice n lies at ``k[n]``."""
    _, rows, columns = labels.shape
    down, across = np.divmod(np.arange(rows * columns, dtype=np.float64), columns)
    counts, sums = np.zeros(n_segments + 1, np.intp), np.zeros((3, n_segments + 1))
    for place, plane in zip(np.asarray(k), labels.reshape(len(labels), -1), strict=True):
        some = np.bincount(plane, minlength=n_segments + 1)
        counts += some
        sums[0] += place * some
        sums[1] += np.bincount(plane, down, minlength=n_segments + 1)
        sums[2] += np.bincount(plane, across, minlength=n_segments + 1)
    return counts[1:], (sums / np.maximum(counts, 1))[:, 1:].T
