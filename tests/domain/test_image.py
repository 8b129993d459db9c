"""An image and its grid agree, or there is no image."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage


def test_colour_picture_has_three_channels():
    image = MedImage(np.zeros((3, 1, 4, 5)), Geometry.flat(4, 5), "picture", channel_kind=ChannelKind.COLOUR)
    assert image.n_channels == 3
    assert image.is_flat


def test_volume_without_channels_counts_one():
    image = MedImage(np.zeros((2, 4, 5)), Geometry.from_spacing((2, 4, 5)), "volume")
    assert image.n_channels == 1
    assert not image.is_flat


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((4, 5), ChannelKind.NONE),
        ((3, 1, 4, 5), ChannelKind.NONE),
        ((1, 4, 5), ChannelKind.TIME),
        ((1, 5, 4), ChannelKind.NONE),
    ],
)
def test_array_that_does_not_fit_its_grid_is_refused(shape, kind):
    with pytest.raises(GridError, match="picture.*cannot hold an array"):
        MedImage(np.zeros(shape), Geometry.flat(4, 5), "picture", channel_kind=kind)
