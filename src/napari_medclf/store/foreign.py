"""Copies of models of other kinds: their files as they are, with their digests in ``medclf.json``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from pathlib import Path

from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.package import ModelPackage
from napari_medclf.store.bundle import check_target, read_package
from napari_medclf.store.exchange import move_into_place, temporary_beside
from napari_medclf.store.sidecar import SIDECAR, inner_name, inner_path, read_content, write_sidecar

_CHUNK = 4 * 2**20
_MOST_FILES = 5_000


def copy_foreign(package: ModelPackage, folder: Path, source: str = "") -> Job[ModelPackage]:
    """Copy a model's files; it appears under the new name whole, or not at all.

    Parameters
    ----------
    package : ModelPackage
        Its `files`, or its whole folder, are copied; hidden files are not.
    source : str
        Where it was downloaded from, to be written down.

    Raises
    ------
    CardError
        If a file is missing or leads out of the package's folder.
    WriteError
        If it cannot be written; the folder is as it was.
    """
    folder = Path(os.path.abspath(folder))
    check_target(folder, replace=True)
    names = _names(package)
    n_bytes = sum((package.folder / name).stat().st_size for name in names)
    try:
        with temporary_beside(folder) as temporary:
            sha256, n_done = {}, 0
            for name in names:
                digest = hashlib.sha256()
                for n_copied in _copy(package.folder / name, temporary / name, digest):
                    n_done += n_copied
                    yield Progress(n_done, n_bytes, f"copying {name}")
                sha256[name] = digest.hexdigest()
            write_sidecar(package, temporary, sha256, source)
            move_into_place(temporary, folder)
    except OSError as error:
        raise WriteError(f"{folder}: cannot be written ({error.strerror or error}).") from error
    return read_package(folder)


def verify_foreign(package: ModelPackage) -> Job[None]:
    """Compare a model's files with their digests at the time of installing.

    Raises
    ------
    CardError
        If one is missing or differs.
    """
    content = read_content(package.folder)
    known = {} if content is None else content.sha256
    for position, (name, wanted) in enumerate(known.items()):
        digest = hashlib.sha256()
        with inner_path(package.folder, name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                yield Progress(position, len(known), f"reading {name}")
        if digest.hexdigest() != wanted:
            raise CardError(
                f"{package.folder}: the file {name} of {package.name!r} is not what was installed. Install it again."
            )


def _names(package: ModelPackage) -> tuple[str, ...]:
    """List a model's files relative to its folder; links must stay inside."""
    paths = package.files or tuple(sorted(path for path in package.folder.rglob("*") if path.is_file()))
    names = tuple(inner_name(package.folder, path) for path in paths)
    if not package.files:
        names = tuple(name for name in names if not any(part.startswith(".") for part in name.split("/")))
    if len(names) > _MOST_FILES:
        raise CardError(f"{package.folder}: holds {len(names)} files; that is more than a model.")
    for name in names:
        inner_path(package.folder, name)
    return tuple(name for name in names if name != SIDECAR)


def _copy(source: Path, target: Path, digest: hashlib._Hash) -> Generator[int, None, None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read, target.open("xb") as write:
        while chunk := read.read(_CHUNK):
            digest.update(chunk)
            write.write(chunk)
            yield len(chunk)
        write.flush()
        os.fsync(write.fileno())
