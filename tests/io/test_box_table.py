"""Written boxes tell where in the patient they lie, also on an oblique grid."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.box_table import AUTHOR_COLUMNS, BOX_COLUMNS, write_boxes
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom


def _detection(geometry: Geometry) -> Detection:
    marked = np.array(MARKED_VOXEL, dtype=float)
    boxes = np.array([[marked - 0.5, marked + 0.5], [[0.0, 2, 3], [1, 6, 9]]])
    schema = LabelSchema.from_names(["nodule", "=node"], first_value=1)
    return Detection(boxes, np.array([0.9, 0.25]), ("nodule", "=node"), geometry, schema)


def test_table_holds_the_centre_and_the_size_in_millimetres(tmp_path: Path) -> None:
    geometry = oblique_phantom().geometry
    write_boxes(_detection(geometry), tmp_path / "boxes.csv")
    with (tmp_path / "boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == BOX_COLUMNS
    centre = [float(rows[0][f"centre_{one}"]) for one in "xyz"]
    np.testing.assert_allclose(centre, geometry.to_world(np.array(MARKED_VOXEL, dtype=float)), atol=1e-3)
    assert [float(rows[0][f"size_{one}"]) for one in "kji"] == [3.5, 0.75, 0.5]
    assert (rows[0]["class"], rows[0]["score"], rows[0]["unit"]) == ("nodule", "0.9", "mm")
    assert rows[1]["class"] == "'=node"  # no spreadsheet takes it for a formula


def test_document_holds_all_corners(tmp_path: Path) -> None:
    geometry = oblique_phantom().geometry
    write_boxes(_detection(geometry), tmp_path / "boxes.json")
    document = json.loads((tmp_path / "boxes.json").read_text())
    assert (document["frame"], document["unit"]) == ("LPS", "mm")
    corners = np.array(document["boxes"][1]["corners"])
    index = geometry.to_index(corners)
    np.testing.assert_allclose(index.min(axis=0), (0, 2, 3), atol=1e-3)
    np.testing.assert_allclose(index.max(axis=0), (1, 6, 9), atol=1e-3)


def test_image_without_a_scale_is_in_pixels(tmp_path: Path) -> None:
    write_boxes(_detection(Geometry.flat(40, 40)), tmp_path / "boxes.json")
    document = json.loads((tmp_path / "boxes.json").read_text())
    assert document["unit"] == "px"
    assert document["boxes"][0]["size_j"] == 1.0


def test_other_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"written as .csv or .json"):
        write_boxes(_detection(Geometry.flat(40, 40)), tmp_path / "boxes.txt")


def test_who_made_the_boxes_is_told_in_every_row_and_in_the_head(tmp_path: Path) -> None:
    made_by = Authorship(Making.SEMIAUTOMATIC, "finder", "1.2", "ab12", author="reader 3")
    for suffix in (".csv", ".json"):
        write_boxes(_detection(Geometry.flat(40, 40)), tmp_path / f"boxes{suffix}", made_by)
    with (tmp_path / "boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    document = json.loads((tmp_path / "boxes.json").read_text())
    meant = ["SEMIAUTOMATIC", "finder", "1.2", "ab12", "reader 3"]
    for told in (*rows, document):
        assert [told[key] for key in AUTHOR_COLUMNS] == meant
    assert len(document["boxes"]) == len(rows) == 2
