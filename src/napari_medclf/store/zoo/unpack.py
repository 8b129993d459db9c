"""Unpack a model's zip file: all names and sizes are checked before the first byte is written."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from napari_medclf.domain.archive_name import safe_parts
from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.events import Job, Progress

_MOST_FILES = 5_000
_MOST_BYTES = 4 * 2**30
_MOST_RATIO = 200
# Text packs better than any limit; so little does no harm.
_SMALL_BYTES = 2**20
_CHUNK = 2**20
_ENCRYPTED = 0x1
_IGNORED_TOP = "__MACOSX"
_Member = tuple[zipfile.ZipInfo, tuple[str, ...]]


def unpack(path: Path, folder: Path) -> Job[None]:
    """Unpack a zip file into a folder that is not there yet; after a failure or a stop it is not there either.

    Raises
    ------
    CardError
        If it is no zip file, damaged or encrypted; if a name is absolute, leads upwards, is a link or comes twice; or
        if it unpacks to more than 5,000 files, 4 GiB, or 200 times its size.
    WriteError
        If the disk is full.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(path, archive, folder)
            folder.mkdir(parents=True)
            try:
                yield from _extract(path, archive, members, folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise CardError(f"{path}: cannot be read as a zip file ({error}). Get it again.") from error
    except OSError as error:
        raise WriteError(f"{folder}: cannot be written ({error.strerror or error}).") from error


def _checked(path: Path, archive: zipfile.ZipFile, folder: Path) -> tuple[_Member, ...]:
    """First pass: refuse the archive for what any of its members is called or declares."""
    infos = archive.infolist()
    if len(infos) > _MOST_FILES:
        raise CardError(f"{path}: holds {len(infos)} files, and at most {_MOST_FILES} are unpacked; that is no model.")
    members = tuple((info, _parts(path, info)) for info in infos)
    members = tuple((info, parts) for info, parts in members if not info.is_dir() and parts[0] != _IGNORED_TOP)
    names = ["/".join(parts).casefold() for _, parts in members]
    if len(set(names)) < len(names):
        raise CardError(f"{path}: holds two files of the same name.")
    total = sum(info.file_size for info, _ in members)
    if total > max(_SMALL_BYTES, _MOST_RATIO * path.stat().st_size):
        raise CardError(f"{path}: would unpack to {total} bytes, over {_MOST_RATIO} times its size; that is no model.")
    if total > _MOST_BYTES:
        raise CardError(f"{path}: would unpack to {total / 2**30:.1f} GiB; the limit is {_MOST_BYTES // 2**30} GiB.")
    free = shutil.disk_usage(_existing(folder)).free
    if total > free:
        raise WriteError(f"{folder}: {total / 1e6:.0f} MB are needed, and {free / 1e6:.0f} MB are free on the disk.")
    return members


def _parts(path: Path, info: zipfile.ZipInfo) -> tuple[str, ...]:
    parts = safe_parts(info.orig_filename)
    if not parts:
        raise CardError(f"{path}: holds a file whose name could lead out of the archive; do not trust it.")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise CardError(f"{path}: holds a link or a special file; do not trust it.")
    if info.flag_bits & _ENCRYPTED:
        raise CardError(f"{path}: is encrypted; unpack it with its password and install the folder.")
    return parts


def _extract(path: Path, archive: zipfile.ZipFile, members: tuple[_Member, ...], folder: Path) -> Job[None]:
    """Second pass: unpack, never more of a file than it declared."""
    n_done, total = 0, sum(info.file_size for info, _ in members)
    for info, parts in members:
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        left = info.file_size
        with archive.open(info) as packed, target.open("xb") as file:
            while chunk := packed.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise CardError(f"{path}: is damaged; a file in it is longer than it declares.")
                file.write(chunk)
                n_done += len(chunk)
                yield Progress(n_done, total, f"unpacking {parts[-1]}")
        if left:
            raise CardError(f"{path}: is damaged; a file in it is shorter than it declares.")


def _existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.exists())
