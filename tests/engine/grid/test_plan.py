"""Grids lie where MONAI and PyTorch lay them, in whatever order a network takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.testing.phantoms import oblique_phantom

SHAPE, SPACING_MM = (11, 20, 28), (2.5, 0.7, 0.9)


def _spec(**changes: Any) -> InputSpec:
    given: dict[str, Any] = {
        "spatial_dims": 3,
        "channels": ("CT",),
        "intensity": Intensity(kind="none"),
        "patch_vox": (8, 8, 8),
        "resampling": "linear",
    }
    return InputSpec(**{**given, **changes})


def _samples() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(2, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize(
    "pixdim", [(1.5, 1.5, 2.0), (0.5, 0.4, 0.9), (0.7, 3.0, 2.5), (0.9, 0.7, 2.5), (40.0, 1.0, 1.0)]
)
def test_first_centres_align_as_in_monai_spacing(pixdim: tuple[float, float, float]) -> None:
    from monai.data import MetaTensor
    from monai.transforms import Spacing

    samples = _samples()
    as_monai_loads = np.ascontiguousarray(samples.transpose(0, 3, 2, 1))
    affine = torch.diag(torch.tensor([0.9, 0.7, 2.5, 1.0], dtype=torch.float64))
    spacing = Spacing(pixdim, mode="bilinear", padding_mode="border")
    expected = spacing(MetaTensor(torch.from_numpy(as_monai_loads), affine=affine))
    geometry = Geometry.from_spacing(SHAPE, SPACING_MM)
    grid = map_grid(geometry, _spec(axis_order=(2, 1, 0), align="centre", spacing_mm=pixdim))
    found = grid.forward(samples)
    assert found.shape == tuple(expected.shape)
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-6)
    np.testing.assert_allclose(grid.model.to_world(np.zeros(3)), geometry.to_world(np.zeros(3)), atol=1e-9)
    np.testing.assert_allclose(grid.model.spacing, pixdim, atol=1e-9)


@pytest.mark.parametrize("size", [(7, 13, 31), (22, 20, 9)])
def test_linear_resizing_equals_pytorch_both_ways(size: tuple[int, int, int]) -> None:
    samples = _samples()
    grid = map_grid(Geometry.from_spacing(SHAPE, SPACING_MM), _spec(resize_to=size))
    # In double precision: PyTorch computes the positions of single-precision samples in single precision, too.
    model = torch.nn.functional.interpolate(torch.from_numpy(samples)[None].double(), size, mode="trilinear")
    np.testing.assert_allclose(grid.forward(samples), model[0].numpy(), atol=1e-6)
    home = torch.nn.functional.interpolate(model, SHAPE, mode="trilinear")
    np.testing.assert_allclose(grid.restore(model[0].float().numpy()), home[0].numpy(), atol=1e-6)


@pytest.mark.parametrize("order", [(2, 1, 0), (0, 2, 1), (1, 2, 0)])
def test_axes_come_in_the_order_asked_for(order: tuple[int, int, int]) -> None:
    image = oblique_phantom()
    samples = image.data[None].astype(np.float32)
    grid = map_grid(image.geometry, _spec(axis_order=order))
    model = grid.forward(samples)
    assert np.array_equal(model[0], image.data.transpose(order))
    there = np.argwhere(model[0] == model.max())[0]
    marked = np.argwhere(image.data == image.data.max())[0]
    np.testing.assert_allclose(grid.model.to_world(there), image.geometry.to_world(marked), atol=1e-6)
    assert np.array_equal(grid.restore(model), samples)


def test_picture_keeps_its_slice_axis_first() -> None:
    spec = _spec(spatial_dims=2, patch_vox=(8, 8), axis_order=(2, 1, 0))
    assert map_grid(Geometry.flat(20, 30), spec).shape == (1, 20, 30)
    turned = _spec(spatial_dims=2, patch_vox=(8, 8), axis_order=(0, 2, 1))
    assert map_grid(Geometry.flat(20, 30), turned).shape == (1, 30, 20)


@pytest.mark.parametrize("align", ["edges", "centre"])
def test_cropped_box_lies_where_it_was(align: str) -> None:
    image = oblique_phantom()
    data = np.zeros((1, *image.geometry.shape), dtype=np.float32)
    data[0, 3:9, 5:17, 8:20] = 7
    data[0, 4, 6, 9] = 100
    box = ((3, 9), (5, 17), (8, 20))
    spec = _spec(axis_codes="RIA", spacing_mm=(0.4, 0.4, 0.4), align=align)
    grid = map_grid(image.geometry, spec, box)
    model = grid.forward(data)[0]
    there = np.array(np.unravel_index(int(model.argmax()), model.shape), dtype=float)
    assert np.abs(image.geometry.to_index(grid.model.to_world(there)) - (4, 6, 9)).max() < 0.6
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[4, 6, 9] = labels[8, 16, 19] = 3
    home = grid.restore_labels(grid.forward_labels(labels))
    assert np.array_equal(home, labels)


def test_labels_come_home_as_monai_inverts_its_spacing() -> None:
    from monai.data import MetaTensor
    from monai.transforms import Spacing

    labels = np.random.default_rng(5).integers(0, 5, SHAPE).astype(np.uint8)
    affine = torch.diag(torch.tensor([0.9, 0.7, 2.5, 1.0], dtype=torch.float64))
    pixdim = (1.5, 1.3, 2.0)
    spacing = Spacing(pixdim, mode="nearest", padding_mode="border")
    there = spacing(MetaTensor(torch.from_numpy(labels.transpose(2, 1, 0)[None].astype(np.float32)), affine=affine))
    expected = spacing.inverse(there)[0].numpy().transpose(2, 1, 0)
    grid = map_grid(
        Geometry.from_spacing(SHAPE, SPACING_MM), _spec(axis_order=(2, 1, 0), align="centre", spacing_mm=pixdim)
    )
    model = np.ascontiguousarray(there[0].numpy()).astype(np.uint8)
    assert np.array_equal(grid.restore_labels(model), expected)


def test_anisotropic_slices_stay_apart_with_cubic_splines() -> None:
    grid = map_grid(
        Geometry.from_spacing(SHAPE, (5.0, 0.7, 0.7)), _spec(resampling="cubic", spacing_mm=(2.5, 1.0, 1.0))
    )
    assert grid.apart == 0
    model = grid.forward(_samples())
    assert np.array_equal(model[:, 0], model[:, 1])
    home = grid.restore(model)
    np.testing.assert_allclose(home[:, 4], grid.restore(np.repeat(model[:, 8:9], 22, axis=1))[:, 4], atol=1e-6)
