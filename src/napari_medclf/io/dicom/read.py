"""DICOM files to images: scan headers, build stacks, read samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.dicom.colour import read_colour
from napari_medclf.io.dicom.header import Header, read_headers
from napari_medclf.io.dicom.samples import read_gray
from napari_medclf.io.dicom.stacks import Stack, assemble
from napari_medclf.io.dicom.stored import stored_limits
from napari_medclf.io.preflight import refusing
from napari_medclf.io.report import Refusal
from napari_medclf.io.sniff import Kind, kind_by_name, stem_of
from napari_medclf.io.window import robust_window

_MOST_NAMED = 8
_MOST_NAME = 60
# Modalities whose pictures are made to be looked at.
_DISPLAYED = frozenset(("US", "ES", "OP", "XC", "GM", "SM", "OT", "DOC"))


@dataclass(frozen=True)
class Scan:
    """Stacks that can be read, and what was refused before any sample was read."""

    stacks: tuple[Stack, ...]
    refusals: tuple[Refusal, ...]

    @property
    def refs(self) -> tuple[FileRef, ...]:
        """How each stack is opened later."""
        return tuple(stack.ref for stack in self.stacks)

    def loaders(self) -> Iterator[Callable[[], MedImage]]:
        """Yield a function a stack that reads it."""
        return (partial(read_stack, stack) for stack in self.stacks)

    def read_member(self, folder: Path, member: str) -> MedImage:
        """Read the stack a member names.

        Raises
        ------
        ReadError
            If there is none of that name, naming those that there are.
        """
        for stack in self.stacks:
            if stack.answers_to(member):
                return read_stack(stack)
        known = ", ".join(str(ref) for ref in self.refs[:_MOST_NAMED]) or "none"
        refused = f" Refused were: {'; '.join(str(refusal) for refusal in self.refusals[:3])}" if self.refusals else ""
        raise ReadError(folder, f"has no readable series {member!r}. There are: {known}.{refused}")


def scan_files(paths: Iterable[Path]) -> Scan:
    """Read headers and put the files together; samples are left alone."""
    headers: list[Header] = []
    refusals: list[Refusal] = []
    for path in paths:
        try:
            headers.extend(read_headers(path))
        except ReadError as error:
            refusals.append(Refusal.of(error))
    stacks, unplaced = assemble(headers)
    return Scan(stacks, (*refusals, *unplaced))


def read_file(path: Path) -> MedImage:
    """Read the one image of one file.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    scan = scan_files([path])
    if scan.refusals:
        raise scan.refusals[0].as_error()
    return read_stack(scan.stacks[0])


def read_stack(stack: Stack) -> MedImage:
    """Read the samples of a stack.

    Raises
    ------
    ReadError
        Naming the file that cannot be decoded.
    """
    first = stack.headers[0]
    warnings = [*stack.warnings, *(stack.placement.warnings if stack.placement else ()), *_notes(stack)]
    is_colour = first.pixels.is_colour
    with refusing(first.path, "cannot be decoded"):
        data = read_colour(stack.headers) if is_colour else read_gray(stack.headers, warnings)
        kind = ChannelKind.COLOUR if is_colour else ChannelKind.NONE
        if first.is_film:
            data, kind = data[:, None], ChannelKind.TIME
        return MedImage(
            data=data,
            geometry=_geometry(stack, data.shape[-3:]),
            name=_name(stack),
            modality=first.modality,
            scale=_scale(first),
            channel_kind=kind,
            channel_names=("red", "green", "blue") if is_colour else (),
            window=None if is_colour else _window(first) or robust_window(data),
            source=_source(stack),
            warnings=tuple(dict.fromkeys(warnings)),
        )


def _notes(stack: Stack) -> Iterator[str]:
    for header in stack.headers:
        yield from header.warnings
    first = stack.headers[0]
    if first.spacing is None:
        yield "It does not tell the size of its pixels; lengths and areas are in pixels."
    elif first.spacing.warning:
        yield first.spacing.warning
    if first.pixels.photometric == "MONOCHROME1":
        yield "Its low values are bright (MONOCHROME1); they were turned round, so that high is bright."


def _geometry(stack: Stack, shape: tuple[int, int, int]) -> Geometry:
    first = stack.headers[0]
    if stack.placement is not None:
        return Geometry(stack.placement.affine, shape, first.frame_of_reference_uid)
    if first.spacing is None:
        return Geometry.flat(*shape[1:])
    return Geometry.from_spacing(shape, (1.0, first.spacing.row_mm, first.spacing.column_mm))


def _scale(header: Header) -> Scale:
    if header.pixels.is_colour or header.modality in _DISPLAYED:
        return Scale.DISPLAY
    if header.modality == "CT" and header.is_rescaled and header.rescale_type.upper() in ("", "HU"):
        return Scale.HU
    return Scale.RAW


def _window(header: Header) -> tuple[float, float] | None:
    """Limits for the display, turned round with the samples of MONOCHROME1."""
    if header.window is None or header.pixels.photometric != "MONOCHROME1":
        return header.window
    total = header.slope * sum(stored_limits(header.pixels)) + 2 * header.intercept
    low, high = header.window
    return (total - high, total - low)


def _source(stack: Stack) -> Source:
    first = stack.headers[0]
    return Source(
        path=stack.path,
        member=stack.member,
        patient_key=first.patient_key,
        study_uid=first.study_uid,
        series_uid=first.series_uid,
        sop_instance_uids=tuple(header.sop_instance_uid for header in stack.headers),
        frame_numbers=tuple(header.frame for header in stack.headers if header.frame is not None),
        files=tuple(dict.fromkeys(header.path for header in stack.headers)),
        description=first.description,
    )


def _name(stack: Stack) -> str:
    """Name a series by its tags and a single file by its name; characters that file names allow."""
    first = stack.headers[0]
    if len(stack.headers) == 1:
        path = first.path
        parts = [stem_of(path) if kind_by_name(path) is Kind.DICOM else path.name]
    else:
        parts = [first.modality, first.series_number, first.description or first.path.parent.name, stack.label]
    return (
        re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(part for part in parts if part)).strip("._-")[:_MOST_NAME] or "dicom"
    )
