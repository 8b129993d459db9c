"""Bring a model of the online list to this computer: from its author, a mirror, or a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_medclf.atomic import is_left_behind
from napari_medclf.domain.errors import CardError, ServerError, WriteError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.store.zoo.download import DEFAULT_PATIENCE, Patience, download
from napari_medclf.store.zoo.entry import ZooEntry, ZooFile
from napari_medclf.store.zoo.pins import check_file
from napari_medclf.store.zoo.unpack import unpack

MIRROR_VARIABLE = "MEDCLF_MODELS_MIRROR"
_DOWNLOADS = "downloads"


def chosen_mirror(mirror: str = "") -> str:
    """Give the mirror to use: the one that was named, else that of the environment, else none."""
    return mirror or os.environ.get(MIRROR_VARIABLE, "")


def fetch(
    entry: ZooEntry, folder: Path, user_folder: Path, mirror: str = "", patience: Patience = DEFAULT_PATIENCE
) -> Job[None]:
    """Put a model's files into a folder, checked and unpacked.

    Parameters
    ----------
    folder : Path
        Is made; from `work_folder`.
    user_folder : Path
        Keeps unfinished downloads and the digests of first ones.
    mirror : str
        An address or folder that is used in place of the authors' servers; files are looked for at
        ``<mirror>/<model>/<file>``, then ``<mirror>/<file>``. Empty for none.

    Raises
    ------
    ServerError
        If a file cannot be had.
    CardError
        If a file is not what was published, or cannot be unpacked.
    WriteError
        If the disk is full or cannot be written.
    """
    content = folder / "content"
    for file in entry.files:
        if mirror and "://" not in mirror:
            path = _in_folder(Path(mirror).expanduser(), entry, file)
        else:
            path = yield from _downloaded(entry, file, user_folder, mirror, patience)
        try:
            yield from check_file(path, file, user_folder)
            yield from _place(path, file, content)
        finally:
            if path.is_relative_to(user_folder / _DOWNLOADS):
                path.unlink(missing_ok=True)


@contextmanager
def work_folder(user_folder: Path) -> Iterator[Path]:
    """Give a private folder for unpacking, which goes at the end, as do those of processes that were killed."""
    base = user_folder / _DOWNLOADS
    base.mkdir(parents=True, exist_ok=True)
    for left in base.glob("unpacked-*"):
        if is_left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    folder = base / f"unpacked-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_folder(mirror: Path, entry: ZooEntry, file: ZooFile) -> Path:
    for path in (mirror / entry.name / file.path, mirror / file.path):
        if path.is_file():
            return path
    raise CardError(f"{mirror}: the mirror has no {entry.name}/{file.path}. Download it from {file.url}.")


def _downloaded(entry: ZooEntry, file: ZooFile, user_folder: Path, mirror: str, patience: Patience) -> Job[Path]:
    target = user_folder / _DOWNLOADS / f"{entry.name}-{entry.version}" / file.path
    base = mirror.rstrip("/")
    urls = [f"{base}/{entry.name}/{file.path}", f"{base}/{file.path}"] if mirror else [file.url]
    for url in urls[:-1]:
        try:
            return (yield from download(url, target, patience))
        except ServerError:
            yield Progress(0, 0, f"looking for {file.path}")
    return (yield from download(urls[-1], target, patience))


def _place(path: Path, file: ZooFile, content: Path) -> Job[None]:
    if file.is_archive:
        yield from unpack(path, content)
        return
    try:
        content.mkdir(exist_ok=True)
        shutil.copyfile(path, content / file.path)
    except OSError as error:
        raise WriteError(f"{content}: cannot be written ({error.strerror or error}).") from error
