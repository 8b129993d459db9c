"""An image that is read slab by slab arrives on the model grid as one that is read whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine import channels
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.prepare import prepare
from napari_medclf.testing.phantoms import oblique_phantom


def _spec(**changes: Any) -> InputSpec:
    given: dict[str, Any] = {
        "spatial_dims": 3,
        "channels": ("gray",),
        "intensity": Intensity(kind="none"),
        "patch_vox": (16, 16, 16),
    }
    return InputSpec(**{**given, **changes})


@pytest.fixture(autouse=True)
def _small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_SLAB_VOX", 5 * 20 * 28)


@pytest.mark.parametrize("axis_codes", [None, "LAI", "PRS", "SPL", "ALI"])
@pytest.mark.parametrize("spacing_mm", [(7.1, 0.9, 0.8), (1.0, 0.3, 0.2), (2.9, 1.1, 0.37)])
@pytest.mark.parametrize("resampling", ["area", "linear"])
def test_slabs_are_the_whole(axis_codes: str | None, spacing_mm: tuple[float, ...], resampling: str) -> None:
    image = oblique_phantom()
    spec = _spec(axis_codes=axis_codes, spacing_mm=spacing_mm, resampling=resampling)
    found = prepare(image, spec)
    grid = map_grid(image.geometry, spec)
    expected = grid.forward(image.data.astype(np.float32)[None])
    assert found.data.flags.c_contiguous
    np.testing.assert_allclose(found.data, expected, atol=2e-3, rtol=1e-5)  # of some 2000 Hounsfield units


def test_image_that_is_full_or_empty_is_not_cropped() -> None:
    corners = np.zeros((2, 3, 4, 5), dtype=np.float32)
    corners[0, 0, 0, 0] = corners[1, 2, 3, 4] = 1  # in different channels
    spec = _spec(crop="nonzero", channels=("T1", "T2"))
    for data in (np.zeros_like(corners), np.ones_like(corners), corners):
        image = MedImage(data, Geometry.from_spacing((3, 4, 5)), "image", channel_kind=ChannelKind.CHANNEL)
        assert prepare(image, spec).grid.crop is None


@pytest.mark.parametrize("align", ["edges", "centre"])
def test_cropped_slabs_are_the_cropped_whole(align: str) -> None:
    data = np.zeros((14, 20, 28), dtype=np.int16)
    data[3:11, 4:17, 6:25] = np.random.default_rng(1).integers(1, 900, (8, 13, 19))
    image = MedImage(data, Geometry.from_spacing((14, 20, 28), (3, 1, 1.2)), "cropped")
    spec = _spec(crop="nonzero", spacing_mm=(2, 2, 2), axis_order=(2, 0, 1), align=align)
    found = prepare(image, spec)
    assert found.grid.crop == ((3, 11), (4, 17), (6, 25))
    grid = map_grid(image.geometry, spec, found.grid.crop)
    np.testing.assert_allclose(found.data, grid.forward(data.astype(np.float32)[None]), atol=1e-3, rtol=1e-5)


def test_normalised_before_it_is_resampled() -> None:
    image = oblique_phantom()
    late = _spec(spacing_mm=(5, 1, 1), intensity=Intensity(kind="window", low=-100, high=100))
    early = late.model_copy(update={"is_normalised_first": True})
    source = np.clip((image.data.astype(np.float32) + 100) / 200, 0, 1)
    expected = map_grid(image.geometry, early).forward(source[None])
    np.testing.assert_allclose(prepare(image, early).data, expected, atol=1e-5)
    assert np.abs(prepare(image, late).data - expected).max() > 0.05


def test_statistics_of_the_image_itself_come_before_it_is_resampled() -> None:
    image = oblique_phantom()
    spec = _spec(spacing_mm=(5, 1, 1), intensity=Intensity(kind="zscore"), is_normalised_first=True)
    source = image.data.astype(np.float32)
    expected = map_grid(image.geometry, spec).forward(((source - source.mean()) / source.std())[None])
    np.testing.assert_allclose(prepare(image, spec).data, expected, atol=1e-4)


def test_image_on_demand_is_read_slab_by_slab_once() -> None:
    import dask.array

    image = oblique_phantom()
    reads: list[tuple[int, ...]] = []

    def read(block: np.ndarray) -> np.ndarray:
        reads.append(block.shape)
        return block

    lazy = dask.array.from_array(image.data, chunks=(3, 20, 28)).map_blocks(
        read, dtype=image.data.dtype, meta=np.empty(0)
    )
    reads.clear()
    spec = _spec(spacing_mm=(7, 1, 1))
    found = prepare(replace(image, data=lazy), spec)
    assert reads == [(3, 20, 28)] * 4
    np.testing.assert_array_equal(found.data, prepare(image, spec).data)


def test_not_a_number_in_one_slab_gets_the_smallest_of_all() -> None:
    data = np.full((12, 20, 28), 40, dtype=np.float32)
    data[0, 3, 3] = -77
    data[11, 5, 5] = np.nan
    image = MedImage(data, Geometry.from_spacing(data.shape), "broken", scale=Scale.RAW)
    assert prepare(image, _spec()).data[0, 11, 5, 5] == -77
