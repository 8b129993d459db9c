"""A voxel's way from the image to the network's grid and home again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.errors import CardError, GridError, ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.prepare import prepare
from napari_medclf.testing.phantoms import MARKED_VOXEL, chest_phantom, oblique_phantom


def _spec(**changes: Any) -> InputSpec:
    window = Intensity(kind="window", low=-1000, high=2000)
    given: dict[str, Any] = {"spatial_dims": 3, "channels": ("gray",), "intensity": window, "patch_vox": (16, 16, 16)}
    return InputSpec(**{**given, **changes})


def _picture(data: np.ndarray, **changes: Any) -> MedImage:
    kind = ChannelKind.NONE if data.ndim == 3 else ChannelKind.COLOUR
    given: dict[str, Any] = {"name": "picture", "channel_kind": kind}
    return MedImage(data, Geometry.flat(*data.shape[-2:]), **{**given, **changes})


@pytest.mark.parametrize("axis_codes", [None, "SPL", "IAR", "LPS", "PRS", "ALI"])
def test_turned_voxel_comes_home_exactly(axis_codes: str | None) -> None:
    image = oblique_phantom()
    prepared = prepare(image, _spec(axis_codes=axis_codes))
    if axis_codes is not None:
        assert prepared.grid.model.axis_codes == axis_codes
    home = prepared.grid.restore(prepared.data)
    expected = np.clip((image.data.astype(np.float32) + 1000) / 3000, 0, 1)
    np.testing.assert_allclose(home[0], expected, atol=1e-6)
    labels = np.arange(image.data.size, dtype=np.int32).reshape(image.data.shape)
    assert np.array_equal(prepared.grid.restore_labels(prepared.grid.forward_labels(labels)), labels)


@pytest.mark.parametrize(
    ("axis_codes", "spacing_mm"),
    [
        (None, (3.5, 0.4, 0.2)),
        (None, (1.0, 0.3, 0.7)),
        ("SPL", (0.5, 0.5, 0.5)),
        ("LAI", (0.5, 0.5, 0.5)),
        ("LAI", (0.7, 0.9, 2.0)),
        ("PRS", (0.9, 0.9, 0.9)),
    ],
)
def test_resampled_voxel_keeps_its_place_in_the_patient(
    axis_codes: str | None, spacing_mm: tuple[float, float, float]
) -> None:
    image = oblique_phantom()
    prepared = prepare(image, _spec(axis_codes=axis_codes, spacing_mm=spacing_mm))
    model, source = prepared.grid.model, image.geometry
    there = np.array(np.unravel_index(int(prepared.data[0].argmax()), model.shape), dtype=float)
    marked_mm = source.to_world(np.array(MARKED_VOXEL, dtype=float))
    assert np.abs(source.to_index(model.to_world(there)) - MARKED_VOXEL).max() <= 0.75
    assert np.linalg.norm(model.to_world(there) - marked_mm) <= 0.5 * np.linalg.norm([*source.spacing, *model.spacing])
    home = prepared.grid.restore(prepared.data)[0]
    assert np.unravel_index(int(home.argmax()), home.shape) == MARKED_VOXEL


@pytest.mark.parametrize("axis_codes", ["SPL", "RIA"])
def test_finely_resampled_label_comes_home_exactly(axis_codes: str) -> None:
    image = oblique_phantom()
    grid = prepare(image, _spec(axis_codes=axis_codes, spacing_mm=(0.3, 0.3, 0.3))).grid
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[MARKED_VOXEL] = 3
    assert np.array_equal(grid.restore_labels(grid.forward_labels(labels)), labels)
    one_hot = np.stack([grid.forward_labels(labels) != 3, grid.forward_labels(labels) == 3]).astype(np.float32)
    assert np.array_equal(np.argwhere(grid.restore(one_hot).argmax(axis=0)), [MARKED_VOXEL])


def test_probabilities_still_sum_to_one_at_home() -> None:
    grid = prepare(oblique_phantom(), _spec(axis_codes="LAI", spacing_mm=(1.1, 1.3, 2.0))).grid
    raw = np.random.default_rng(4).random((5, *grid.shape), dtype=np.float32)
    home = grid.restore(raw / raw.sum(axis=0))
    np.testing.assert_allclose(home.sum(axis=0), 1, atol=1e-5)


def test_both_grids_fill_the_same_box() -> None:
    grid = prepare(oblique_phantom(), _spec(axis_codes="LAI", spacing_mm=(1.0, 1.3, 2.1))).grid
    source, model = grid.source, grid.model
    corners = np.array([[-0.5, n - 0.5] for n in source.shape])
    box = source.to_world(np.array(np.meshgrid(*corners)).reshape(3, -1).T)
    corners = np.array([[-0.5, n - 0.5] for n in model.shape])
    other = model.to_world(np.array(np.meshgrid(*corners)).reshape(3, -1).T)
    nearest = np.linalg.norm(box[:, None] - other[None], axis=-1).min(axis=1)
    assert nearest.max() < 1e-6


def test_picture_is_resized_and_comes_home() -> None:
    image = chest_phantom(with_opacity=True)
    spec = _spec(spatial_dims=2, patch_vox=(28, 28), resize_to=(28, 28), intensity=Intensity(kind="range"))
    prepared = prepare(image, spec)
    assert prepared.data.shape == (1, 1, 28, 28)
    assert prepared.data.mean() == pytest.approx(image.data.mean() / 255, abs=0.01)
    home = prepared.grid.restore(prepared.data)
    assert home.shape == (1, *image.geometry.shape)
    assert np.corrcoef(home.ravel(), image.data.ravel())[0, 1] > 0.9


def test_slices_of_a_volume_stay_for_a_2d_network() -> None:
    spec = _spec(spatial_dims=2, patch_vox=(16, 16), spacing_mm=(0.5, 0.5))
    prepared = prepare(oblique_phantom(), spec)
    assert prepared.data.shape == (1, 12, 30, 28)
    assert prepared.grid.model.spacing == pytest.approx((3.5, 0.5, 0.5))


def test_picture_is_never_turned_on_its_edge() -> None:
    image = chest_phantom()  # coronal: its slice axis is not S
    spec = _spec(spatial_dims=2, patch_vox=(16, 16), axis_codes="SPL")
    assert prepare(image, spec).grid.shape == image.geometry.shape


def test_image_is_left_alone() -> None:
    image = oblique_phantom()
    image = replace(image, data=image.data.astype(np.float32))
    before = image.data.copy()
    prepare(image, _spec(intensity=Intensity(kind="zscore", low=1, high=99)))
    assert np.array_equal(image.data, before)


def test_network_input_is_contiguous_float32() -> None:
    data = prepare(oblique_phantom(), _spec(axis_codes="LAI", spacing_mm=(1, 1, 1))).data
    assert data.dtype == np.float32
    assert data.flags.c_contiguous


def test_averaging_when_shrinking_loses_no_voxel() -> None:
    data = np.zeros((1, 64, 64), dtype=np.uint8)
    data[0, 13, 50] = 255
    spec = _spec(spatial_dims=2, patch_vox=(8, 8), resize_to=(8, 8), intensity=Intensity(kind="range"))
    small = prepare(_picture(data), spec).data[0, 0]
    assert np.unravel_index(int(small.argmax()), small.shape) == (1, 6)


def test_colour_becomes_gray_with_a_warning() -> None:
    red = np.zeros((3, 1, 4, 6), dtype=np.uint8)
    red[0] = 255
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind="range"))
    prepared = prepare(_picture(red), spec)
    np.testing.assert_allclose(prepared.data, 0.299, atol=1e-6)
    assert prepared.warnings == ("The image is in colour and the model takes gray: the brightness was used.",)


def test_gray_saved_as_colour_is_gray_without_a_warning() -> None:
    gray = np.arange(24, dtype=np.uint8).reshape(1, 4, 6)
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind="range"))
    prepared = prepare(_picture(np.stack([gray] * 3)), spec)
    np.testing.assert_allclose(prepared.data[0], gray / 255, atol=1e-6)
    assert prepared.warnings == ()


def test_gray_becomes_colour_with_a_warning() -> None:
    gray = np.arange(24, dtype=np.uint8).reshape(1, 4, 6)
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), channels=("red", "green", "blue"), intensity=Intensity(kind="range"))
    prepared = prepare(_picture(gray), spec)
    assert np.array_equal(prepared.data[0], prepared.data[2])
    assert "gray was used three times" in prepared.warnings[0]


def test_channels_are_matched_by_name() -> None:
    data = np.stack([np.full((2, 3, 4), level, dtype=np.float32) for level in (10, 20, 30)])
    geometry = Geometry.from_spacing((2, 3, 4))
    names = ("FLAIR", "T1", "T2")
    image = MedImage(data, geometry, "brain", channel_kind=ChannelKind.CHANNEL, channel_names=names)
    spec = _spec(channels=("T2", "FLAIR"), intensity=Intensity(kind="window", low=0, high=100))
    np.testing.assert_allclose(prepare(image, spec).data[:, 0, 0, 0], (0.3, 0.1), atol=1e-6)


def test_wrong_number_of_channels_is_a_sentence() -> None:
    with pytest.raises(CardError, match=r"1 channel, but the model takes 2 channels \(T1, T2\)"):
        prepare(oblique_phantom(), _spec(channels=("T1", "T2")))


def test_time_series_is_refused() -> None:
    data = np.zeros((5, 2, 3, 4), dtype=np.float32)
    image = MedImage(data, Geometry.from_spacing((2, 3, 4)), "perfusion", channel_kind=ChannelKind.TIME)
    with pytest.raises(CardError, match="5 time points"):
        prepare(image, _spec())


def test_zscore_centres_every_channel() -> None:
    data = prepare(oblique_phantom(), _spec(intensity=Intensity(kind="zscore"))).data
    assert data.mean() == pytest.approx(0, abs=1e-4)
    assert data.std() == pytest.approx(1, abs=1e-4)


def test_percentiles_clip_the_marked_voxel() -> None:
    data = prepare(oblique_phantom(), _spec(intensity=Intensity(kind="percentile", low=0, high=99))).data
    assert (data.min(), data.max()) == (0, 1)
    assert np.count_nonzero(data == 1) > 1


def test_mean_and_std_apply_after_the_range() -> None:
    image = _picture(np.full((1, 4, 4), 255, dtype=np.uint8))
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind="range", mean=(0.5,), std=(0.25,)))
    np.testing.assert_allclose(prepare(image, spec).data, 2)


def test_mean_of_another_length_is_a_sentence() -> None:
    spec = _spec().model_copy(update={"intensity": Intensity(kind="zscore", mean=(0.1, 0.2))})
    with pytest.raises(CardError, match="2 numbers as mean or std for 1 channels"):
        prepare(oblique_phantom(), spec)


@pytest.mark.parametrize(
    ("data", "window", "expected", "is_guessed"),
    [
        (np.array([[[0, 4095]]], dtype=np.uint16), (0.0, 4095.0), 1.0, True),
        (np.array([[[0, 65535]]], dtype=np.uint16), None, 1.0, False),
        (np.array([[[False, True]]]), None, 1.0, False),
        (np.array([[[0.0, 0.5]]], dtype=np.float32), None, 0.5, False),
        (np.array([[[-4.0, 6.0]]], dtype=np.float32), None, 1.0, True),
    ],
)
def test_range_follows_the_samples(
    data: np.ndarray, window: tuple[float, float] | None, expected: float, is_guessed: bool
) -> None:
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind="range"))
    prepared = prepare(_picture(data, window=window), spec)
    np.testing.assert_allclose(prepared.data.ravel(), (0, expected), atol=1e-6)
    assert bool(prepared.warnings) == is_guessed


def test_constant_image_stays_finite() -> None:
    image = _picture(np.full((1, 4, 4), 7, dtype=np.uint8))
    for kind in ("zscore", "percentile", "window"):
        spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind=kind))
        assert np.isfinite(prepare(image, spec).data).all()


def test_not_a_number_is_filled_and_said() -> None:
    data = np.array([[[np.nan, 3.0, 5.0]]], dtype=np.float32)
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind="window", low=0, high=10))
    prepared = prepare(_picture(data), spec)
    np.testing.assert_allclose(prepared.data.ravel(), (0.3, 0.3, 0.5), atol=1e-6)
    assert prepared.warnings == ("1 of 3 samples are not finite numbers; they were set to the smallest one.",)


def test_observed_range_is_that_of_finite_samples() -> None:
    data = np.array([[[np.nan, np.inf, -np.inf, 3.0, 5.0, 7.0]]], dtype=np.float32)
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind="range"))
    np.testing.assert_allclose(prepare(_picture(data), spec).data.ravel(), (0, 0, 0, 0, 0.5, 1), atol=1e-6)


@pytest.mark.parametrize("kind", ["range", "zscore", "window"])
def test_image_without_a_finite_sample_is_refused(kind: Any) -> None:
    data = np.full((1, 4, 4), np.nan, dtype=np.float32)
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), intensity=Intensity(kind=kind))
    with pytest.raises(CardError, match="None of the image's samples is a finite number"):
        prepare(_picture(data), spec)


@pytest.mark.parametrize("kind", ["range", "zscore", "window"])
def test_image_that_cannot_be_read_any_more_is_refused_in_a_sentence(kind: Any) -> None:
    import dask.array as da

    def read(block_id: tuple[int, ...]) -> np.ndarray:
        if block_id[0] == 2:
            raise OSError("the disk\nis gone")
        return np.zeros((2, 4, 4), dtype=np.float32)

    chunks = ((2,) * 4, (4,), (4,))
    lazy: Any = da.map_blocks(read, chunks=chunks, dtype=np.float32, meta=np.zeros((0, 0, 0)))  # type: ignore[no-untyped-call]  # of dask
    image = MedImage(lazy, Geometry.from_spacing((8, 4, 4)), "study")
    with pytest.raises(ReadError, match=r"study: a part of it cannot be read any more \(the disk is gone\)\. Open it"):
        prepare(image, _spec(intensity=Intensity(kind=kind)))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (1, 9, 1), (9, 1, 1)])
@pytest.mark.parametrize("axis_codes", ["SPL", "IAR", "ALI"])
def test_axes_of_one_voxel_can_be_turned(shape: tuple[int, int, int], axis_codes: str) -> None:
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    image = MedImage(data, Geometry.from_spacing(shape), "thin")
    prepared = prepare(image, _spec(axis_codes=axis_codes, intensity=Intensity(kind="none")))
    np.testing.assert_array_equal(prepared.grid.restore(prepared.data)[0], data)


def test_picture_without_a_scale_keeps_its_pixels() -> None:
    spec = _spec(spatial_dims=2, patch_vox=(4, 4), spacing_mm=(0.5, 0.5))
    prepared = prepare(_picture(np.arange(24, dtype=np.uint8).reshape(1, 4, 6)), spec)
    assert prepared.data.shape == (1, 1, 4, 6)


def test_array_of_another_grid_is_refused() -> None:
    grid = prepare(oblique_phantom(), _spec(spacing_mm=(1, 1, 1))).grid
    with pytest.raises(GridError, match="does not lie on the model grid"):
        grid.restore(np.zeros((2, 12, 20, 28), dtype=np.float32))
    with pytest.raises(GridError, match="does not lie on the source grid"):
        grid.forward_labels(np.zeros((3, 3, 3), dtype=np.uint8))


def test_axis_codes_that_repeat_an_axis_are_refused() -> None:
    with pytest.raises(CardError, match="'SIL' do not name three axes"):
        prepare(oblique_phantom(), _spec().model_copy(update={"axis_codes": "SIL"}))
