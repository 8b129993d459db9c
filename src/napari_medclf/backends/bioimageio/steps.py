"""What is done to samples before the network and to its answer after it, as the description names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import Intensity

_NOTHING = Intensity(kind="none")
_IGNORED = ("ensure_dtype",)  # a network always gets float32


@dataclass(frozen=True)
class After:
    """What becomes of the network's answer: an activation, and a threshold where it is made binary."""

    activation: Literal["", "sigmoid", "softmax"] = ""
    threshold: float | None = None


def read_preprocessing(tensor: Mapping[str, Any], where: str) -> tuple[Intensity, ...]:
    """Read the scalings of an input, first to last.

    Raises
    ------
    CardError
        With the name of the first one that is not known.
    """
    found: list[Intensity] = []
    for name, settings in _steps(tensor, "preprocessing", where):
        try:
            step = _intensity(name, settings)
        except (TypeError, ValueError, KeyError, ZeroDivisionError) as error:
            raise CardError(f"{where}: the settings of {name!r} are not understood ({settings}).") from error
        if step is None:
            raise CardError(f"{where}: the preprocessing {name!r} is not known; write a card for this model.")
        is_cut_after = name == "clip" and found and found[-1].kind == "percentile" and (step.low, step.high) == (0, 1)
        if is_cut_after:
            found[-1] = found[-1].model_copy(update={"is_clipped": True})
        elif step is not _NOTHING:
            found.append(step)
    return tuple(found)


def read_postprocessing(tensor: Mapping[str, Any], where: str) -> After:
    """Read what is done to the answer.

    Raises
    ------
    CardError
        With the name of the first one that does not lead to labels or scores.
    """
    after = After()
    for name, settings in _steps(tensor, "postprocessing", where):
        if name in _IGNORED:
            continue
        if name == "sigmoid" and not after.activation:
            after = After("sigmoid")
        elif name == "softmax" and not after.activation:
            after = After("softmax")
        elif name == "binarize" and isinstance(settings.get("threshold"), (int, float)):
            after = After(after.activation, float(settings["threshold"]))
        else:
            raise CardError(f"{where}: the postprocessing {name!r} is not known; write a card for this model.")
    return after


def _steps(tensor: Mapping[str, Any], key: str, where: str) -> list[tuple[str, Mapping[str, Any]]]:
    given = tensor.get(key) or []
    if not isinstance(given, Sequence) or not all(isinstance(one, Mapping) for one in given):
        raise CardError(f"{where}: its {key} is no list of steps.")
    return [(str(one.get("id") or one.get("name")), one.get("kwargs") or {}) for one in given]


def _intensity(name: str, settings: Mapping[str, Any]) -> Intensity | None:
    """One step; the zoo's divisors carry an epsilon of 1e-6, which is below what float32 keeps."""
    if name in _IGNORED:
        return _NOTHING
    if name in ("fixed_zero_mean_unit_variance", "zero_mean_unit_variance") and "mean" in settings:
        return Intensity(kind="none", mean=_numbers(settings["mean"]), std=_numbers(settings["std"]))
    if name == "zero_mean_unit_variance":
        return Intensity(kind="zscore", is_per_channel=_is_per_channel(settings))
    if name == "scale_range":
        low, high = float(settings.get("min_percentile", 0)), float(settings.get("max_percentile", 100))
        per_channel = _is_per_channel(settings)
        if (low, high) == (0, 100):
            return Intensity(kind="minmax", is_per_channel=per_channel)
        return Intensity(kind="percentile", low=low, high=high, is_clipped=False, is_per_channel=per_channel)
    if name == "scale_linear":
        gains, offsets = _numbers(settings.get("gain", 1.0)), _numbers(settings.get("offset", 0.0))
        n = max(len(gains), len(offsets))
        gains, offsets = gains * (n // len(gains)), offsets * (n // len(offsets))
        means = tuple(-offset / gain for gain, offset in zip(gains, offsets, strict=True))
        return Intensity(kind="none", mean=means, std=tuple(1 / gain for gain in gains))
    if name == "clip":
        return Intensity(kind="clip", low=float(settings["min"]), high=float(settings["max"]))
    return None


def _is_per_channel(settings: Mapping[str, Any]) -> bool:
    axes = settings.get("axes")
    return axes is not None and not any(one in axes for one in ("c", "channel"))


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, Sequence) else (float(value),)
