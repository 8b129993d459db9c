"""Which files are there, and which reader each one is for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.atomic import is_temporary
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.preflight import check_file
from napari_medclf.io.report import Refusal
from napari_medclf.io.sniff import Kind, is_accompanying, kind_by_name, kind_of

_READABLE = "NIfTI, NRRD, DICOM, PNG, JPEG, TIFF or npz"
_FOREIGN = {
    ".nhdr": "NRRD with its samples elsewhere",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
    ".hdr": "Analyze",
    ".img": "Analyze",
    ".mgz": "FreeSurfer MGH",
    ".svs": "a whole-slide image",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".npy": "a plain numpy array",
    ".zip": "a zip archive",
}


@dataclass(frozen=True)
class Found:
    """A file, its kind, and whether a person named it (rather than its folder)."""

    path: Path
    kind: Kind
    is_named: bool = True


@dataclass(frozen=True)
class Collected:
    """Readable files in a stable order, and what was refused."""

    files: tuple[Found, ...]
    refusals: tuple[Refusal, ...]

    def of_kind(self, kind: Kind) -> tuple[Path, ...]:
        """Paths of one kind."""
        return tuple(found.path for found in self.files if found.kind is kind)


def collect(paths: Iterable[Path]) -> Collected:
    """Walk files and folders; tables, texts and hidden files of a folder are passed over in silence."""
    files: dict[Path, Found] = {}
    refusals: list[Refusal] = []
    for path in paths:
        try:
            for found in _look(path, refusals):
                files.setdefault(found.path, found)
        except ReadError as error:
            refusals.append(Refusal.of(error))
    return Collected(tuple(files.values()), tuple(refusals))


def identify(path: Path) -> Kind:
    """Tell a file's kind.

    Raises
    ------
    ReadError
        If it cannot be opened or is nothing we read.
    """
    check_file(path)
    try:
        kind = kind_of(path)
    except OSError as error:
        raise ReadError(path, f"cannot be opened ({error.strerror or error})") from error
    if kind is Kind.UNKNOWN:
        raise _foreign(path)
    return kind


def _look(path: Path, refusals: list[Refusal]) -> Iterator[Found]:
    if not path.is_dir():
        yield Found(path, identify(path))
        return
    n_seen = 0
    for file in walk_files(path, refusals):
        n_seen += 1
        try:
            yield Found(file, identify(file), is_named=False)
        except ReadError as error:
            refusals.append(Refusal.of(error))
    if n_seen == 0:
        raise ReadError(path, "holds no image", f"A folder with {_READABLE} files was expected.")


def walk_files(folder: Path, refusals: list[Refusal]) -> Iterator[Path]:
    """Yield the files below a folder in natural order, without those that only accompany images.

    Linked folders are not followed, so a loop of links cannot catch us.
    """

    def on_error(error: OSError) -> None:
        refusals.append(Refusal(Path(error.filename or folder), f"cannot be listed ({error.strerror})"))

    for root, folders, names in os.walk(folder, onerror=on_error):
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_key)
        for name in sorted(names, key=natural_key):
            path = Path(root, name)
            if not (is_temporary(path) or is_accompanying(path)):
                yield path


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts ``img2`` before ``img10``."""
    key: list[tuple[int, int, str]] = []
    digits = ""
    for character in name.casefold() + "\0":
        if character.isascii() and character.isdigit():
            digits += character
            continue
        if digits:
            key.append((0, int(digits[-4000:]), ""))
            digits = ""
        key.append((1, 0, character))
    return key


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
