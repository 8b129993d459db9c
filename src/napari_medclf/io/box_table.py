"""Boxes as a table or a document: where they lie in the patient, how large they are, what was found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.detection import Detection
from napari_medclf.io.tables import write_rows

_WORLD, _AXES = "xyz", "kji"
BOX_COLUMNS = (
    "box",
    "class",
    "score",
    *(f"centre_{one}" for one in _WORLD),
    *(f"size_{one}" for one in _AXES),
    *(f"first_{one}" for one in _WORLD),
    *(f"last_{one}" for one in _WORLD),
    "unit",
    *(f"first_{one}_vox" for one in _AXES),
    *(f"last_{one}_vox" for one in _AXES),
)
"""Of the table: world positions are LPS, of the corners with the lowest and the highest index."""
AUTHOR_COLUMNS = ("making", "model", "model_version", "weights_sha256", "author")
"""Added where it is told who made the boxes."""


def write_boxes(detection: Detection, path: Path, authorship: Authorship | None = None) -> None:
    """Write boxes, best first, as ``.csv`` or ``.json``; re-opened and compared before it counts.

    Lengths and world positions (LPS x, y, z) are in the unit that each row tells: mm, or px where the image has no
    scale. The document also holds all eight corners, as a box of an oblique series is no box in the patient's axes.

    Parameters
    ----------
    authorship : Authorship or None
        Who made the boxes: told in the head of the document, and in every row of the table.

    Raises
    ------
    WriteError
        If the suffix is another one, the disk does not take it, or something else came back.
    """
    head = {"frame": "LPS", "unit": detection.geometry.unit.value, "name": detection.name}
    made_by = {} if authorship is None else {key: str(getattr(authorship, key)) for key in AUTHOR_COLUMNS}
    if path.suffix.lower() == ".json":
        write_rows(path, BOX_COLUMNS, list(_rows(detection, with_corners=True)), head | made_by, "boxes")
        return
    rows = [row | made_by for row in _rows(detection, with_corners=False)]
    write_rows(path, (*BOX_COLUMNS, *made_by), rows, head, "boxes")


def _rows(detection: Detection, *, with_corners: bool) -> Iterable[dict[str, Any]]:
    geometry = detection.geometry
    found = zip(detection.boxes, detection.scores, detection.names, detection.sizes_mm, strict=True)
    for number, (box, score, name, size) in enumerate(found, start=1):
        values = [*geometry.to_world(box.mean(axis=0)), *size, *geometry.to_world(box[0]), *geometry.to_world(box[1])]
        row: dict[str, Any] = {"box": number, "class": name, "score": round(float(score), 6)}
        row |= {key: round(float(value), 4) for key, value in zip(BOX_COLUMNS[3:15], values, strict=True)}
        row |= {"unit": geometry.unit.value}
        row |= {key: round(float(value), 4) for key, value in zip(BOX_COLUMNS[16:], box.ravel(), strict=True)}
        if with_corners:
            row["corners"] = [[round(float(value), 4) for value in corner] for corner in _corners(detection, box)]
        yield row


def _corners(detection: Detection, box: np.ndarray) -> np.ndarray:
    index = [[box[side, axis] for axis, side in enumerate(sides)] for sides in itertools.product((0, 1), repeat=3)]
    return detection.geometry.to_world(np.array(index))
