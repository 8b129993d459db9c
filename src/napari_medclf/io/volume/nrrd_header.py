"""The text header of NRRD files, attached or detached (teem.sourceforge.net/nrrd/format.html)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.errors import ReadError

_MOST_HEADER = 1_000_000
_MOST_AXES = 5
# Teem's names, section 5 of the format.
TEXTS = ("ascii", "text", "txt")
"""Encodings that write samples as numbers in words."""

_DTYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(
        ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"), "i8"
    ),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_NEEDED = ("type", "dimension", "sizes", "encoding")
_SPATIAL_KINDS = ("domain", "space", "???", "none", "")


@dataclass(frozen=True)
class NrrdHeader:
    """Fields and key/value pairs of a header.

    Parameters
    ----------
    fields : dict
        Lower-case field names to text.
    values : dict
        Key/value pairs (``key:=value``), such as those of 3D Slicer.
    sizes : tuple of int
        Of the axes, fastest first, all positive.
    end : int
        First byte behind the header.
    """

    path: Path
    fields: dict[str, str]
    values: dict[str, str]
    sizes: tuple[int, ...]
    end: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples, with their byte order."""
        code = _DTYPES.get(self.fields["type"].lower())
        if code is None:
            raise ReadError(self.path, "has samples of a type that is not read")
        return np.dtype(code).newbyteorder(">" if self.fields.get("endian", "little").lower() == "big" else "<")

    @property
    def lacks_endian(self) -> bool:
        """Whether samples of several bytes do not tell their order, which the format demands."""
        is_text = self.fields["encoding"].lower() in TEXTS
        return "endian" not in self.fields and not is_text and self.dtype.itemsize > 1

    def quoted(self, name: str) -> list[str]:
        """Texts of a field that has one in quotes for each axis; empty where it is missing."""
        return re.findall(r'"([^"]*)"', self.fields.get(name, ""))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What each axis is; ``domain`` where it is not said."""
        kinds = tuple(kind.lower() for kind in self.fields.get("kinds", "").split())
        if kinds and len(kinds) != len(self.sizes):
            raise ReadError(self.path, f"names {len(kinds)} kinds for {len(self.sizes)} axes")
        return kinds or ("domain",) * len(self.sizes)

    @property
    def directions(self) -> tuple[list[float] | None, ...]:
        """World vector of each axis, None for axes that are not spatial; empty where there are none."""
        if "space directions" not in self.fields:
            return ()
        texts = re.findall(r"none|\([^)]*\)", self.fields["space directions"])
        if len(texts) != len(self.sizes):
            raise ReadError(self.path, f"has {len(texts)} space directions for {len(self.sizes)} axes")
        return tuple(None if text == "none" else self.vector(text) for text in texts)

    @property
    def other_axes(self) -> tuple[int, ...]:
        """The axes (fastest first) that do not run through space."""
        directions = self.directions or (None,) * len(self.sizes) if "space directions" in self.fields else ()
        return tuple(
            axis
            for axis, kind in enumerate(self.kinds)
            if kind not in _SPATIAL_KINDS or (directions and directions[axis] is None)
        )

    def vector(self, text: str) -> list[float]:
        """Numbers of ``(1,2,3)``."""
        try:
            return [float(number) for number in text.strip("() ").split(",")]
        except ValueError:
            raise ReadError(self.path, "has a vector that is no list of numbers") from None

    def number(self, name: str, default: int = 0) -> int:
        """Whole number of a field."""
        try:
            return int(self.fields.get(name, default))
        except ValueError:
            raise ReadError(self.path, f"has a {name} that is no whole number") from None


def read_nrrd_header(path: Path) -> NrrdHeader:
    """Read the header of a .nrrd or .nhdr.

    Raises
    ------
    ReadError
        If it is incomplete or its sizes make no sense.
    """
    with path.open("rb") as file:
        raw = file.read(_MOST_HEADER)
    found = re.search(rb"\r?\n\r?\n", raw)
    is_detached = re.search(rb"\ndata ?file: ", raw[: found.start() + 1 if found else None], re.IGNORECASE) is not None
    if not raw.startswith(b"NRRD000") or (found is None and not is_detached):
        raise ReadError(path, "has no complete NRRD header")
    text_end, end = (found.start(), found.end()) if found else (len(raw), len(raw))
    fields, values = _parse(path, raw[:text_end].decode("utf-8", "replace"))
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise ReadError(path, f"lacks the NRRD fields {', '.join(missing)}")
    return NrrdHeader(path, fields, values, _sizes(path, fields), end)


def _parse(path: Path, text: str) -> tuple[dict[str, str], dict[str, str]]:
    fields: dict[str, str] = {}
    values: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        if line.startswith("#"):
            continue
        name, mark, value = line.partition(":=")
        if mark and ": " not in name:
            values[name.strip()] = value.strip()
            continue
        name, mark, value = line.partition(":")
        if not mark:
            continue
        name, value = name.strip().lower(), value.strip()
        if fields.setdefault(name, value) != value:
            raise ReadError(path, "has a field twice, with different values", "It is damaged.")
    return fields, values


def _sizes(path: Path, fields: dict[str, str]) -> tuple[int, ...]:
    words = fields["sizes"].split()
    if not all(word.isdigit() and len(word) < 12 for word in words) or fields["dimension"] != str(len(words)):
        raise ReadError(path, "has sizes that do not fit its dimension")
    sizes = tuple(int(word) for word in words)
    if not 2 <= len(sizes) <= _MOST_AXES or min(sizes) < 1:
        raise ReadError(path, f"has axes of the sizes {sizes}, and 2 to {_MOST_AXES} positive ones were expected")
    return sizes
