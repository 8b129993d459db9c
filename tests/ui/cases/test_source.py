"""Cases of labelled data as layers: what the data says lies on the image."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_medclf.jobs.data import DataChoice, open_data
from napari_medclf.jobs.drive import drive
from napari_medclf.ui.cases.source import CaseSource, open_case

_BOXES = """<annotation><size><width>30</width><height>20</height></size>
<object><name>cell</name><bndbox><xmin>4</xmin><ymin>3</ymin><xmax>9</xmax><ymax>11</ymax></bndbox></object>
</annotation>"""


@pytest.fixture
def outlined(tmp_path):
    """Two pictures with a label image each; the second one's labels have another size."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    samples = np.arange(600, dtype=np.uint8).reshape(20, 30)
    for number, shape in enumerate(((20, 30), (20, 29))):
        Image.fromarray(samples + number).save(tmp_path / "images" / f"cell-{number}.png")
        labels = np.zeros(shape, np.uint8)
        labels[3:9, 4:12] = 1
        Image.fromarray(labels).save(tmp_path / "labels" / f"cell-{number}.png")
    return CaseSource(lambda: open_data(DataChoice(tmp_path, class_names=("cell",))))


def test_reference_labels_are_a_layer_of_their_own(outlined) -> None:
    opened = drive(open_case(outlined, "cell-0")).result
    (data, keywords, kind), *rest = opened.references
    assert not rest
    assert (kind, keywords["name"]) == ("labels", "cell-0 · reference")
    assert int(np.count_nonzero(data)) == 6 * 8


def test_labels_that_do_not_fit_are_told_and_the_image_opens(outlined) -> None:
    events = []
    opened = drive(open_case(outlined, "cell-1"), events.append).result
    assert opened.references == ()
    assert any("do not lie on the grid" in getattr(event, "message", "") for event in events)


def test_reference_boxes_are_drawn(tmp_path) -> None:
    for name in ("images", "annotations"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "images" / "smear.png")
    (tmp_path / "annotations" / "smear.xml").write_text(_BOXES, encoding="utf-8")
    source = CaseSource(lambda: open_data(DataChoice(tmp_path)))
    opened = drive(open_case(source, "smear")).result
    assert [kind for _, _, kind in opened.references] == ["shapes"]


def test_case_that_is_not_there_any_more_is_told_in_a_sentence(outlined) -> None:
    assert "there is no case 'cell-7'" in drive(open_case(outlined, "cell-7")).message


def test_picture_is_that_of_the_slice_or_none(outlined) -> None:
    assert outlined.picture("cell-0").shape == (20, 30)
    assert outlined.picture("cell-0", 5).shape == (20, 30)  # a picture has one slice only
    assert outlined.picture("nobody") is None
