from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.bridge.layers import image_layer
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.testing.phantoms import oblique_phantom


def series_at(times: tuple[float, ...], unit: str) -> MedImage:
    volume = oblique_phantom()
    return replace(
        volume,
        data=np.stack([volume.data + n for n in range(len(times))]),
        channel_kind=ChannelKind.TIME,
        channel_values=times,
        channel_unit=unit,
    )


def test_even_times_become_steps_with_their_unit() -> None:
    _, keywords, _ = image_layer(series_at((100.0, 350.0, 600.0), "ms"))
    assert keywords["scale"][0] == pytest.approx(250.0)
    assert keywords["translate"][0] == pytest.approx(100.0)
    assert keywords["units"] == ("ms", "mm", "mm", "mm")
    assert keywords["axis_labels"][0] == "time"


def test_uneven_times_are_counted_and_said_to_be_uneven() -> None:
    _, keywords, _ = image_layer(series_at((0.0, 10.0, 70.0), "s"))
    assert keywords["scale"][0] == 1.0
    assert keywords["units"][0] == "pixel"
    assert keywords["axis_labels"][0] == "time (uneven, s)"


def test_times_that_stand_still_are_counted() -> None:
    _, keywords, _ = image_layer(series_at((5.0, 5.0), "s"))
    assert keywords["scale"][0] == 1.0
