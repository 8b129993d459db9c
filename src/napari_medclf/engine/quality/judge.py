"""From looks at images to findings about a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from napari_medclf.domain.dataset import Case, Split
from napari_medclf.domain.quality import Finding, FindingKind, Severity
from napari_medclf.engine.quality.alike import find_copies, find_near_copies
from napari_medclf.engine.quality.look import Look
from napari_medclf.engine.quality.unusual import find_unusual

# Binary shapes and masks have only extremes; pictures with this much at one of them have lost detail.
_CLIPPED = 0.3
_ONLY_EXTREMES = 0.98
_MOST_INVERTED = 0.1
_MOST_NAMED = 3
_ORDER = {Split.TEST: 0, Split.VAL: 1, Split.TRAIN: 2, None: 3}


@dataclass(frozen=True)
class Looked:
    """A case and the look at its image."""

    case: Case
    look: Look

    @property
    def name(self) -> str:
        """The case id."""
        return self.case.case_id


def judge_images(looked: Sequence[Looked]) -> list[Finding]:
    """Say what is wrong with single images, and what stands apart from the others, errors first."""
    shown = [one for one in looked if not one.look.is_blank]
    findings = [
        *(_blank(one) for one in looked if one.look.is_blank),
        *_copies(shown),
        *_near_copies(shown),
        *_inverted(shown),
        *_clipped(shown),
        *_other_modality(shown),
        *_unusual(shown),
    ]
    return sorted(findings, key=lambda one: one.severity is not Severity.ERROR)


def _blank(one: Looked) -> Finding:
    sentence = f"{one.name} is blank: all its samples are {one.look.low:g}."
    return Finding(FindingKind.BLANK, Severity.ERROR, (one.name,), sentence, (one.name,))


def _copies(looked: Sequence[Looked]) -> Iterator[Finding]:
    for group in find_copies([one.look.sha256 for one in looked]):
        members = sorted((looked[position] for position in group), key=lambda one: _ORDER[one.case.split])
        names = tuple(one.name for one in members)
        yield _describe_copies(members, names)


def _describe_copies(members: Sequence[Looked], names: tuple[str, ...]) -> Finding:
    said = {one.case.classes for one in members}
    splits = sorted({str(one.case.split) for one in members if one.case.split is not None})
    who = _join(names)
    if len(said) > 1:
        classes = " and ".join(", ".join(one) or "no class" for one in sorted(said))
        where = f", and they stand in {' and '.join(splits)}" if len(splits) > 1 else ""
        sentence = f"{who} are the same image, but are said to be {classes}{where}. One of the labels is wrong."
        return Finding(FindingKind.CONFLICT, Severity.ERROR, names, sentence, names)
    if len(splits) > 1:
        sentence = f"{who} are the same image in {' and '.join(splits)}: what is measured there is too good."
        return Finding(FindingKind.LEAK, Severity.ERROR, names, sentence, names[1:])
    sentence = f"{who} are the same image; it counts {len(names)} times."
    return Finding(FindingKind.COPY, Severity.WARNING, names, sentence, names[1:])


def _near_copies(looked: Sequence[Looked]) -> Iterator[Finding]:
    pairs = find_near_copies([one.look.thumbnail for one in looked], [one.look.sha256 for one in looked])
    for first, second, alike in pairs:
        a, b = sorted((looked[first], looked[second]), key=lambda one: _ORDER[one.case.split])
        is_one_group = a.case.group_id == b.case.group_id
        is_leak = a.case.split is not b.case.split and not is_one_group
        where = f" and stand in {a.case.split} and {b.case.split}" if is_leak else ""
        sentence = f"{a.name} and {b.name} look nearly the same (correlation {alike:.4f}){where}. One patient?"
        yield Finding(FindingKind.NEAR_COPY, Severity.WARNING, (a.name, b.name), sentence, (b.name,) if is_leak else ())


def _inverted(looked: Sequence[Looked]) -> Iterator[Finding]:
    found = [one for one in looked if one.look.is_inverted]
    if len(found) > _MOST_INVERTED * len(looked):
        return  # then these are no X-rays
    for one in found:
        sentence = f"{one.name} looks inverted: bright where the other X-rays are dark."
        yield Finding(FindingKind.INVERTED, Severity.WARNING, (one.name,), sentence, (one.name,))


def _clipped(looked: Sequence[Looked]) -> Iterator[Finding]:
    usual = sorted(one.look.ceiling for one in looked)[len(looked) // 2] if looked else 0.0
    for one in looked:
        look = one.look
        if look.ceiling > _CLIPPED and usual < _CLIPPED and look.ceiling + look.floor < _ONLY_EXTREMES:
            sentence = f"{one.name} is overexposed: {look.ceiling:.0%} of its samples are the largest value."
            yield Finding(FindingKind.CLIPPED, Severity.WARNING, (one.name,), sentence, (one.name,))


def _other_modality(looked: Sequence[Looked]) -> Iterator[Finding]:
    known = Counter(one.look.modality for one in looked if one.look.modality)
    if len(known) < 2:
        return
    usual, n_usual = known.most_common(1)[0]
    for one in looked:
        if one.look.modality not in ("", usual):
            sentence = f"{one.name} is {one.look.modality}; {n_usual} of {len(looked)} images are {usual}."
            yield Finding(FindingKind.OTHER_MODALITY, Severity.WARNING, (one.name,), sentence, (one.name,))


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


def _unusual(looked: Sequence[Looked]) -> Iterator[Finding]:
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


def _join(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return " and ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"
