"""From loose headers to stacks that are one image each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.place import Placement, PlacementError, place, repeated_places
from napari_medclf.io.dicom.traits import KIND_NAMES
from napari_medclf.io.report import Refusal


@dataclass(frozen=True)
class Stack:
    """Files that make one image.

    Parameters
    ----------
    headers : tuple of Header
        In the order of axis k.
    placement : Placement or None
        None for a picture that does not tell its place in the patient.
    part : str
        Tells apart the stacks of one series; the same whatever else is scanned.
    label : str
        What sets this stack apart in its series, in words; may be empty.
    is_only : bool
        Whether it is the only stack of its series.
    """

    headers: tuple[Header, ...]
    placement: Placement | None
    part: str = ""
    label: str = ""
    is_only: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The file of a single image, else the folder that holds all files."""
        return _home(self.headers)

    @property
    def member(self) -> str:
        """The name of this stack inside its folder; empty for a single file."""
        if self.is_only and len({header.path for header in self.headers}) == 1:
            return ""
        key = self.headers[0].series_key
        return key if self.is_only else f"{key}:{self.part}"

    @property
    def ref(self) -> FileRef:
        """What `read_image` opens it by."""
        return FileRef(self.path, self.member)

    def answers_to(self, member: str) -> bool:
        """Whether `member` means this stack."""
        key = self.headers[0].series_key
        return member == f"{key}:{self.part}" or (self.is_only and member == key)


def assemble(headers: Iterable[Header]) -> tuple[tuple[Stack, ...], tuple[Refusal, ...]]:
    """Sort headers into stacks; a series that no affine can place is refused as a whole.

    Files are put together by series, then by size, colour and frame of reference. Images at
    the same place are told apart by echo, time, acquisition and the like, where that settles it.
    """
    stacks: list[Stack] = []
    refusals: list[Refusal] = []
    for series in _grouped(headers, _series_key):
        try:
            stacks.extend(_assemble_series(series, refusals))
        except PlacementError as error:
            refusals.append(_refusal(series, error))
    return tuple(stacks), tuple(refusals)


def _assemble_series(series: list[Header], refusals: list[Refusal]) -> list[Stack]:
    if len({header.patient_key for header in series}) > 1:
        raise PlacementError("it holds images of more than one patient under one series UID")
    series, notes = _without_copies(series)
    shapes = _grouped(series, _shape_key)
    parts = [part for shape in shapes for part in _split_shape(shape)]
    if len(parts) > 1:
        notes.append(f"Its series is {len(parts)} images of different size, colour, echo, time or place.")
    stacks = []
    for label, part in parts:
        try:
            stacks.append(replace(_stack(part, label), is_only=len(parts) == 1, warnings=tuple(notes)))
        except PlacementError as error:
            refusals.append(_refusal(part, error))
    return stacks


def _split_shape(shape: list[Header]) -> list[tuple[str, list[Header]]]:
    if shape[0].is_placed:
        return _split_repeats(shape)
    return [(header.path.name, [header]) for header in shape]


def _stack(headers: list[Header], label: str) -> Stack:
    part = hashlib.sha256(f"{_shape_key(headers[0])} {label}".encode()).hexdigest()[:8]
    if not headers[0].is_placed:
        return Stack(tuple(headers), None, part, label)
    if len(headers) > 1 and headers[0].is_film:
        raise PlacementError(f"{len(headers)} films share one place")
    placement = place(headers)
    return Stack(placement.headers, placement, part, label)


def _split_repeats(shape: list[Header]) -> list[tuple[str, list[Header]]]:
    """Tell apart images at the same place by the first attribute that leaves no repeats."""
    if not repeated_places(shape):
        return [("", shape)]
    for index, name in enumerate(KIND_NAMES):
        parts = _grouped(shape, lambda header, index=index: header.kinds[index])  # type: ignore[misc]
        if min(len(part) for part in parts) > 1 and not any(repeated_places(part) for part in parts):
            return [(f"{name} {part[0].kinds[index]}", part) for part in parts]
    return [("", shape)]


def _without_copies(series: list[Header]) -> tuple[list[Header], list[str]]:
    kept: dict[tuple[str, int | None], Header] = {}
    for header in series:
        kept.setdefault((header.sop_instance_uid or str(header.path), header.frame), header)
    n_copies = len(series) - len(kept)
    notes = [f"{n_copies} files are there twice (same SOP instance UID); one of each was read."] if n_copies else []
    return list(kept.values()), notes


def _series_key(header: Header) -> tuple[Hashable, ...]:
    return (header.series_key, "" if header.series_uid else header.path.parent)


def _shape_key(header: Header) -> tuple[Hashable, ...]:
    pixels = header.pixels
    return (
        pixels.rows,
        pixels.columns,
        pixels.is_colour,
        pixels.photometric == "MONOCHROME1",
        header.is_film and pixels.n_frames,
        header.is_placed,
        header.frame_of_reference_uid,
    )


def _grouped(headers: Iterable[Header], key: Callable[[Header], Hashable]) -> list[list[Header]]:
    groups: dict[Hashable, list[Header]] = {}
    for header in headers:
        groups.setdefault(key(header), []).append(header)
    return list(groups.values())


def _refusal(headers: Sequence[Header], error: PlacementError) -> Refusal:
    first = headers[0]
    series = f"series {first.series_number or 'without a number'} ({first.modality or 'no modality'})"
    return Refusal(_home(headers), f"{series}: {error.reason}", error.hint)


def _home(headers: Sequence[Header]) -> Path:
    if len({header.path for header in headers}) == 1:
        return headers[0].path
    return Path(os.path.commonpath([header.path.parent for header in headers]))
