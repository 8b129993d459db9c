"""Worst cases come first, as pictures with both outlines."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.jobs.report.cases import case_table, worst_first
from napari_medclf.jobs.report.pictures import PREDICTED_COLOUR, REFERENCE_COLOUR, data_uri, draw_case
from napari_medclf.jobs.report.spread import cases_figure

NAN = float("nan")


def test_worst_cases_come_first():
    rows = [
        {"case_id": "good", "dice:v": 0.9, "hd95_mm:v": 1.0},
        {"case_id": "bad", "dice:v": 0.2, "hd95_mm:v": 80.0},
        {"case_id": "without", "dice:v": NAN},
    ]
    assert [row["case_id"] for row in worst_first(rows)] == ["bad", "good", "without"]

    scores = [
        {"case_id": "sure", "truth": "a", "score:a": 0.9, "score:b": 0.1},
        {"case_id": "wrong", "truth": "b", "score:a": 0.8, "score:b": 0.2},
    ]
    assert [row["case_id"] for row in worst_first(scores)] == ["wrong", "sure"]


def test_rows_are_named_by_their_number_and_undefined_is_empty():
    page = case_table([{"case_id": "jane", "dice:v": 0.91234}, {"case_id": "john", "dice:v": NAN}])
    assert "jane" not in page
    assert "<td>1</td><td>0.912</td>" in page
    assert "<td>2</td><td></td>" in page


def _volume() -> tuple[MedImage, Segmentation, Segmentation]:
    geometry = Geometry.from_spacing((5, 20, 30), (4.0, 1.0, 0.5))
    image = MedImage(np.arange(3000, dtype=np.int16).reshape(5, 20, 30), geometry, "volume")
    schema = LabelSchema.from_names(["tumour"], first_value=1)
    reference = np.zeros((5, 20, 30), dtype=np.uint8)
    reference[1:4, 4:10, 4:12] = 1
    predicted = reference.copy()
    predicted[3, 4:16, 4:22] = 1  # worst on slice 3
    return image, Segmentation(reference, geometry, schema), Segmentation(predicted, geometry, schema)


def test_picture_shows_the_slice_where_outlines_differ_most_in_true_proportions():
    image, reference, predicted = _volume()
    picture = draw_case(image, predicted, reference)
    assert picture.shape[0] / picture.shape[1] == (20 * 1.0) / (30 * 0.5)
    for colour in (REFERENCE_COLOUR, PREDICTED_COLOUR):
        assert (picture == colour).all(axis=-1).any()
    wide = np.argwhere((picture == PREDICTED_COLOUR).all(axis=-1)).max(axis=0)
    assert wide[1] > 0.65 * picture.shape[1]  # up to column 21 of 30: slice 3, not slice 1


def test_picture_without_labels_is_the_middle_slice_and_not_enlarged():
    image, _, _ = _volume()
    assert max(draw_case(image, None, None).shape[:2]) == 30


def test_picture_stands_in_the_page_itself():
    uri = data_uri(np.zeros((4, 7, 3), dtype=np.uint8))
    kind, _, content = uri.partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (7, 4)


def test_every_case_is_a_dot_and_undefined_ones_are_none():
    rows = [{"dice:a": 0.5, "dice:b": 0.7}, {"dice:a": NAN, "dice:b": 0.8}]
    assert cases_figure(rows, "dice").count("<circle") == 3
    assert cases_figure(rows, "nsd") is None
