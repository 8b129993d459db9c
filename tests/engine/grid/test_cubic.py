"""Third-order splines: scikit-image's numbers, with slices apart as nnU-Net wants them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.grid.cubic import nearest_index, resize_cubic, slice_axis

_SHAPES = [
    ((12, 20, 28), (17, 13, 28)),
    ((5, 6, 7), (20, 3, 9)),
    ((1, 20, 30), (1, 33, 11)),
    ((3, 150, 90), (7, 301, 44)),
    ((2, 2, 2), (5, 1, 3)),
]


def _samples(shape: tuple[int, int, int], n_channels: int = 2) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(n_channels, *shape)).astype(np.float32)


def _resize(samples: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    from skimage.transform import resize

    return resize(samples.astype(np.float64), shape, order=3, mode="edge", anti_aliasing=False)


def _resize_apart(channel: np.ndarray, shape: tuple[int, int, int], apart: int) -> np.ndarray:
    """Do what nnunetv2's ``resample_data_or_seg(do_separate_z=True, order_z=0)`` does."""
    from scipy.ndimage import map_coordinates

    in_plane = tuple(n for axis, n in enumerate(shape) if axis != apart)
    slices = np.stack([_resize(one, in_plane) for one in np.moveaxis(channel, apart, 0)])
    slices = np.moveaxis(slices, 0, apart)
    places = np.mgrid[tuple(slice(n) for n in shape)].astype(np.float64)
    for axis, (old, new) in enumerate(zip(slices.shape, shape, strict=True)):
        places[axis] = (old / new) * (places[axis] + 0.5) - 0.5
    return map_coordinates(slices, places, order=0, mode="nearest")


@pytest.mark.parametrize(("old", "new"), _SHAPES)
def test_equals_scikit_image(old: tuple[int, int, int], new: tuple[int, int, int]) -> None:
    samples = _samples(old)
    expected = np.stack([_resize(channel, new) for channel in samples])
    np.testing.assert_allclose(resize_cubic(samples, new), expected, atol=3e-6)


@pytest.mark.parametrize("apart", [0, 1, 2])
@pytest.mark.parametrize(("old", "new"), _SHAPES)
def test_slices_stay_apart_as_in_nnunet(old: tuple[int, int, int], new: tuple[int, int, int], apart: int) -> None:
    samples = _samples(old)
    expected = np.stack([_resize_apart(channel, new, apart) for channel in samples])
    np.testing.assert_allclose(resize_cubic(samples, new, apart), expected, atol=3e-6)


def test_stays_in_the_range_of_each_channel() -> None:
    samples = np.zeros((2, 4, 9, 9), dtype=np.float32)
    samples[1, 2, 4, 4] = 1  # a spline swings below zero beside a peak
    resized = resize_cubic(samples, (8, 20, 20))
    assert resized.min() == 0
    assert 0 < resized[1].max() <= 1


def test_same_shape_is_left_alone() -> None:
    samples = _samples((3, 4, 5))
    assert resize_cubic(samples, (3, 4, 5)) is samples


@pytest.mark.parametrize(
    ("image_mm", "model_mm", "axis"),
    [
        ((5.0, 0.7, 0.7), (1.0, 1.0, 1.0), 0),
        ((0.7, 0.7, 5.0), (1.0, 1.0, 1.0), 2),
        ((1.0, 1.0, 1.0), (0.8, 4.0, 0.8), 1),
        ((3.0, 1.0, 1.0), (3.0, 1.0, 1.0), None),  # not more than three times
        ((0.24, 1.25, 1.25), (1.0, 1.0, 1.0), None),  # two axes share the largest spacing
        ((0.24, 1.25, 1.25), (6.0, 1.0, 1.0), None),  # and the image's spacing decides
    ],
)
def test_slices_are_apart_along_the_coarsest_axis(
    image_mm: tuple[float, ...], model_mm: tuple[float, ...], axis: int | None
) -> None:
    assert slice_axis(image_mm, model_mm) == axis


def test_nearest_slice_is_rounded_up_between_two() -> None:
    assert nearest_index(4, 2).tolist() == [1, 3]
    assert nearest_index(2, 5).tolist() == [0, 0, 1, 1, 1]
