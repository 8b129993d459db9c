"""Stains of tissue."""

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.jobs.stain import blue_stain
from napari_medclf.testing.phantoms import chest_phantom

BLUE, BROWN = (110, 110, 170), (140, 90, 40)


def test_brown_fades_and_blue_stays():
    colours = np.array([BLUE, BROWN], dtype=np.uint8).T.reshape(3, 1, 1, 2).repeat(20, axis=-1)
    image = MedImage(colours, Geometry.flat(1, 40), "tissue", channel_kind=ChannelKind.COLOUR)

    seen = blue_stain(image).data.mean(axis=0)[0, 0]

    assert seen[:12].max() < 160  # away from the border between both, where they mix
    assert seen[-12:].min() > 200


def test_gray_pictures_have_no_stains():
    with pytest.raises(GridError, match="colour pictures"):
        blue_stain(chest_phantom())
