"""Where things inside a zip archive are said to be: in the archive, not in the folder it was unpacked to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import Source
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.archive import MEMBER_MARK
from napari_medclf.io.report import ReadItem, Refusal


def outer_ref(ref: FileRef, archive: Path, folder: Path) -> FileRef:
    """Name something in an unpacked archive by the archive: ``a.zip`` and ``study/ct!1.2.3``."""
    inner = ref.path.relative_to(folder).as_posix()
    inner = "" if inner == "." else inner
    return FileRef(archive, f"{inner}{MEMBER_MARK}{ref.member}" if ref.member else inner)


def inner_ref(member: str, archive: Path, folder: Path) -> FileRef:
    """Find what a member of an archive names, in the folder it was unpacked to.

    Raises
    ------
    ReadError
        If it names nothing in there.
    """
    whole = folder / member
    if _is_inside(whole, folder):
        return FileRef(whole)
    inner, _, rest = member.partition(MEMBER_MARK)
    if MEMBER_MARK in member and _is_inside(folder / inner, folder):
        return FileRef(folder / inner, rest)
    raise ReadError(archive, f"holds nothing called {member!r}")


def outer_item(item: ReadItem, archive: Path, folder: Path) -> ReadItem:
    """Say of something that was read where it really is; `Source.files` still lead to the unpacked files."""
    if isinstance(item, Refusal):
        return outer_refusal(item, archive, folder)
    return replace(item, source=_outer_source(item.source, archive, folder))


def outer_refusal(refusal: Refusal, archive: Path, folder: Path) -> Refusal:
    """Do as `outer_item`."""
    return replace(
        refusal,
        path=_outer_path(refusal.path, archive, folder),
        ways=tuple(outer_ref(way, archive, folder) for way in refusal.ways),
    )


def outer_error(error: ReadError, archive: Path, folder: Path) -> ReadError:
    """Do as `outer_item`."""
    return ReadError(_outer_path(error.path, archive, folder), error.reason, error.hint)


def outer_entry(entry: SeriesEntry, archive: Path, folder: Path) -> SeriesEntry:
    """Do as `outer_item`."""
    is_study_a_folder = entry.study.startswith(str(folder))
    return replace(
        entry,
        ref=outer_ref(entry.ref, archive, folder),
        study=str(_outer_path(Path(entry.study), archive, folder)) if is_study_a_folder else entry.study,
        ways=tuple(outer_ref(way, archive, folder) for way in entry.ways),
        files=(archive,),
    )


def _outer_source(source: Source, archive: Path, folder: Path) -> Source:
    ref = outer_ref(FileRef(source.path, source.member), archive, folder)
    return replace(source, path=ref.path, member=ref.member)


def _outer_path(path: Path, archive: Path, folder: Path) -> Path:
    return archive / path.relative_to(folder) if path.is_relative_to(folder) else path


def _is_inside(path: Path, folder: Path) -> bool:
    return path.exists() and path.resolve().is_relative_to(folder.resolve())
