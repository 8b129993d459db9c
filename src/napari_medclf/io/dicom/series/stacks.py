"""From loose headers to stacks that are one image each."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.image import Gaps
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.series.place import PlacementError, place
from napari_medclf.io.dicom.series.split import Part, by_plane, grouped, split
from napari_medclf.io.dicom.series.stack import Stack, home_of
from napari_medclf.io.report import Refusal

_WAYS = {Gaps.BLANK: "left blank", Gaps.RESAMPLE: "interpolated"}


@dataclass(frozen=True)
class Refused:
    """Headers that no affine can place, why, and how they can be opened all the same."""

    refusal: Refusal
    headers: tuple[Header, ...]

    def entry(self) -> SeriesEntry:
        """The row of a series picker."""
        like = Stack(self.headers, None)
        n_files = len({header.path for header in self.headers})
        return replace(
            like.entry(),
            ref=FileRef(self.refusal.path, like.headers[0].series_key),
            size=(),
            spacing_mm=None,
            n_files=n_files,
            warnings=(),
            reason=self.refusal.reason,
            hint=self.refusal.hint,
            ways=self.refusal.ways,
        )


@dataclass(frozen=True)
class Assembly:
    """What loose headers make.

    Parameters
    ----------
    stacks : tuple of Stack
        What is read as it is.
    refused : tuple of Refused
        What no affine can place.
    gapped : tuple of Stack
        Refused stacks with their gaps left blank or resampled.
    copies : dict
        A file to the one with the same SOP instance UIDs at the same places, which was taken instead.
    """

    stacks: tuple[Stack, ...]
    refused: tuple[Refused, ...]
    gapped: tuple[Stack, ...] = ()
    copies: Mapping[Path, Path] = field(default_factory=dict)


def assemble(headers: Iterable[Header]) -> Assembly:
    """Sort headers into stacks; what no affine can place is refused, with slice numbers and millimetres.

    Planes are put together by series, then by size, colour and frame of reference, then by orientation and
    pixel spacing. Planes at the same place are told apart by their kind (echo, b-value ...), which gives
    several images, or by their time, which gives one image of several times.
    """
    builder = _Builder()
    for series in grouped(headers, _series_key):
        builder.add_series(series)
    return Assembly(tuple(builder.stacks), tuple(builder.refused), tuple(builder.gapped), builder.copies)


@dataclass
class _Builder:
    stacks: list[Stack] = field(default_factory=list)
    gapped: list[Stack] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    copies: dict[Path, Path] = field(default_factory=dict)

    def add_series(self, series: list[Header]) -> None:
        try:
            _check_series(series)
        except PlacementError as error:
            self._refuse(series, error)
            return
        series, copies, notes = _without_copies(series)
        self.copies |= copies
        parts = list(self._parts(series))
        notes += _contradictions(series)
        if len(parts) > 1:
            notes.append(f"Its series is {len(parts)} images that differ in size, orientation, spacing or kind.")
        home = home_of(series)
        for part in parts:
            like = Stack(part.headers, None, is_only=len(parts) == 1, home=home, warnings=tuple(notes))
            self._add_part(part, like)

    def _parts(self, series: list[Header]) -> Iterator[Part]:
        for shape in grouped(series, _shape_key):
            if not shape[0].is_placed:
                yield from (Part((header,), header.path.name) for header in shape)
                continue
            for label, plane in by_plane(shape):
                for part in split(plane, self._refuse):
                    yield replace(part, label=f"{label} {part.label}".strip())

    def _add_part(self, part: Part, like: Stack) -> None:
        key = _part_key(part)
        like = replace(like, part=key, label=part.label, times=part.times)
        if not part.headers[0].is_placed:
            self.stacks.append(like)
            return
        try:
            self.stacks.append(_placed(like, Gaps.REFUSE))
        except PlacementError as error:
            ways = [stack for gaps in error.ways if (stack := _gapped(like, gaps)) is not None]
            self.gapped += ways
            self._refuse(part.headers, error, ways)

    def _refuse(self, headers: Sequence[Header], error: PlacementError, ways: Sequence[Stack] = ()) -> None:
        first = headers[0]
        series = f"series {first.series_number or 'without a number'} ({first.modality or 'no modality'})"
        refs = tuple(stack.ref for stack in ways)
        possible = " or ".join(_WAYS[gaps] for gaps in error.ways)
        hint = f"{error.hint} Or allow its gaps to be {possible}." if refs else error.hint
        refusal = Refusal(home_of(headers), f"{series}: {error.reason}", hint, refs)
        self.refused.append(Refused(refusal, tuple(headers)))


def _placed(stack: Stack, gaps: Gaps) -> Stack:
    if len(stack.headers) > 1 and stack.headers[0].is_film:
        raise PlacementError(f"{len(stack.headers)} films share one place")
    placement = place(stack.headers, gaps)
    return replace(stack, headers=placement.headers, placement=placement)


def _gapped(stack: Stack, gaps: Gaps) -> Stack | None:
    """Place a stack with its gaps filled; None where something else is wrong with it too."""
    try:
        return _placed(stack, gaps)
    except PlacementError:
        return None


def _check_series(series: Sequence[Header]) -> None:
    if len({header.patient_key for header in series}) > 1:
        raise PlacementError("it holds images of more than one patient under one series UID")
    for uid in sorted({header.concatenation[0] for header in series} - {""}):
        pieces = {header.concatenation[1:] for header in series if header.concatenation[0] == uid}
        total = max(max(number, declared) for number, declared in pieces)
        lost = sorted(set(range(1, min(total, 10_000) + 1)) - {number for number, _ in pieces})
        if lost:
            raise PlacementError(
                f"an object in {total} files (a concatenation) is incomplete: file {lost[0]} is missing",
                "Fetch the whole series.",
            )


def _contradictions(series: Sequence[Header]) -> list[str]:
    """Say what all files of a series should share and do not, PS3.3 A.1.2."""
    shared = {"studies": {header.study_uid for header in series}, "modalities": {header.modality for header in series}}
    return [f"Its files name {len(found)} {name}." for name, found in shared.items() if len(found) > 1]


def _without_copies(series: list[Header]) -> tuple[list[Header], dict[Path, Path], list[str]]:
    """Leave out files that are there twice; one identifier at two places or sizes is no copy but a careless sender."""
    kept: dict[Hashable, Header] = {}
    like: dict[Path, Path] = {}
    for header in series:
        name = header.sop_instance_uid or str(header.path)
        place = (header.frame, header.tile, header.position, header.times)
        first = kept.setdefault((name, *place, header.rows, header.columns, header.pixels.n_frames), header)
        if first is not header:
            like[header.path] = first.path
    taken = {header.path for header in kept.values()}
    copies = {path: first for path, first in like.items() if path not in taken}
    notes = (
        [f"{len(copies)} files carry the SOP instance UID of another at the same place; one of each was read."]
        if copies
        else []
    )
    named = [
        (header.sop_instance_uid, header.frame, header.tile) for header in kept.values() if header.sop_instance_uid
    ]
    if len(set(named)) < len(named):
        notes.append("Several of its slices have the same SOP instance UID.")
    return list(kept.values()), copies, notes


def _part_key(part: Part) -> str:
    return hashlib.sha256(f"{_shape_key(part.headers[0])} {part.label}".encode()).hexdigest()[:8]


def _series_key(header: Header) -> tuple[Hashable, ...]:
    return (header.series_key, "" if header.series_uid else header.path.parent)


def _shape_key(header: Header) -> tuple[Hashable, ...]:
    pixels = header.pixels
    return (
        header.rows,
        header.columns,
        pixels.is_colour,
        pixels.photometric == "MONOCHROME1",
        header.is_film and pixels.n_frames,
        header.is_placed,
        header.frame_of_reference_uid,
    )
