"""On real blood films: the white cells are found from a few clicked cells."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from scipy import ndimage

from napari_medclf.engine.objects.classifier import classify_objects
from napari_medclf.engine.objects.describe import describe_objects
from napari_medclf.io.read import read_image
from napari_medclf.jobs.drive import drive

N_CLICKED = 4


@pytest.fixture(scope="module")
def film(shared_data):
    """A film, its dark blobs as objects, and which of them lie in a box that experts called white cell."""
    folder = shared_data / "bccd_multilabel"
    if not folder.is_dir():
        pytest.skip("../shared/data/bccd_multilabel is not here")
    for path in sorted((folder / "annotations").glob("*.xml")):
        boxes = [
            [int(box.findtext(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
            for box in ET.parse(path).iter("object")
            if box.findtext("name") == "WBC"
        ]
        if len(boxes) >= 2:
            break
    image = read_image(folder / "images" / f"{path.stem}.jpg")
    green = np.asarray(image.data[1, 0], dtype=float)
    objects, _ = ndimage.label(ndimage.binary_opening(green < np.percentile(green, 35), iterations=4))
    sizes = np.bincount(objects.ravel())
    objects[np.isin(objects, np.flatnonzero(sizes < 300))] = 0
    is_white = {
        int(number): any(low_x <= x <= high_x and low_y <= y <= high_y for low_x, low_y, high_x, high_y in boxes)
        for number in np.unique(objects[objects > 0])
        for y, x in [ndimage.center_of_mass(objects == number)]
    }
    return image, objects[None].astype(np.int32), is_white


def test_white_cells_are_found_from_a_few_clicks(film):
    image, objects, is_white = film
    white = [number for number, is_one in is_white.items() if is_one]
    red = [number for number, is_one in is_white.items() if not is_one]
    assert len(white) >= 2
    assert len(red) > 2 * N_CLICKED
    said = {white[0]: "white"} | dict.fromkeys(red[:N_CLICKED], "red")
    answer = classify_objects(drive(describe_objects(image, objects)).result, said)
    found = {int(number): answer.classes[one] for number, one in zip(answer.numbers, answer.decided, strict=True)}
    assert all(found[number] == "white" for number in white[1:])
    assert np.mean([found[number] == "red" for number in red[N_CLICKED:]]) > 0.9
