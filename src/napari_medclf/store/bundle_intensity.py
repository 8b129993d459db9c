"""A card's scaling of intensities as MONAI's transforms, for the configuration of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity

Step = dict[str, Any]
_UNIT = MappingProxyType({"b_min": 0.0, "b_max": 1.0})


def intensity_steps(spec: InputSpec) -> list[Step]:
    """Describe the transforms that scale ``image`` as the card says.

    Raises
    ------
    CardError
        If MONAI has no transform for it: channels that are scaled each in its way, statistics of a part of the samples.
    """
    if spec.channel_intensity:
        raise CardError("A MONAI bundle cannot scale each channel in its own way.")
    return [step for one in (spec.intensity, *spec.then) for step in (*_scale(one), *_standardise(one))]


def _scale(intensity: Intensity) -> list[Step]:
    is_known = intensity.of == "all" or (intensity.of == "nonzero" and intensity.kind == "zscore")
    if not is_known:
        raise CardError(f"A MONAI bundle cannot take {intensity.kind} of the samples that are {intensity.of}.")
    return _STEPS[intensity.kind](intensity)


def _zscore(intensity: Intensity) -> list[Step]:
    is_nonzero, is_per_channel = intensity.of == "nonzero", intensity.is_per_channel
    limits = {"lower": intensity.low, "upper": intensity.high}
    clip = _step("ClipIntensityPercentilesd", **limits, channel_wise=is_per_channel)
    more = {"nonzero": True} if is_nonzero else {}
    return [clip, _step("NormalizeIntensityd", **more, channel_wise=is_per_channel)]


def _window(intensity: Intensity) -> list[Step]:
    limits = {"a_min": intensity.low, "a_max": intensity.high}
    return [_step("ScaleIntensityRanged", **limits, **_UNIT, clip=intensity.is_clipped)]


def _percentile(intensity: Intensity) -> list[Step]:
    limits = {"lower": intensity.low, "upper": intensity.high}
    rest = {"clip": intensity.is_clipped, "channel_wise": intensity.is_per_channel}
    return [_step("ScaleIntensityRangePercentilesd", **limits, **_UNIT, **rest)]


def _range(intensity: Intensity) -> list[Step]:  # pictures and MedMNIST are 8 bit
    return [_step("ScaleIntensityRanged", a_min=0.0, a_max=255.0, **_UNIT, clip=intensity.is_clipped)]


def _minmax(intensity: Intensity) -> list[Step]:
    return [_step("ScaleIntensityd", minv=0.0, maxv=1.0, channel_wise=intensity.is_per_channel)]


def _clip(intensity: Intensity) -> list[Step]:
    low, high = intensity.low, intensity.high
    return [_step("ScaleIntensityRanged", a_min=low, a_max=high, b_min=low, b_max=high, clip=True)]


def _standardise(intensity: Intensity) -> list[Step]:
    if not (intensity.mean or intensity.std):
        return []
    numbers = {"subtrahend": list(intensity.mean) or None, "divisor": list(intensity.std) or None}
    return [_step("NormalizeIntensityd", **numbers, channel_wise=True)]


def _step(name: str, **arguments: Any) -> Step:
    return {"_target_": name, "keys": "image", **arguments}


_STEPS: Mapping[str, Callable[[Intensity], list[Step]]] = MappingProxyType(
    {
        "zscore": _zscore,
        "window": _window,
        "percentile": _percentile,
        "range": _range,
        "stored": _range,
        "minmax": _minmax,
        "clip": _clip,
        "none": lambda intensity: [],
    }
)
