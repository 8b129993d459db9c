"""Zip archives: every name and size is checked before the first byte is unpacked, into a folder of our own."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import BinaryIO

from napari_medclf.atomic import is_left_behind
from napari_medclf.domain.archive_name import safe_parts
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.preflight import check_file, refusing

MEMBER_MARK = "!"
"""Stands between a file inside an archive and the member inside that file: ``study/a!1.2.3``."""

_PREFIX = "medclf-zip-"
_MOST_MEMBERS = 20_000
_MOST_BYTES = 32 * 2**30
_MOST_RATIO = 200
# Empty slices and label images pack better than any limit; so little does no harm.
_SMALL_BYTES = 64 * 2**20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_Member = tuple[zipfile.ZipInfo, tuple[str, ...]]
_ENCRYPTED = 0x1
_LOCAL_MAGIC, _LOCAL_BYTES = b"PK\x03\x04", 30
_CHUNK = 2**20
_IGNORED_TOP = "__MACOSX"


def unpacked(path: Path) -> Path:
    """Give a private folder with the files of an archive; it is unpacked once and removed at the end of the program.

    Raises
    ------
    ReadError
        If it is damaged or encrypted, if a name is absolute, leads upwards, is a link or comes twice, or if it
        unpacks to more than 20,000 files, 32 GiB, 200 times its size, or the free space.
    """
    size = check_file(path)
    info = path.stat()
    return _unpacked(path.resolve(), size, info.st_mtime_ns)


@cache
def _unpacked(path: Path, size: int, _mtime_ns: int) -> Path:
    with refusing(path, "cannot be read as a zip archive"), zipfile.ZipFile(path) as archive:
        members = _checked(path, archive, size)
        folder = _make_folder()
        try:
            _extract_all(path, archive, members, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder


def _make_folder() -> Path:
    """Make a folder that goes with this process, and remove those of processes that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if is_left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=f"-{os.getpid()}"))
    # Unlike atexit, this is also run at the end of the worker processes of a batch.
    Finalize(None, shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True}, exitpriority=0)
    return folder


def _checked(path: Path, archive: zipfile.ZipFile, size: int) -> tuple[_Member, ...]:
    """First pass: refuse the archive for what any of its members is called or declares."""
    infos = archive.infolist()
    if len(infos) > _MOST_MEMBERS:
        raise ReadError(path, f"holds {len(infos)} files, and at most {_MOST_MEMBERS} are unpacked", "Unpack it first.")
    members = tuple((info, _parts(path, info)) for info in infos if not info.is_dir())
    members = tuple((info, parts) for info, parts in members if parts[0] != _IGNORED_TOP)
    names = ["/".join(parts).casefold() for _, parts in members]
    if len(set(names)) < len(names):
        raise ReadError(path, "holds two files of the same name", "Unpack it with a program that can rename them.")
    total = sum(info.file_size for info, _ in members)
    if total > _SMALL_BYTES and total > _MOST_RATIO * size:
        raise ReadError(path, f"would unpack to {total} bytes, {total // size} times its size; that is no study")
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if total > min(_MOST_BYTES, free * 0.9):
        raise ReadError(
            path,
            f"would unpack to {total / 2**30:.1f} GiB; the limit is {_MOST_BYTES / 2**30:.0f} GiB, and "
            f"{free / 2**30:.1f} GiB are free",
            "Unpack it elsewhere and open the folder.",
        )
    return members


def _parts(path: Path, info: zipfile.ZipInfo) -> tuple[str, ...]:
    """Take a member's name apart, if it is one that cannot lead anywhere else."""
    mode = info.external_attr >> 16
    parts = safe_parts(info.orig_filename)
    if not parts:
        raise ReadError(path, "holds a file whose name could lead out of the archive", "Do not trust it.")
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ReadError(path, "holds a link or a special file", "Unpack it and open the folder.")
    if info.flag_bits & _ENCRYPTED:
        raise ReadError(path, "is encrypted", "Unpack it with its password and open the folder.")
    if info.compress_type not in _METHODS:
        raise ReadError(path, f"is packed with method {info.compress_type}, which is not read", "Unpack it first.")
    return parts


def _extract_all(path: Path, archive: zipfile.ZipFile, members: tuple[_Member, ...], folder: Path) -> None:
    """Second pass: unpack, never more of a file than it declared."""
    for parent in {folder.joinpath(*parts[:-1]) for _, parts in members}:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("rb") as file:
        for member, parts in members:
            target = folder.joinpath(*parts)
            is_small = member.file_size <= _SMALL_BYTES and member.compress_size <= _SMALL_BYTES
            if is_small and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                target.write_bytes(_content(path, file, member))
            else:
                _stream(path, archive, member, target)


def _content(path: Path, file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    """Unpack a small member at once, which is five times as fast as zipfile for many little files."""
    file.seek(member.header_offset)
    local = file.read(_LOCAL_BYTES)
    if len(local) < _LOCAL_BYTES or not local.startswith(_LOCAL_MAGIC):
        raise ReadError(path, "is damaged: a file in it is not where its index says", "Fetch it again.")
    n_name, n_extra = struct.unpack("<2H", local[26:30])
    file.seek(n_name + n_extra, os.SEEK_CUR)
    content = file.read(member.compress_size)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        content = zlib.decompressobj(-15).decompress(content, member.file_size + 1)
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise ReadError(path, "is damaged: a file in it is not what its index declares", "Fetch it again.")
    return content


def _stream(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    left = member.file_size
    with archive.open(member) as packed, target.open("xb") as file:
        while chunk := packed.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ReadError(path, "is damaged: a file in it is longer than it declares", "Fetch it again.")
            file.write(chunk)
    if left:
        raise ReadError(path, "is damaged: a file in it is shorter than it declares", "Fetch it again.")
