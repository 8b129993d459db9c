"""What kind of file this is, by its name and first bytes; loads no imaging library."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

_HEAD = 400
_MOST_NAME = 80
_MOST_LOOKED_AT = 64
_MOST_WALKED = 400
# What stands beside images without being one; not worth a refusal when a folder is read.
_ACCOMPANYING = frozenset(
    (".md", ".txt", ".csv", ".tsv", ".json", ".xml", ".html", ".htm", ".pdf", ".log", ".yaml", ".yml", ".toml", ".py")
)
_ACCOMPANYING_NAMES = frozenset(("dicomdir", "dirfile", "sha256sums", "thumbs.db", "desktop.ini", "license", "licence"))


class Kind(StrEnum):
    """Which reader a file is for."""

    NIFTI = "NIfTI"
    DICOM = "DICOM"
    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    NRRD = "NRRD"
    NPZ = "npz"
    UNKNOWN = "unknown"


_SUFFIXES = {
    ".nii": Kind.NIFTI,
    ".nii.gz": Kind.NIFTI,
    ".dcm": Kind.DICOM,
    ".dicom": Kind.DICOM,
    ".ima": Kind.DICOM,
    ".png": Kind.PNG,
    ".jpg": Kind.JPEG,
    ".jpeg": Kind.JPEG,
    ".tif": Kind.TIFF,
    ".tiff": Kind.TIFF,
    ".nrrd": Kind.NRRD,
    ".npz": Kind.NPZ,
}
_MAGICS = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"II+\x00", Kind.TIFF),
    (b"MM\x00+", Kind.TIFF),
    (b"NRRD000", Kind.NRRD),
)


def suffix_of(path: Path) -> str:
    """Give the suffix in lower case, ``.nii.gz`` as one.

    >>> suffix_of(Path("a/Case.01.NII.gz"))
    '.nii.gz'
    """
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def stem_of(path: Path) -> str:
    """Give the name without the suffix that `suffix_of` finds."""
    suffix = suffix_of(path)
    return path.name[: -len(suffix)] if suffix else path.name


def name_of(path: Path) -> str:
    """Give a short name to show and to build file names from: what cannot be shown becomes ``_``.

    >>> name_of(Path("a/scan 01.nii.gz"))
    'scan 01'
    """
    shown = stem_of(path).encode("utf-8", "replace").decode()
    return "".join(one if one.isprintable() else "_" for one in shown).strip()[:_MOST_NAME] or "image"


def kind_by_name(path: Path) -> Kind:
    """Tell the kind from the suffix alone."""
    return _SUFFIXES.get(suffix_of(path), Kind.UNKNOWN)


def kind_of(path: Path) -> Kind:
    """Tell the kind from the first bytes, and from the suffix where they say nothing.

    Raises
    ------
    OSError
        If the file cannot be opened. Ask `preflight.check_file` first: a pipe would block.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    # A DICOM preamble may hold a TIFF header, so that one file serves both (PS3.10 7.1).
    if head[128:132] == b"DICM":
        return Kind.DICOM
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    if _is_bare_dicom(head):
        return Kind.DICOM
    if head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0":
        return Kind.NIFTI
    by_name = kind_by_name(path)
    if (by_name is Kind.NIFTI and head.startswith(b"\x1f\x8b")) or (by_name is Kind.NPZ and head.startswith(b"PK")):
        return by_name
    return Kind.UNKNOWN


def is_accompanying(path: Path) -> bool:
    """Whether a file of a folder is no image by its name: a table, a text, an index, a hidden file."""
    name = path.name.lower()
    return name.startswith(".") or name in _ACCOMPANYING_NAMES or Path(name).suffix in _ACCOMPANYING


def can_read(path: Path) -> bool:
    """Tell napari's matcher, in milliseconds, whether this looks like ours; never raises, never blocks."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return any(_is_image(Path(found)) for found in _first_files(path))
        return stat.S_ISREG(mode) and _is_image(path)
    except (OSError, ValueError):
        return False


def _is_image(path: Path) -> bool:
    if kind_by_name(path) is not Kind.UNKNOWN:
        return True
    if is_accompanying(path) or not stat.S_ISREG(path.stat().st_mode):
        return False
    return kind_of(path) is not Kind.UNKNOWN


def _first_files(folder: Path) -> Iterator[str]:
    looked_at = 0
    for root, _, names in itertools.islice(os.walk(folder), _MOST_WALKED):
        for name in sorted(names)[:_MOST_LOOKED_AT]:
            looked_at += 1
            yield str(Path(root, name))
        if looked_at > _MOST_LOOKED_AT:
            return


def _is_bare_dicom(head: bytes) -> bool:
    """Whether a file without preamble starts with an element of group 0002 or 0008, as data sets do."""
    if len(head) < 8 or head[:2] not in (b"\x02\x00", b"\x08\x00") or head[3] != 0:
        return False
    is_explicit = head[4:6].isalpha() and head[4:6].isupper()
    return is_explicit or int.from_bytes(head[4:8], "little") < 1024
