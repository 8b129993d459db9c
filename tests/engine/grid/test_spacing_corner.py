"""MONAI's ``Spacing`` on affines as files keep them, exact and rounded: the same grid, the same samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.testing.phantoms import oblique_phantom

_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def _spec(codes: str) -> InputSpec:
    return InputSpec(
        spatial_dims=3,
        channels=("gray",),
        intensity=Intensity(kind="none"),
        spacing_mm=(0.9, 1.1, 1.7),
        axis_codes=codes,
        resampling="linear",
        align="centre",
        patch_vox=(8, 8, 8),
    )


def _theirs(data: np.ndarray, affine: np.ndarray, codes: str) -> Any:
    import torch
    from monai.data import MetaTensor
    from monai.transforms import Orientation, Spacing

    ijk = MetaTensor(data.T[np.newaxis].copy(), affine=torch.as_tensor(_TO_RAS @ affine @ np.eye(4)[[2, 1, 0, 3]]))
    return Spacing((0.9, 1.1, 1.7), mode="bilinear")(Orientation(codes)(ijk))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SRP", "IAL"])
@pytest.mark.parametrize("is_rounded", [False, True])
def test_grid_and_samples_are_monais(codes: str, is_rounded: bool) -> None:
    image = oblique_phantom()
    noise = np.random.default_rng(1).integers(-99, 99, image.geometry.shape)
    data = (np.asarray(image.data) + noise).astype(np.float32)
    affine = image.geometry.affine.astype(np.float32).astype(np.float64) if is_rounded else image.geometry.affine
    grid = map_grid(Geometry(affine, image.geometry.shape), _spec(codes))
    theirs = _theirs(data, affine, codes)
    assert np.abs(_TO_RAS @ grid.model.affine - np.asarray(theirs.affine)).max() < 1e-5
    assert np.abs(grid.forward(data[np.newaxis]) - theirs.numpy()).max() < 0.01


def test_axes_along_the_patients_keep_the_first_voxel() -> None:
    affine = np.array([[0.0, 0, 0.7, -30], [0, 0.7, 0, 12], [2.5, 0, 0, 100], [0, 0, 0, 1]], dtype=np.float32)
    grid = map_grid(Geometry(affine.astype(np.float64), (12, 20, 28)), _spec("LPS"))
    assert [one.offset for one in grid.axes] == [0, 0, 0]
