"""Boxes around objects in files: Pascal VOC's XML, and the tables and documents that this program writes."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets.split_files import read_json

BOX_SUFFIXES = (".xml", ".json", ".csv")
_MOST_BYTES = 20_000_000
_VOC_SIDES = ("ymin", "xmin", "ymax", "xmax")
_CORNERS = tuple(f"{side}_{axis}_vox" for side in ("first", "last") for axis in "kji")


@dataclass(frozen=True, eq=False)
class BoxFile:
    """Boxes of one image.

    Parameters
    ----------
    boxes : (n, 2, 3) float64
        Lowest and highest corner (k, j, i) as positions on the grid, as `domain.detection.Detection` has them.
    names : tuple of str
        The class of each.
    size : (rows, columns) or None
        Of the image, where the file tells it.
    """

    boxes: FloatArray
    names: tuple[str, ...]
    size: tuple[int, int] | None = None


def read_box_file(path: Path) -> BoxFile:
    """Read the boxes of one image.

    Pascal VOC counts pixels from 1 and both sides belong to the box (Everingham 2010), so that ``xmin`` 1 is the left
    edge of the picture; boxes that begin at 0 are taken to begin there, too.

    Raises
    ------
    DatasetError
        If the file is not understood, or a box ends before it begins.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
    if len(content) > _MOST_BYTES:
        raise DatasetError(f"{path}: is too large to be boxes.")
    suffix = path.suffix.lower()
    if suffix == ".xml":
        return _read_voc(path, content)
    if suffix == ".json":
        return _from_rows(path, _rows_of(path, read_json(path)))
    if suffix == ".csv":
        return _from_rows(path, list(csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))))
    raise DatasetError(f"{path}: boxes are read from {', '.join(BOX_SUFFIXES)}.")


def box_schema(where: Path, files: Iterable[Path]) -> LabelSchema:
    """List the classes of all boxes, by name, with values from 1.

    Raises
    ------
    DatasetError
        If no file holds a box.
    """
    names = sorted({name for path in files for name in read_box_file(path).names}, key=str.casefold)
    if not names:
        raise DatasetError(f"{where}: not one file holds a box; there is nothing to learn.")
    return LabelSchema.from_names(names, first_value=1)


def _read_voc(path: Path, content: bytes) -> BoxFile:
    if b"<!ENTITY" in content or b"<!DOCTYPE" in content:
        raise DatasetError(f"{path}: declares entities, which no file of boxes needs.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  (entities were refused above)
    except ElementTree.ParseError as error:
        raise DatasetError(f"{path}: is not XML ({error}).") from error
    found = [(one.findtext("name", "").strip(), one.find("bndbox")) for one in root.iter("object")]
    corners = []
    for name, box in found:
        sides = [_number(path, name, None if box is None else box.findtext(side)) for side in _VOC_SIDES]
        top, left, bottom, right = sides
        corners.append([[-0.5, max(top, 1) - 1.5, max(left, 1) - 1.5], [0.5, bottom - 0.5, right - 0.5]])
    height, width = (root.findtext(f"size/{side}", "") for side in ("height", "width"))
    size = (int(height), int(width)) if height.isdecimal() and width.isdecimal() and height != "0" else None
    return _checked(path, corners, tuple(name for name, _ in found), size)


def _rows_of(path: Path, document: object) -> list[Mapping[str, Any]]:
    rows = document.get("boxes") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise DatasetError(f'{path}: expected {{"boxes": [...]}} as `medclf predict` writes it.')
    return rows


def _from_rows(path: Path, rows: list[Mapping[str, Any]]) -> BoxFile:
    corners = []
    for row in rows:
        values = [_number(path, str(row.get("class", "")), row.get(column)) for column in _CORNERS]
        corners.append([values[:3], values[3:]])
    return _checked(path, corners, tuple(str(row.get("class", "")).strip() for row in rows), None)


def _number(path: Path, name: str, text: Any) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        raise DatasetError(f"{path}: a box of {name!r} has a side that is no number: {text!r}.") from None
    if not np.isfinite(value):
        raise DatasetError(f"{path}: a box of {name!r} has a side that is not finite.")
    return value


def _checked(path: Path, corners: list[Any], names: tuple[str, ...], size: tuple[int, int] | None) -> BoxFile:
    boxes = np.asarray(corners, dtype=np.float64).reshape(-1, 2, 3)
    turned = np.flatnonzero((boxes[:, 0] >= boxes[:, 1]).any(axis=1))
    if turned.size:
        raise DatasetError(f"{path}: box {int(turned[0]) + 1} ({names[turned[0]]}) ends before it begins.")
    if "" in names:
        raise DatasetError(f"{path}: box {names.index('') + 1} has no class.")
    return BoxFile(boxes, names, size)
