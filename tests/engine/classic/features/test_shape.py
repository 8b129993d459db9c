"""Form features against scikit-image's threshold and region properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.filters import threshold_otsu as skimage_otsu
from skimage.measure import regionprops

from napari_medclf.engine.classic.features.shape import shape, shape_names, threshold_otsu


def _blob() -> np.ndarray:
    j, i = np.mgrid[:40, :40]
    image = np.random.default_rng(0).normal(0.2, 0.02, (40, 40))
    image[((j - 15) / 6) ** 2 + ((i - 24) / 11) ** 2 < 1] += 0.7
    return image


def test_threshold_is_otsus() -> None:
    image = _blob()
    assert float(threshold_otsu(torch.from_numpy(image)[None])[0]) == pytest.approx(skimage_otsu(image), abs=1e-9)


def test_ellipse_has_its_size_place_and_axes() -> None:
    image = _blob()
    found = dict(zip(shape_names(2), shape(torch.from_numpy(image)[None])[0].tolist(), strict=True))
    region = regionprops((image > skimage_otsu(image)).astype(int))[0]
    assert found["shape fraction"] == pytest.approx(region.area / 1600)
    assert found["shape centre j"] == pytest.approx((region.centroid[0] + 0.5) / 40)
    assert found["shape centre i"] == pytest.approx((region.centroid[1] + 0.5) / 40)
    # scikit-image adds the extent of a pixel, 1/12, to the second moments.
    assert found["shape axis length 1"] * 40 == pytest.approx(region.axis_major_length, rel=0.01)
    assert found["shape axis ratio 2"] == pytest.approx(6 / 11, rel=0.05)
    assert found["shape extent"] == pytest.approx(region.extent)


def test_box_has_its_surface_and_thickness() -> None:
    volume = torch.zeros(1, 10, 12, 14, dtype=torch.float64)
    volume[0, 2:7, 3:8, 4:11] = 1  # 5 x 5 x 7 voxels
    found = dict(zip(shape_names(3), shape(volume)[0].tolist(), strict=True))
    assert found["shape surface"] * volume[0].numel() == pytest.approx(2 * (25 + 35 + 35))
    assert found["shape left after erosion 1"] == pytest.approx(3 * 3 * 5 / 175)
    assert found["shape left after erosion 3"] == 0
    assert found["shape extent"] == 1


def test_mirrored_half_is_asymmetric_along_its_axis_only() -> None:
    image = torch.zeros(1, 8, 12, dtype=torch.float64)
    image[:, :, 6:] = 1
    found = dict(zip(shape_names(2), shape(image)[0].tolist(), strict=True))
    assert found["asymmetry j"] == 0
    assert found["asymmetry i"] == pytest.approx(2)  # all differ by 1, and the deviation is a half


def test_constant_image_has_no_form_and_finite_numbers() -> None:
    found = shape(torch.full((1, 9, 9), 3.0, dtype=torch.float64))
    assert found[0, 0] == 0
    assert torch.isfinite(found).all()
