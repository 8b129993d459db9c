"""DICOMDIR: the index of a disc or archive, and the files it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_file, refusing
from napari_medclf.io.report import Refusal

_MOST_BYTES = 2**28
_MOST_MISSING = 20
# DICOM PS3.10 8.2: up to eight components of capitals, digits and underscores; real discs also use others.
_COMPONENT = re.compile(r"[^/\\:\0]{1,64}")
_ISO_VERSION = re.compile(r";\d+$")


def list_files(path: Path) -> tuple[tuple[Path, ...], tuple[Refusal, ...]]:
    """List the files that a DICOMDIR names, in its order, and a refusal for each that is not there.

    Names of components are found whatever their case and with or without ISO 9660's ``;1``. A path that
    leads out of the folder of the DICOMDIR is refused and never opened (as in CVE-2026-32711).

    Raises
    ------
    ReadError
        If it is damaged or names no file.
    """
    refusals: list[Refusal] = []
    found: dict[Path, None] = {}
    folder = _Folder(path.parent)
    n_missing = 0
    for parts in _named(path):
        if any(part in (".", "..") or not _COMPONENT.fullmatch(part) for part in parts):
            refusals.append(Refusal(path, "names a file outside its own folder", "That file is not opened."))
            continue
        file = folder.find(parts)
        if file is not None:
            found[file] = None
            continue
        n_missing += 1
        if n_missing <= _MOST_MISSING:
            refusals.append(Refusal(path.parent.joinpath(*parts), "is named by the DICOMDIR and is not there"))
    if n_missing > _MOST_MISSING:
        refusals.append(Refusal(path, f"names {n_missing - _MOST_MISSING} more files that are not there"))
    if not found and not refusals:
        raise ReadError(path, "names no files", "Open the folder with the files themselves.")
    return tuple(found), tuple(refusals)


def _named(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the components of every Referenced File ID (DICOM PS3.3 F.3.2.2)."""
    if check_file(path) > _MOST_BYTES:
        raise ReadError(path, "is too large for a DICOMDIR", "Open the folder with the files themselves.")
    with refusing(path, "cannot be read as a DICOMDIR", with_text=False), quiet():
        from pydicom import config, dcmread

        with config.disable_value_validation():
            dataset = dcmread(path, specific_tags=["DirectoryRecordSequence"], force=True)
            records = list(dataset.get("DirectoryRecordSequence") or ())
            names = [_components(record) for record in records]
    yield from (parts for parts in names if parts)


def _components(record: Any) -> tuple[str, ...]:
    value = record.get("ReferencedFileID")
    if not value:
        return ()
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(str(part).strip() for part in parts)


class _Folder:
    """Finds files below a folder whatever the case of their names, and never outside it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real_root = root.resolve()
        self._listings: dict[Path, dict[str, Path]] = {}

    def find(self, parts: tuple[str, ...]) -> Path | None:
        """Give the file, or None where it is not there or a link leads out of the folder."""
        here = self._root
        for part in parts:
            found = self._listing(here).get(part.casefold())
            if found is None:
                return None
            here = found
        is_inside = here.resolve().is_relative_to(self._real_root)
        return here if is_inside and here.is_file() else None

    def _listing(self, folder: Path) -> dict[str, Path]:
        if folder not in self._listings:
            names = sorted(folder.iterdir()) if folder.is_dir() else []
            self._listings[folder] = {_ISO_VERSION.sub("", one.name).casefold(): one for one in names}
        return self._listings[folder]
