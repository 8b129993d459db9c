"""DICOM files to images: scan headers, build stacks, read samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.derived import LabelSet, MeasurementReport
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.dicom.header import Header, read_headers
from napari_medclf.io.dicom.image import read_stack, scale_of, window_of
from napari_medclf.io.dicom.kinds import DerivedObject
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.dicom.series.stack import Stack
from napari_medclf.io.dicom.series.stacks import Refused, assemble
from napari_medclf.io.look_ahead import LookAhead
from napari_medclf.io.report import Refusal

__all__ = ["Scan", "read_file", "read_member", "read_stack", "scale_of", "scan_files", "window_of"]

_MOST_NAMED = 8


@dataclass(frozen=True)
class Scan:
    """Stacks that can be read, and what was refused before any sample was read.

    Parameters
    ----------
    gapped : tuple of Stack
        Refused stacks as they are when a person allows gaps; read by their member only.
    derived : tuple of Path
        Files of labels, contours, reports and maps.
    refused : tuple of Refused
        Series that were refused, with their headers.
    copies : dict
        As in `Assembly`.
    """

    stacks: tuple[Stack, ...]
    refusals: tuple[Refusal, ...]
    gapped: tuple[Stack, ...] = ()
    derived: tuple[Path, ...] = ()
    refused: tuple[Refused, ...] = ()
    copies: Mapping[Path, Path] = field(default_factory=dict)

    @property
    def refs(self) -> tuple[FileRef, ...]:
        """How each stack is opened later."""
        return tuple(stack.ref for stack in self.stacks)

    @cached_property
    def entries(self) -> tuple[SeriesEntry, ...]:
        """Everything there is to choose from: images, refused series, and what was derived from images."""
        entries = [stack.entry() for stack in self.stacks]
        entries += [one.entry() for one in self.refused]
        return (*entries, *(_describe(path) for path in self.derived))

    def loaders(self) -> Iterator[Callable[[], MedImage | LabelSet | MeasurementReport]]:
        """Yield a function that reads one thing: a stack each, with its overlays, then a derived object each."""
        for stack in self.stacks:
            yield partial(read_stack, stack)
            yield from _overlay_loaders(stack)
        if self.derived:
            from napari_medclf.io.derived.read import read_derived

            grids = [stack.source_grid() for stack in self.stacks]
            yield from (partial(read_derived, path, grids) for path in self.derived)

    def find_stack(self, folder: Path, member: str) -> Stack:
        """Find the stack a member names.

        Raises
        ------
        ReadError
            If there is none of that name, naming those that there are.
        """
        for stack in (*self.stacks, *self.gapped):
            if stack.answers_to(member):
                return stack
        known = ", ".join(str(ref) for ref in self.refs[:_MOST_NAMED]) or "none"
        refused = f" Refused were: {'; '.join(str(refusal) for refusal in self.refusals[:3])}" if self.refusals else ""
        raise ReadError(folder, f"has no readable series {member!r}. There are: {known}.{refused}")

    def read_member(self, folder: Path, member: str) -> MedImage:
        """Read the stack a member names; see `find_stack`."""
        return read_stack(self.find_stack(folder, member))


def scan_files(paths: Iterable[Path], on_progress: Callable[[int, int], None] | None = None) -> Scan:
    """Read headers and put the files together; samples are left alone.

    Parameters
    ----------
    on_progress : callable
        Told how many files of how many are done; what it raises ends the scan.
    """
    files = list(paths)
    headers: list[Header] = []
    derived: list[Path] = []
    refusals: list[Refusal] = []
    with quiet():  # around all of them, as several at once would put back each other's settings
        for n_done, (path, found) in enumerate(LookAhead().each(read_headers, files, ReadError)):
            if on_progress is not None:
                on_progress(n_done, len(files))
            if isinstance(found, DerivedObject):
                derived.append(path)
            elif isinstance(found, ReadError):
                refusals.append(Refusal.of(found))
            else:
                headers.extend(found)
    if on_progress is not None:
        on_progress(len(files), len(files))
    assembly = assemble(headers)
    refusals += [one.refusal for one in assembly.refused]
    return Scan(assembly.stacks, tuple(refusals), assembly.gapped, tuple(derived), assembly.refused, assembly.copies)


def read_file(path: Path, member: str = "") -> MedImage:
    """Read one image of one file.

    Raises
    ------
    ReadError
        If it cannot be read; or, naming the members, if there are several and none was named.
    """
    headers = read_headers(path)
    scan = _scan_of(headers)
    if member:
        return scan.read_member(path, member)
    if len(scan.stacks) == 1 and not scan.refusals:
        return read_stack(scan.stacks[0])
    if not scan.stacks and len(scan.refusals) == 1:
        raise scan.refusals[0].as_error()
    members = ", ".join(stack.member for stack in scan.stacks[:_MOST_NAMED])
    refused = f"; refused: {scan.refusals[0].reason}" if scan.refusals else ""
    raise ReadError(path, f"holds {len(scan.stacks)} images: {members or 'none'}{refused}", "Name one of them.")


def read_member(folder: Path, member: str, files: Iterable[Path]) -> MedImage:
    """Read the stack that a member names, of the files of a folder.

    Raises
    ------
    ReadError
        If there is none of that name, or it cannot be read.
    """
    return scan_files(files).read_member(folder, member)


def _overlay_loaders(stack: Stack) -> Iterator[Callable[[], LabelSet]]:
    """Yield one function where a stack has overlays; it gives them, or the reason why it cannot."""
    if not any(header.has_overlay for header in stack.headers) or stack.headers[0].tile is not None:
        return
    from napari_medclf.io.dicom.pixels.overlay import read_overlays

    try:
        found = read_overlays(stack.headers, read_stack(stack, lazy=True))
    except ReadError as error:
        yield partial(_raise, error)
        return
    if found is not None:
        yield partial(_give, found)


def _give(labels: LabelSet) -> LabelSet:
    return labels


def _raise(error: ReadError) -> LabelSet:
    raise error


def _scan_of(headers: Sequence[Header]) -> Scan:
    assembly = assemble(headers)
    refusals = tuple(one.refusal for one in assembly.refused)
    return Scan(assembly.stacks, refusals, assembly.gapped, refused=assembly.refused)


def _describe(path: Path) -> SeriesEntry:
    """List a derived object; what is damaged keeps its reason."""
    from napari_medclf.io.derived.read import describe_derived

    try:
        return describe_derived(path)
    except ReadError as error:
        entry = SeriesEntry(FileRef(path), path.name, "DICOM", files=(path,))
        return replace(entry, reason=error.reason, hint=error.hint)
