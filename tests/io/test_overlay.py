from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.overlay import draw_overlay, write_overlay, write_overlays

SCHEMA = LabelSchema.from_names(["liver", "spleen"], first_value=1)
LIVER, SPLEEN = (tuple(bytes.fromhex(one.colour[1:])) for one in SCHEMA.classes)


def case():
    geometry = Geometry.from_spacing((3, 10, 20), (5.0, 2.0, 1.0))
    data = np.full((3, 10, 20), 100, np.int16)
    labels = np.zeros((3, 10, 20), np.int64)
    labels[1, 2:9, 3:15] = 1
    labels[2, 4, 6] = 2
    return MedImage(data, geometry, "a", window=(0, 200)), Segmentation(labels, geometry, SCHEMA)


def test_picture_has_the_proportions_of_the_patient_the_window_and_the_colours(tmp_path):
    image, segmentation = case()
    write_overlay(image, segmentation, tmp_path / "a.png")
    picture = np.asarray(Image.open(tmp_path / "a.png"))
    assert picture.shape == (400, 400, 3)
    picture = picture[::20, ::20]
    assert picture[0, 0].tolist() == [128, 128, 128]
    assert tuple(picture[4, 3]) == LIVER
    inside = np.rint(0.6 * 127.5 + 0.4 * np.array(LIVER))
    assert np.abs(picture[10, 8] - inside).max() <= 1


def test_one_picture_a_labelled_slice(tmp_path):
    image, segmentation = case()
    written = write_overlays(image, segmentation, tmp_path / "a.png")
    assert [path.name for path in written] == ["a-1.png", "a-2.png"]
    assert tuple(np.asarray(Image.open(written[1]))[8 * 20, 6 * 20]) == SPLEEN


def test_colour_images_and_objects_are_drawn(tmp_path):
    image, segmentation = case()
    colour = replace(
        image, data=np.stack([image.data.astype(np.uint8)] * 3), channel_kind=ChannelKind.COLOUR, window=None
    )
    assert draw_overlay(colour, segmentation, 0)[0, 0].tolist() == [100, 100, 100]
    objects = Segmentation(segmentation.labels * 40, image.geometry, LabelSchema.from_names(["nucleus"]), True)
    assert draw_overlay(image, objects, 1).shape == (400, 400, 3)


def test_labels_of_another_grid_and_slices_that_are_not_there_are_refused(tmp_path):
    image, segmentation = case()
    elsewhere = replace(segmentation, geometry=Geometry.from_spacing((3, 10, 20), (5.0, 2.0, 1.5)))
    with pytest.raises(WriteError, match="spacing"):
        write_overlay(image, elsewhere, tmp_path / "a.png")
    with pytest.raises(WriteError, match="no slice 3"):
        write_overlay(image, segmentation, tmp_path / "a.png", k=3)
    with pytest.raises(WriteError, match=r"\.png"):
        write_overlay(image, segmentation, tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
