"""MONAI's intensity transforms as `Intensity`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from napari_medclf.backends.monai_bundle.chain import number, numbers, truth
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.store.monai_config.pieces import Component


def _range(step: Component) -> Intensity:
    """``ScaleIntensityRange``: from [a_min, a_max] to [b_min, b_max]."""
    given = step.arguments
    low, high = number(given.get("a_min"), "a_min"), number(given.get("a_max"), "a_max")
    mean, std = _onto(given.get("b_min"), given.get("b_max"))
    return Intensity(kind="window", low=low, high=high, is_clipped=truth(given.get("clip", False)), mean=mean, std=std)


def _percentiles(step: Component) -> Intensity:
    """``ScaleIntensityRangePercentiles``."""
    given = step.arguments
    if truth(given.get("relative", False)):
        raise CardError("ScaleIntensityRangePercentiles with relative=True is not known to this program. Give a card.")
    mean, std = _onto(given.get("b_min"), given.get("b_max"))
    return Intensity(
        kind="percentile",
        low=number(given.get("lower"), "lower"),
        high=number(given.get("upper"), "upper"),
        is_clipped=truth(given.get("clip", False)),
        is_per_channel=truth(given.get("channel_wise", False)),
        mean=mean,
        std=std,
    )


def _min_max(step: Component) -> Intensity:
    """``ScaleIntensity``: from the observed range to [minv, maxv], or all times 1 + factor."""
    given = step.arguments
    if given.get("minv", 0.0) is None or given.get("maxv", 1.0) is None:
        factor = 1.0 + number(given.get("factor", 0.0), "factor")
        return Intensity(kind="none", std=() if factor == 1 else (1.0 / factor,))
    mean, std = _onto(given.get("minv", 0.0), given.get("maxv", 1.0))
    return Intensity(kind="minmax", is_per_channel=truth(given.get("channel_wise", False)), mean=mean, std=std)


def _normalise(step: Component) -> Intensity:
    """``NormalizeIntensity``: by given numbers, or by mean and standard deviation of the image."""
    given = step.arguments
    is_nonzero = truth(given.get("nonzero", False))
    subtrahend, divisor = given.get("subtrahend"), given.get("divisor")
    if subtrahend is None and divisor is None:
        is_per_channel = truth(given.get("channel_wise", False))
        return Intensity(kind="zscore", of="nonzero" if is_nonzero else "all", is_per_channel=is_per_channel)
    if is_nonzero or subtrahend is None or divisor is None:
        raise CardError(
            "NormalizeIntensity with given numbers for a part only is not known to this program. Give a card."
        )
    return Intensity(kind="none", mean=_list(subtrahend, "subtrahend"), std=_list(divisor, "divisor"))


SCALINGS: Mapping[str, Callable[[Component], Intensity]] = MappingProxyType(
    {
        "ScaleIntensityRange": _range,
        "ScaleIntensityRangePercentiles": _percentiles,
        "ScaleIntensity": _min_max,
        "NormalizeIntensity": _normalise,
    }
)
"""MONAI's name of a transform to what makes an `Intensity` of it."""


def tidy(scalings: list[Intensity]) -> list[Intensity]:
    """Leave out what the next one undoes: a z-score is the same before and after a linear map of all samples."""
    kept: list[Intensity] = []
    for position, one in enumerate(scalings):
        following = scalings[position + 1] if position + 1 < len(scalings) else None
        is_undone = (
            following is not None
            and following.kind == "zscore"
            and following.of == "all"
            and one.kind == "minmax"
            and one.is_per_channel == following.is_per_channel
        )
        if not is_undone:
            kept.append(one)
    return kept


def _onto(low: Any, high: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std that bring 0..1 onto [low, high]; empty where that is 0..1 already."""
    if low is None or high is None:
        return (), ()
    low, high = number(low, "b_min"), number(high, "b_max")
    if (low, high) == (0.0, 1.0) or high == low:
        return (), ()
    return (-low / (high - low),), (1.0 / (high - low),)


def _list(value: Any, what: str) -> tuple[float, ...]:
    return numbers(value if isinstance(value, list) else [value], what)
