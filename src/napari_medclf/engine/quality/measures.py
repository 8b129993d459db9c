"""Numbers of images that stand apart from those of the others: size, spacing, brightness, sharpness, noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from napari_medclf.domain.quality import Finding, FindingKind, Severity
from napari_medclf.engine.quality.look import Look
from napari_medclf.engine.quality.looked import Looked
from napari_medclf.engine.quality.unusual import find_unusual


@dataclass(frozen=True)
class _Measure:
    """A number of every image, and what to say where it stands apart."""

    kind: FindingKind
    value: Callable[[Look], float]
    sentence: str
    is_low_only: bool = False
    is_high_only: bool = False


_MEASURES = (
    _Measure(FindingKind.ODD_SIZE, lambda look: float(look.shape[0]), "has {value:g} slices; usual are {usual:g}"),
    _Measure(FindingKind.ODD_SIZE, lambda look: float(look.shape[1]), "has {value:g} rows; usual are {usual:g}"),
    _Measure(FindingKind.ODD_SIZE, lambda look: float(look.shape[2]), "has {value:g} columns; usual are {usual:g}"),
    _Measure(
        FindingKind.ODD_SPACING, lambda look: look.spacing[0], "has slices {value:.3g} apart; usual are {usual:.3g}"
    ),
    _Measure(FindingKind.ODD_SPACING, lambda look: look.spacing[2], "has pixels of {value:.3g}; usual are {usual:.3g}"),
    _Measure(
        FindingKind.ODD_INTENSITY,
        lambda look: look.high - look.low,
        "spans {value:.3g} from dark to bright; usual are {usual:.3g}",
    ),
    _Measure(
        FindingKind.BLURRED,
        lambda look: look.sharpness,
        "is blurred: its sharpness is {value:.2g}; usual are {usual:.2g}",
        is_low_only=True,
    ),
    _Measure(
        FindingKind.NOISY,
        lambda look: look.noise,
        "is noisy: noise is {value:.2g} of its contrast; usual are {usual:.2g}",
        is_high_only=True,
    ),
)


def judge_measures(looked: Sequence[Looked]) -> Iterator[Finding]:
    """Tell numbers that stand apart from those of the other images."""
    for measure in _MEASURES:
        values = [measure.value(one.look) for one in looked]
        if not values:
            return
        usual = sorted(values)[len(values) // 2]
        for position in find_unusual(values).tolist():
            value, name = values[position], looked[position].name
            if (measure.is_low_only and value > usual) or (measure.is_high_only and value < usual):
                continue
            sentence = f"{name} {measure.sentence.format(value=value, usual=usual)}."
            yield Finding(measure.kind, Severity.WARNING, (name,), sentence, (name,))
