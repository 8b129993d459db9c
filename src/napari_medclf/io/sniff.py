"""What kind of file this is, by its name and first bytes; loads no imaging library."""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

HEAD_BYTES = 400
"""How much of a file is looked at to tell its kind."""
_MOST_NAME = 80
_MOST_LOOKED_AT = 64
_MOST_WALKED = 400
# What stands beside images without being one; not worth a refusal when a folder is read.
_ACCOMPANYING = frozenset(
    (".md", ".txt", ".csv", ".tsv", ".json", ".xml", ".html", ".htm", ".pdf", ".log", ".yaml", ".yml", ".toml", ".py")
)
_SAMPLES = frozenset((".img", ".raw", ".zraw"))
_ACCOMPANYING_NAMES = frozenset(("dicomdir", "dirfile", "sha256sums", "thumbs.db", "desktop.ini", "license", "licence"))


class Kind(StrEnum):
    """Which reader a file is for."""

    NIFTI = "NIfTI"
    DICOM = "DICOM"
    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    NRRD = "NRRD"
    METAIMAGE = "MetaImage"
    ANALYZE = "Analyze"
    GIF = "GIF"
    BMP = "BMP"
    NPZ = "npz"
    ZIP = "zip"
    DICOMDIR = "DICOMDIR"
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
    ".nhdr": Kind.NRRD,
    ".mha": Kind.METAIMAGE,
    ".mhd": Kind.METAIMAGE,
    ".hdr": Kind.ANALYZE,
    ".img": Kind.ANALYZE,
    ".gif": Kind.GIF,
    ".bmp": Kind.BMP,
    ".npz": Kind.NPZ,
    ".zip": Kind.ZIP,
}
_MAGICS = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"II+\x00", Kind.TIFF),
    (b"MM\x00+", Kind.TIFF),
    (b"NRRD000", Kind.NRRD),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
)
_METAIMAGE = re.compile(rb"\s*(ObjectType|ObjectSubType|NDims|Comment|BinaryData)\s*=")
_ZIP = b"PK\x03\x04"
# Media Storage SOP Class UID (0002,0002) of a DICOMDIR; its 20 characters need no padding.
_DICOM_DIRECTORY = b"\x02\0\x02\0UI\x14\x001.2.840.10008.1.3.10"


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
        return kind_of_head(path, file.read(HEAD_BYTES))


def kind_of_head(path: Path, head: bytes) -> Kind:
    """Do as `kind_of`, with the first `HEAD_BYTES` bytes at hand."""
    # A DICOM preamble may hold a TIFF header, so that one file serves both (PS3.10 7.1).
    if head[128:132] == b"DICM":
        return Kind.DICOMDIR if _DICOM_DIRECTORY in head[132:] else Kind.DICOM
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    if _is_bare_dicom(head):
        return Kind.DICOM
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return Kind.NIFTI
    if _METAIMAGE.match(head):
        return Kind.METAIMAGE
    return _kind_of_vague_head(path, head)


def _kind_of_vague_head(path: Path, head: bytes) -> Kind:
    """Tell kinds whose first bytes alone say too little, with the help of the name."""
    by_name = kind_by_name(path)
    if by_name is Kind.NIFTI and head.startswith(b"\x1f\x8b"):
        return by_name
    if head.startswith(_ZIP) and (by_name in (Kind.NPZ, Kind.ZIP) or not path.suffix):
        return by_name if by_name is Kind.NPZ else Kind.ZIP
    if by_name is Kind.BMP and head.startswith(b"BM"):
        return by_name
    # Analyze has no magic; its header begins with its own size.
    is_348 = head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c")
    return Kind.ANALYZE if by_name is Kind.ANALYZE and is_348 else Kind.UNKNOWN


def is_accompanying(path: Path) -> bool:
    """Whether a file of a folder is no image by its name: a table, a text, an index, a hidden file."""
    name = path.name.lower()
    return name.startswith(".") or name in _ACCOMPANYING_NAMES or Path(name).suffix in _ACCOMPANYING


def is_samples_only(path: Path) -> bool:
    """Whether a file of unknown content holds, by its name, the samples of a header beside it."""
    return path.name.lower().endswith((".raw.gz", *_SAMPLES))


def can_read(path: Path) -> bool:
    """Tell napari's matcher, in milliseconds, whether this looks like ours; never raises, never blocks."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return any(_is_image(Path(found)) for found in _first_files(path))
        return stat.S_ISREG(mode) and (_is_image(path) or kind_of(path) is Kind.DICOMDIR)
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
