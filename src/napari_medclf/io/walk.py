"""Which files are there, and which reader each one is for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.look_ahead import LookAhead
from napari_medclf.io.passed_over import LeaveOut, Passed
from napari_medclf.io.preflight import is_special, read_head
from napari_medclf.io.report import Refusal
from napari_medclf.io.sniff import HEAD_BYTES, Kind, is_samples_only, kind_by_name, kind_of_head

Item = TypeVar("Item")
OnProgress = Callable[[int, int], None]
"""Takes how many are done, and how many there are (0 where that is not known)."""

_READABLE = "DICOM, NIfTI, NRRD, MetaImage, Analyze, PNG, JPEG, TIFF, GIF, BMP, npz or zip"
_PROGRESS_STEP = 100
_DIGITS = re.compile(r"([0-9]+)")
_FOREIGN = {
    ".mgz": "FreeSurfer MGH",
    ".svs": "a whole-slide image",
    ".npy": "a plain numpy array",
    ".mnc": "MINC",
    ".par": "Philips PAR/REC",
    ".gz": "a packed file",
    ".tar": "a tar archive",
    ".tgz": "a tar archive",
    ".7z": "a 7-Zip archive",
    ".rar": "a RAR archive",
}


@dataclass(frozen=True)
class Found:
    """A file, its kind, and whether a person named it (rather than its folder)."""

    path: Path
    kind: Kind
    is_named: bool = True


@dataclass(frozen=True)
class Collected:
    """Readable files in a stable order, and what was refused.

    Parameters
    ----------
    others : tuple of Refusal
        What lies in the folders and is no image.
    left_out : tuple of Refusal
        Files and whole folders that were not wanted.
    samples : dict
        Header to the file of its samples, where the name alone tells that they belong together.
    """

    files: tuple[Found, ...]
    refusals: tuple[Refusal, ...]
    others: tuple[Refusal, ...] = ()
    left_out: tuple[Refusal, ...] = ()
    samples: Mapping[Path, Path] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> tuple[Path, ...]:
        """Paths of one kind."""
        return tuple(found.path for found in self.files if found.kind is kind)


def collect(
    paths: Iterable[Path], on_progress: OnProgress | None = None, leave_out: LeaveOut | None = None
) -> Collected:
    """Walk files and folders.

    Parameters
    ----------
    on_progress : callable
        Told how many files were found, and 0 as their number is not known yet; what it raises ends the walk.
    leave_out : callable
        Tells which files and folders are not wanted; they are not opened.
    """
    files: dict[Path, Found] = {}
    passed = Passed(leave_out)
    tell = on_progress or (lambda done, total: None)
    for path in paths:
        try:
            for found in _look(path, passed, tell):
                files.setdefault(found.path, found)
        except ReadError as error:
            passed.refusals.append(Refusal.of(error))
    return Collected(
        tuple(files.values()),
        tuple(passed.refusals),
        tuple(passed.others),
        tuple(passed.left_out),
        passed.samples,
    )


def identify(path: Path) -> Kind:
    """Tell a file's kind; it is opened once.

    Raises
    ------
    ReadError
        If it cannot be opened or is nothing we read.
    """
    kind = kind_of_head(path, read_head(path, HEAD_BYTES))
    if kind is Kind.UNKNOWN:
        raise _foreign(path)
    return kind


def _look(path: Path, passed: Passed, tell: OnProgress) -> Iterator[Found]:
    if not path.is_dir():
        yield from _look_at_named(path, passed.refusals)
        return
    ahead = LookAhead()
    files = list(_told(walk_files(path, passed, ahead), tell))
    for file, kind in _told(ahead.each(identify, files, ReadError), tell):
        if isinstance(kind, ReadError):
            _pass_by(file, kind, passed)
        elif kind is Kind.ZIP:
            passed.refusals.append(Refusal(file, "is a zip archive inside a folder", "Open it by itself."))
        elif kind is Kind.DICOMDIR:
            passed.pass_index(file)
        else:
            yield Found(file, kind, is_named=False)
    if not files and not passed.left_out:
        raise ReadError(path, "holds no image", f"A folder with {_READABLE} files was expected.")


def _told(items: Iterable[Item], tell: OnProgress) -> Iterator[Item]:
    """Tell how many there were after some of them, which may be where a person stops it."""
    for n_seen, item in enumerate(items, start=1):
        if n_seen % _PROGRESS_STEP == 0:
            tell(n_seen, 0)
        yield item


def _pass_by(file: Path, error: ReadError, passed: Passed) -> None:
    """Note a file of a folder that is nothing we read."""
    if is_special(file):
        passed.pass_special(file)
    elif is_samples_only(file):
        passed.pass_samples(file)
    else:
        passed.refusals.append(Refusal.of(error))


def _look_at_named(path: Path, refusals: list[Refusal]) -> Iterator[Found]:
    if is_samples_only(path) and path.with_suffix(".hdr").is_file():
        path = path.with_suffix(".hdr")
    kind = identify(path)
    if kind is not Kind.DICOMDIR:
        yield Found(path, kind)
        return
    from napari_medclf.io.dicomdir import list_files

    files, missing = list_files(path)
    refusals.extend(missing)
    yield from (Found(file, Kind.DICOM) for file in files)


def walk_files(folder: Path, passed: Passed, ahead: LookAhead) -> Iterator[Path]:
    """Yield the files below a folder in natural order that may be images; `passed` takes note of the others.

    Those of a folder come before those of its sub-folders. Linked folders are not followed, so a loop of links cannot
    catch us.
    """
    open_folders = [ahead.each(_list_folder, [folder], OSError)]
    while open_folders:
        listed = next(open_folders[-1], None)
        if listed is None:
            open_folders.pop()
            continue
        place, content = listed
        if isinstance(content, OSError):
            passed.refusals.append(Refusal(Path(content.filename or place), f"cannot be listed ({content.strerror})"))
            continue
        folders, files = content
        wanted = passed.take_folders(folders, ahead)
        yield from filter(passed.takes_file, files)
        open_folders.append(ahead.each(_list_folder, wanted, OSError))


def _list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """List the folders and the files in a folder, in natural order."""
    folders: list[Path] = []
    files: list[Path] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            (folders if _is_folder(entry) else files).append(Path(entry.path))
    return sorted(folders, key=_by_name), sorted(files, key=_by_name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _by_name(path: Path) -> list[tuple[int, int, str]]:
    return natural_key(path.name)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts ``img2`` before ``img10``."""
    parts = _DIGITS.split(name.casefold())
    return [(0, int(one[-4000:]), "") if n % 2 else (1, 0, one) for n, one in enumerate(parts) if one]


def _foreign(path: Path) -> ReadError:
    by_name = kind_by_name(path)
    if by_name is not Kind.UNKNOWN:
        return ReadError(
            path, f"is named {path.suffix} and its content is not {by_name}", "It may be damaged or misnamed."
        )
    foreign = _FOREIGN.get(path.suffix.lower())
    if foreign is not None:
        return ReadError(path, f"is {foreign}, which this version does not read", "Convert it to .nii.gz or .tif.")
    return ReadError(path, "is not an image this program reads", f"{_READABLE} was expected.")
