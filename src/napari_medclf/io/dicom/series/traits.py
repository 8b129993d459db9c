"""What tells apart images that lie at one place: their kind, and their time."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from napari_medclf.io.dicom import tags

_KINDS = (
    ("image type", ("ImageType",)),
    ("echo", ("EchoNumbers",)),
    ("echo time", ("EchoTime", "EffectiveEchoTime")),
    ("b-value", ("DiffusionBValue",)),
    ("gradient direction", ("DiffusionGradientOrientation",)),
    ("inversion time", ("InversionTime",)),
    ("flip angle", ("FlipAngle",)),
    ("cardiac phase", ("NominalPercentageOfCardiacPhase",)),
    ("tube voltage", ("KVP",)),
    ("kernel", ("ConvolutionKernel",)),
    ("stack", ("StackID",)),
    ("acquisition", ("AcquisitionNumber", "FrameAcquisitionNumber")),
)
KIND_NAMES = tuple(name for name, _ in _KINDS)
"""What the entries of `kind_traits` are called, in the order in which they are tried."""

ACQUISITION_TIME = "acquisition time"
_TIMES = (
    ("time position", "", ("TemporalPositionIdentifier", "TemporalPositionIndex")),
    ("time offset", "s", ("TemporalPositionTimeOffset",)),
    ("trigger time", "ms", ("TriggerTime", "NominalCardiacTriggerDelayTime")),
    ("frame reference time", "ms", ("FrameReferenceTime",)),
    (ACQUISITION_TIME, "s", ()),
)
TIME_NAMES = tuple(name for name, _, _ in _TIMES)
"""What the entries of `time_traits` are called, in the order in which they are tried."""
TIME_UNITS = tuple(unit for _, unit, _ in _TIMES)
"""The unit of each; empty for a mere number in order."""
_EPOCH = datetime(1970, 1, 1)  # DICOM's times are the scanner's own; only differences count
_MOST_FRAMES = 1_000_000


def kind_traits(dataset: Any) -> tuple[str, ...]:
    """Texts that tell kinds of images apart, as `KIND_NAMES`; empty where an attribute is missing."""
    return tuple(_joined(dataset, keywords) for _, keywords in _KINDS)


def time_traits(dataset: Any) -> tuple[float | None, ...]:
    """Numbers that tell times apart, as `TIME_NAMES`; None where an attribute is missing."""
    found = [_first_number(dataset, keywords) for _, _, keywords in _TIMES[:-1]]
    return (*found, _acquired_s(dataset))


def film_times_ms(dataset: Any, n_frames: int) -> tuple[float, ...]:
    """When each frame of a film was taken, PS3.3 C.7.6.5; empty where the file does not tell."""
    if not 1 < n_frames <= _MOST_FRAMES:
        return ()
    steps = tags.numbers(dataset, "FrameTimeVector")
    if steps is not None and len(steps) == n_frames and all(math.isfinite(step) and step >= 0 for step in steps):
        times = [0.0]
        for step in steps[1:]:
            times.append(times[-1] + step)
        return tuple(times)
    step_ms = tags.number(dataset, "FrameTime", 0.0)
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        rate = tags.number(dataset, keyword, 0.0)
        step_ms = step_ms if step_ms > 0 or rate <= 0 else 1000.0 / rate
    return tuple(n * step_ms for n in range(n_frames)) if step_ms > 0 else ()


def _joined(dataset: Any, keywords: tuple[str, ...]) -> str:
    for keyword in keywords:
        value = dataset.get(keyword)
        if value is None or value == "":
            continue
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            return str(value).strip()
        return "\\".join(str(one) for one in value)
    return ""


def _first_number(dataset: Any, keywords: tuple[str, ...]) -> float | None:
    for keyword in keywords:
        found = tags.number(dataset, keyword, math.nan)
        if math.isfinite(found):
            return found
    return None


def _acquired_s(dataset: Any) -> float | None:
    """Seconds since any fixed moment, from a date-time, or from date and time apart; PS3.5 6.2, DT and TM."""
    whole = tags.text(dataset, "FrameAcquisitionDateTime") or tags.text(dataset, "FrameReferenceDateTime")
    whole = whole or tags.text(dataset, "AcquisitionDateTime")
    if not whole and (time := tags.text(dataset, "AcquisitionTime")):
        whole = (tags.text(dataset, "AcquisitionDate") or "19700101") + time.replace(":", "")
    digits, _, fraction = whole.partition("+")[0].partition("-")[0].partition(".")
    if not (digits.isascii() and digits.isdigit() and len(digits) == len("YYYYMMDDHHMMSS")):
        return None
    try:
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S")  # as above
        return (moment - _EPOCH).total_seconds() + float(f"0.{fraction or 0}")
    except ValueError:
        return None
