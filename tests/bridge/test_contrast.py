from dataclasses import replace

import dask.array
import numpy as np
import pytest

from napari_medclf.bridge.contrast import contrast_limits, full_range, shows_hounsfield_units
from napari_medclf.bridge.layers import image_layer
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage, Scale
from napari_medclf.testing.phantoms import brain_phantom, oblique_phantom


def lazy_image(n_planes: int = 40) -> tuple[MedImage, list[int]]:
    """A volume that notes which of its planes were read."""
    read: list[int] = []

    def plane(block_id: tuple[int, ...]) -> np.ndarray:
        read.append(block_id[0])
        return np.full((1, 6, 8), block_id[0], np.int16)

    data = dask.array.map_blocks(plane, dtype=np.int16, chunks=((1,) * n_planes, (6,), (8,)), meta=np.empty((0, 0, 0)))
    return MedImage(data, Geometry.from_spacing((n_planes, 6, 8), (2.0, 1.0, 1.0)), "lazy", "MR"), read


def test_lazy_volume_is_given_limits_from_three_planes_only() -> None:
    image, read = lazy_image()
    low, high = contrast_limits(image)
    assert 10 <= low < high <= 30
    assert len(read) == 3


def test_lazy_volume_reaches_the_layer_unread_but_for_its_limits() -> None:
    image, read = lazy_image()
    data, keywords, _ = image_layer(image)
    assert len(read) == 3
    assert int(np.asarray(data[0])[0, 0]) == 39  # napari's first plane is the most superior one
    assert keywords["contrast_limits"][0] < keywords["contrast_limits"][1]


def test_full_range_leaves_out_what_is_not_a_number() -> None:
    image = brain_phantom().image
    data = image.data.astype(np.float32)
    data[0, 0, :2] = np.nan, np.inf
    data[1, 1, 1] = -7.0
    assert full_range(replace(image, data=data)) == pytest.approx((-7.0, float(image.data.max())))


def test_only_hounsfield_units_get_ct_windows() -> None:
    ct = oblique_phantom()
    assert shows_hounsfield_units(ct)
    assert not shows_hounsfield_units(brain_phantom().image)
    assert not shows_hounsfield_units(replace(ct, scale=Scale.RAW, modality="MR"))


def test_ct_volume_of_a_format_without_modality_opens_in_soft_tissue() -> None:
    ct = replace(oblique_phantom(), scale=Scale.RAW, modality="")
    assert contrast_limits(replace(ct, window=(-1023.0, 269.0))) == (-160.0, 240.0)
    assert contrast_limits(replace(ct, window=(-1023.0, 269.0), modality="CT")) == (-1023.0, 269.0)
    assert contrast_limits(replace(ct, window=(0.0, 269.0))) == (0.0, 269.0)
