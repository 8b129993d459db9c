"""DICOM segmentations to labels, by pydicom alone: binary, fractional and label maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.derived import LabelOrigin, LabelSet, Reference
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.origin import source_of
from napari_medclf.io.derived.reference import read_reference
from napari_medclf.io.derived.seg.frames import FrameSet, read_frames
from napari_medclf.io.derived.seg.layers import Layer, Packed, layer_masks, pack
from napari_medclf.io.derived.seg.pixels import check_samples, iter_frames
from napari_medclf.io.derived.seg.place import FramePlaces, place_alone, place_on_source
from napari_medclf.io.derived.seg.segments import Segments, read_segments
from napari_medclf.io.derived.source_grid import SourceGrid, find_grids
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.keys import patient_key
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_budget, refusing
from napari_medclf.io.sniff import name_of

_TYPES = ("BINARY", "FRACTIONAL", "LABELMAP")
_HALF = 0.5
ON_ITS_OWN = "It is shown on a grid of its own."
"""How a warning ends about labels whose image does not fit them."""


@dataclass(frozen=True, eq=False)
class _Parsed:
    """What the header of a segmentation says."""

    kind: str
    segments: Segments
    frames: FrameSet
    places: FramePlaces
    reference: Reference


def read_seg(path: Path, grids: Sequence[SourceGrid] = ()) -> LabelSet:
    """Read a segmentation onto the grid of the image it was made for.

    Parameters
    ----------
    grids : sequence of SourceGrid
        Images at hand. Where none of them fits, the labels lie on a grid of their own, made of the
        positions of the frames.

    Returns
    -------
    LabelSet
        One `Segmentation`, or several where segments overlap. Label values are the segment numbers.

    Raises
    ------
    ReadError
        If it is damaged, contradicts itself, or is of a form that is not read.
    """
    dataset = open_derived(path, with_samples=True)
    with refusing(path, "is a damaged segmentation", with_text=False), quiet():
        parsed = _parse(path, dataset, grids)
        check_samples(path, dataset)
        notes = [*parsed.places.warnings, *_strangeness(dataset, parsed, grids)]
        layers = _read_layers(path, dataset, parsed, notes)
        segmentations = tuple(_segmentations(path, layers, parsed))
        return LabelSet(
            segmentations=segmentations,
            name=name_of(path),
            origin=LabelOrigin.SEG,
            source=source_of(path, dataset),
            reference=parsed.reference,
            is_on_source_grid=parsed.places.is_on_source_grid,
            warnings=tuple(notes),
        )


def _parse(path: Path, dataset: Any, grids: Sequence[SourceGrid]) -> _Parsed:
    kind = tags.text(dataset, "SegmentationType")
    if kind not in _TYPES:
        raise ReadError(path, "is a segmentation of no known type; BINARY, FRACTIONAL and LABELMAP are read")
    reference = read_reference(dataset)
    frames = read_frames(path, dataset)
    segments = read_segments(path, dataset)
    _check_numbers(path, frames, segments)
    return _Parsed(kind, segments, frames, _place(path, frames, reference, grids), reference)


def _place(path: Path, frames: FrameSet, reference: Reference, grids: Sequence[SourceGrid]) -> FramePlaces:
    reasons = []
    for grid in find_grids(reference, grids):
        placed = place_on_source(path, frames, grid)
        if isinstance(placed, FramePlaces):
            return placed
        reasons.append(f"{placed} {ON_ITS_OWN}")
    alone = place_alone(path, frames, reference.frame_of_reference_uid)
    return replace(alone, warnings=(*alone.warnings, *reasons[:1]))


def _strangeness(dataset: Any, parsed: _Parsed, grids: Sequence[SourceGrid]) -> Iterator[str]:
    """Say where a segmentation names its image and yet another patient or frame of reference."""
    if not parsed.places.is_on_source_grid:
        return
    for grid in find_grids(parsed.reference, grids)[:1]:
        patient = patient_key(tags.text(dataset, "PatientID"))
        frame, of_image = parsed.reference.frame_of_reference_uid, grid.geometry.frame_of_reference_uid
        if patient and grid.source.patient_key and patient != grid.source.patient_key:
            yield "It refers to these images and names another patient."
        if frame and of_image and frame != of_image:
            yield "It refers to these images and names another frame of reference."


def _check_numbers(path: Path, frames: FrameSet, segments: Segments) -> None:
    known = set(segments.numbers)
    for frame in frames.frames:
        if frame.segment is not None and frame.segment not in known:
            raise ReadError(path, f"describes no segment {frame.segment}, which its frame {frame.number} belongs to")


def _read_layers(path: Path, dataset: Any, parsed: _Parsed, notes: list[str]) -> list[Layer]:
    places = parsed.places
    shape = (places.n_slices, parsed.frames.rows, parsed.frames.columns)
    highest = max(parsed.segments.numbers.values(), default=1)
    n_bytes = int(np.min_scalar_type(highest).itemsize) * shape[1] * shape[2]
    check_budget(path, n_bytes * (places.n_slices + len(places.planes)))
    if parsed.kind == "LABELMAP":
        return [Layer(_read_label_map(path, dataset, parsed, shape))]
    if parsed.kind == "FRACTIONAL":
        notes.append("Its segments are fractions; voxels of one half and more are labelled.")
    masks = _read_masks(path, dataset, parsed)
    return layer_masks(masks.items(), shape, highest, partial(check_budget, path)) or [Layer(np.zeros(shape, np.uint8))]


def _read_masks(path: Path, dataset: Any, parsed: _Parsed) -> dict[int, dict[int, Packed]]:
    """Collect the mask of each segment on each slice, packed, in order of the segment numbers."""
    masks: dict[int, dict[int, Packed]] = {value: {} for value in sorted(parsed.segments.numbers.values())}
    highest = tags.count(path, dataset, "MaximumFractionalValue", 255) if parsed.kind == "FRACTIONAL" else 1
    for frame, number, samples in _iter_placed(path, dataset, parsed):
        value = parsed.segments.numbers[parsed.frames.frames[frame].segment or 0]
        if number in masks[value]:
            raise ReadError(path, f"has two frames of segment {value} on one slice, such as frame {frame + 1}")
        masks[value][number] = pack(samples >= _HALF * highest)
    return {value: found for value, found in masks.items() if found}


def _read_label_map(path: Path, dataset: Any, parsed: _Parsed, shape: tuple[int, int, int]) -> LabelArray:
    numbers = parsed.segments.numbers
    padding = int(tags.number(dataset, "PixelPaddingValue", 0))
    nothing = {parsed.segments.background, padding, 0} - set(numbers)
    table: LabelArray = np.zeros(65536, np.min_scalar_type(max(numbers.values(), default=1)))
    is_known = np.zeros(65536, np.bool_)
    for number, value in numbers.items():
        table[number], is_known[number] = value, True
    is_known[[one for one in nothing if one is not None]] = True
    labels: LabelArray = np.zeros(shape, table.dtype)
    seen: set[int] = set()
    for frame, number, samples in _iter_placed(path, dataset, parsed):
        if number in seen:
            raise ReadError(path, f"has two frames on one slice, such as frame {frame + 1}")
        seen.add(number)
        if not is_known[samples].all():
            strange = int(samples[~is_known[samples]][0])
            raise ReadError(path, f"holds the value {strange} in frame {frame + 1}, which no segment describes")
        labels[number] = table[samples]
    return labels


def _iter_placed(path: Path, dataset: Any, parsed: _Parsed) -> Iterator[tuple[int, int, LabelArray]]:
    """Yield frame (from 0), slice and samples; complains where frames are missing."""
    shape = (parsed.frames.rows, parsed.frames.columns)
    n_read = 0
    for frame, samples in enumerate(iter_frames(path, dataset)):
        if samples.shape != shape or frame >= len(parsed.places.slices):
            raise ReadError(path, f"holds other samples in frame {frame + 1} than it declares")
        yield frame, parsed.places.slices[frame], samples
        n_read += 1
    if n_read < len(parsed.places.slices):
        raise ReadError(path, f"holds {n_read} of {len(parsed.places.slices)} frames", "Fetch the file again.")


def _segmentations(path: Path, layers: Sequence[Layer], parsed: _Parsed) -> Iterator[Segmentation]:
    """Spread slices to planes; segments that have no voxel anywhere are named by the first layer."""
    places, schema = parsed.places, parsed.segments.schema
    elsewhere = {value for layer in layers[1:] for value in layer.values}
    for number, layer in enumerate(layers, start=1):
        kept = set(schema.values) - elsewhere if number == 1 else set(layer.values)
        classes = tuple(one for one in schema.classes if one.value in kept)
        suffix = f" ({number} of {len(layers)})" if len(layers) > 1 else ""
        yield Segmentation(
            _spread(layer.labels, places), places.geometry, LabelSchema(classes=classes), name=name_of(path) + suffix
        )


def _spread(labels: LabelArray, places: FramePlaces) -> LabelArray:
    planes = places.planes
    if np.array_equal(planes, np.arange(len(labels))):
        return labels
    spread = labels[np.maximum(planes, 0)]
    spread[planes < 0] = 0
    return spread
