"""Pictures for people."""

import numpy as np
import pytest

from napari_medclf.domain.results import Classification, Prediction
from napari_medclf.jobs.render import draw_prediction, object_colours, slice_rgb
from napari_medclf.testing.phantoms import brain_phantom, cells_phantom, chest_phantom, oblique_phantom, vessels_phantom


def said(segmentation=None, classification=None):
    return Prediction("model", "1.0.0", "image", segmentation, classification)


def has_colour(picture, colour, tolerance=30):
    return bool((np.abs(np.asarray(picture).astype(int) - colour).max(axis=-1) <= tolerance).any())


def test_class_colours_stand_on_the_image_and_in_the_legend():
    phantom = brain_phantom()

    picture = draw_prediction(phantom.image, said(phantom.truth), "Brain", ("a note",))

    for one in phantom.truth.schema.classes:
        colour = [int(one.colour[start : start + 2], 16) for start in (1, 3, 5)]
        assert has_colour(picture, colour, tolerance=2)


def test_thin_lines_stay_visible_when_they_shrink():
    phantom = vessels_phantom(1400, 1400)
    vessel = phantom.truth.schema.classes[0]
    colour = np.array([int(vessel.colour[start : start + 2], 16) for start in (1, 3, 5)])

    picture = np.asarray(draw_prediction(phantom.image, said(phantom.truth), "Vessels"))

    panel = picture[80:700, 700:1330].astype(int)
    assert (np.abs(panel - colour).max(axis=-1) < 90).sum() > 500


def test_objects_have_colours_of_their_own():
    phantom = cells_phantom()
    colours = object_colours(np.arange(1, 7))

    picture = draw_prediction(phantom.image, said(phantom.truth), "Cells")

    assert len(set(colours.values())) == 6
    assert all(has_colour(picture, np.array(colour), tolerance=2) for colour in colours.values())


def test_scores_are_bars_of_their_length():
    scores = Classification({"clear": 0.25, "opacity": 0.75}, ("opacity",), is_calibrated=True)

    picture = np.asarray(draw_prediction(chest_phantom(), said(classification=scores), "Chest"))

    is_bar = (picture == (86, 180, 233)).all(axis=-1)
    lengths = sorted({int(row.sum()) for row in is_bar if row.sum() > 20})
    assert lengths[-1] == pytest.approx(3 * lengths[0], rel=0.1)


def test_a_millimetre_is_as_long_downwards_as_sideways():
    image = oblique_phantom()  # 20 rows of 0.75 mm, 28 columns of 0.5 mm

    picture = draw_prediction(image, None, "CT")

    panel_width, panel_height = 448, 480
    assert picture.size[0] >= 3 * panel_width
    assert picture.size[1] >= panel_height + 70


def test_gray_goes_through_the_window():
    image = oblique_phantom()

    rgb = slice_rgb(image, 6)

    assert rgb.shape == (20, 28, 3)
    assert rgb[0, 0].tolist() == [0, 0, 0]
    assert 0 < rgb[10, 10, 0] < 255
