"""Which files of a folder are images, and what their names tell: case, channel, patient."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from napari_medclf.atomic import is_temporary

IMAGE_SUFFIXES = (
    ".nii.gz",
    ".nii",
    ".nrrd",
    ".nhdr",
    ".mha",
    ".mhd",
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".bmp",
    ".dcm",
    ".dicom",
)
"""Longest first, so that ``.nii.gz`` is cut off whole."""

_MAX_NAME = 80
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "clock$"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)
"""Devices on Windows, whatever suffix follows (Microsoft, "Naming Files, Paths, and Namespaces")."""


def image_suffix(name: str) -> str:
    """Return the image suffix a file name ends with, in lower case; empty when it has none.

    >>> image_suffix("CT_01.NII.GZ")
    '.nii.gz'
    """
    lowered = name.lower()
    return next((suffix for suffix in IMAGE_SUFFIXES if lowered.endswith(suffix)), "")


def stem(path: Path) -> str:
    """Return a file's name without its image suffix.

    >>> stem(Path("labels/liver_3.nii.gz"))
    'liver_3'
    """
    suffix = image_suffix(path.name)
    return path.name[: len(path.name) - len(suffix)]


def is_image(path: Path) -> bool:
    """Tell whether a path is a regular, finished, visible file with an image's suffix."""
    return (
        bool(image_suffix(path.name))
        and not path.name.startswith(".")
        and not is_temporary(path)
        and path.is_file()  # follows links; False for FIFOs, sockets and devices
    )


def images_in(folder: Path) -> tuple[Path, ...]:
    """List the images directly in a folder, in natural order."""
    return tuple(sorted(filter(is_image, folder.iterdir()), key=natural_key))


def folders_in(folder: Path) -> tuple[Path, ...]:
    """List the visible folders directly in a folder, in natural order."""
    found = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    return tuple(sorted(found, key=natural_key))


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``case_2`` before ``case_10``."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)


def safe_name(text: str) -> str:
    """Turn any text into a portable file name: ``[A-Za-z0-9._-]``, at most 80 characters.

    A text that has to be changed gets a short hash of the original, so that two texts never meet. Names that Windows
    keeps for its devices are changed, too.

    >>> safe_name("case_01"), safe_name("CON.nii")
    ('case_01', 'case-CON.nii-689982')
    >>> safe_name("../Müller 7")
    'M-ller-7-cd9538'
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-_")[:_MAX_NAME]
    is_reserved = plain.partition(".")[0].casefold() in _RESERVED
    if plain == text and plain and not is_reserved:
        return plain
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:6]
    if not plain or is_reserved:
        plain = "-".join(filter(None, ("case", plain)))
    return f"{plain[: _MAX_NAME - 7]}-{digest}"


def unique_names(texts: Iterable[str]) -> Iterator[str]:
    """Yield a safe name for every text; names that a disk may take for the same get a number."""
    seen: set[str] = set()
    for text in texts:
        plain = name = safe_name(text)
        number = 2
        while name.casefold() in seen:
            name = f"{plain}-{number}"
            number += 1
        seen.add(name.casefold())
        yield name


def group_of(name: str, pattern: str) -> str:
    r"""Return what a pattern captures in a case's name, or the name where it finds nothing.

    >>> group_of("Image_01L", r"_(\d+)[LR]$")
    '01'
    """
    found = re.search(pattern, name) if pattern else None
    if found is None:
        return name
    return found.group(1) if found.re.groups else found.group(0)
