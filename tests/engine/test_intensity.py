"""Scalings give the numbers of the libraries that models were trained with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.intensity import normalise, scale_channels

_DRAW = np.random.default_rng(12)


def _samples() -> np.ndarray:
    data = _DRAW.normal(300, 120, (2, 5, 7, 9)).astype(np.float32)
    data[1] = data[1] * 3 - 500
    data[:, :, :2] = 0
    return data


def _scaled(data: np.ndarray, **intensity: Any) -> np.ndarray:
    found = data.copy()
    normalise(found, Intensity(**intensity), (0.0, 1.0))
    return found


def _monai(name: str, **arguments: Any) -> Callable[[np.ndarray], np.ndarray]:
    import monai.transforms

    transform = getattr(monai.transforms, name)(**arguments)
    return lambda data: np.asarray(transform(data.copy()))


@pytest.mark.parametrize(
    ("intensity", "monai"),
    [
        ({"kind": "zscore"}, _monai("NormalizeIntensity", channel_wise=True)),
        ({"kind": "zscore", "is_per_channel": False}, _monai("NormalizeIntensity")),
        ({"kind": "zscore", "of": "nonzero"}, _monai("NormalizeIntensity", nonzero=True, channel_wise=True)),
        ({"kind": "minmax"}, _monai("ScaleIntensity", channel_wise=True)),
        ({"kind": "minmax", "is_per_channel": False}, _monai("ScaleIntensity")),
        (
            {"kind": "window", "low": 100, "high": 400},
            _monai("ScaleIntensityRange", a_min=100, a_max=400, b_min=0, b_max=1, clip=True),
        ),
        (
            {"kind": "window", "low": 100, "high": 400, "is_clipped": False},
            _monai("ScaleIntensityRange", a_min=100, a_max=400, b_min=0, b_max=1),
        ),
        (
            {"kind": "window", "low": 100, "high": 400, "mean": (0.5, 0.5), "std": (0.5, 0.5)},
            _monai("ScaleIntensityRange", a_min=100, a_max=400, b_min=-1, b_max=1, clip=True),
        ),
        (
            {"kind": "percentile", "low": 2, "high": 95},
            _monai("ScaleIntensityRangePercentiles", lower=2, upper=95, b_min=0, b_max=1, clip=True, channel_wise=True),
        ),
        ({"kind": "clip", "low": 100, "high": 400}, _monai("ThresholdIntensity", threshold=100, above=True, cval=100)),
    ],
)
def test_equals_monai(intensity: dict[str, Any], monai: Callable[[np.ndarray], np.ndarray]) -> None:
    data = _samples()
    expected = monai(data)
    if intensity["kind"] == "clip":
        expected = np.minimum(expected, 400)
    np.testing.assert_allclose(_scaled(data, **intensity), expected, atol=2e-5)


def test_samples_above_the_mean_decide_and_all_are_changed() -> None:
    data = _samples()
    found = _scaled(data, kind="zscore", of="above_mean")
    for channel, expected in zip(found, data, strict=True):
        above = expected[expected > expected.mean()]
        np.testing.assert_allclose(channel, (expected - above.mean()) / above.std(), atol=1e-4)


def test_filled_foreground_decides_and_what_is_outside_stays() -> None:
    data = np.zeros((2, 5, 8, 8), dtype=np.float32)
    data[0, 1:4, 2:6, 2:6] = _DRAW.uniform(50, 90, (3, 4, 4))
    data[:, 2, 3, 3] = 0  # a hole: inside of the mask
    data[1, 0, 0, 0] = 7  # outside of the first channel's object, but some channel is there
    spec = InputSpec(
        spatial_dims=3, channels=("T1", "T2"), patch_vox=(8, 8, 8), intensity=Intensity(kind="zscore", of="filled")
    )
    found = data.copy()
    scale_channels(found, spec, (0.0, 1.0))
    mask = np.zeros((5, 8, 8), dtype=bool)
    mask[1:4, 2:6, 2:6] = mask[0, 0, 0] = True
    inside = data[0][mask]
    np.testing.assert_allclose(found[0][mask], (inside - inside.mean()) / inside.std(), atol=1e-5)
    assert np.array_equal(found[0][~mask], data[0][~mask])


def test_samples_without_any_contrast_stay_finite() -> None:
    data = np.full((1, 2, 3, 4), 9, dtype=np.float32)
    for kind in ("zscore", "minmax", "percentile", "none", "clip"):
        assert np.isfinite(_scaled(data, kind=kind)).all()
    assert not _scaled(data, kind="minmax").any()  # as MONAI's ScaleIntensity


def test_channels_are_scaled_their_own_way_and_then_together() -> None:
    data = _samples()
    spec = InputSpec(
        spatial_dims=3,
        channels=("CT", "PET"),
        patch_vox=(8, 8, 8),
        intensity=Intensity(kind="none"),
        channel_intensity=(Intensity(kind="window", low=0, high=200), Intensity(kind="none")),
        then=(Intensity(kind="clip", low=0.25, high=0.5),),
    )
    found = data.copy()
    scale_channels(found, spec, (0.0, 1.0))
    np.testing.assert_allclose(found[0], np.clip(data[0] / 200, 0.25, 0.5), atol=1e-6)
    np.testing.assert_allclose(found[1], np.clip(data[1], 0.25, 0.5))


def test_mean_of_another_length_is_a_sentence() -> None:
    with pytest.raises(CardError, match="3 numbers as mean or std for 2 channels"):
        _scaled(_samples(), kind="none", mean=(1, 2, 3))
