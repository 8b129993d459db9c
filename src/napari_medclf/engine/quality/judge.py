"""From looks at images to findings about a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from napari_medclf.domain.quality import Finding, FindingKind, Severity
from napari_medclf.engine.quality.copies import judge_copies, judge_near_copies
from napari_medclf.engine.quality.looked import Looked
from napari_medclf.engine.quality.measures import judge_measures
from napari_medclf.engine.quality.orientation import find_turned
from napari_medclf.engine.quality.unusual import find_unusual

# Binary shapes and masks have only extremes; pictures with this much at one of them have lost detail.
_CLIPPED = 0.3
_ONLY_EXTREMES = 0.98
_MOST_INVERTED = 0.1
_RARE = 0.1
_FEWEST = 8
# Far from the others' and at least so much of the limit.
_SOME_MOTION = 0.8


def judge_images(looked: Sequence[Looked]) -> list[Finding]:
    """Say what is wrong with single images, and what stands apart from the others, errors first."""
    shown = [one for one in looked if not one.look.is_blank]
    findings = [
        *(_not_finite(one) for one in looked if one.look.not_finite > 0),
        *(_blank(one) for one in looked if one.look.is_blank),
        *judge_copies(shown),
        *judge_near_copies(shown),
        *_inverted(shown),
        *_clipped(shown),
        *(_text(one) for one in shown if one.look.letters),
        *_other_modality(shown),
        *_other_plane(shown),
        *_turned(shown),
        *_moved(shown),
        *judge_measures(shown),
    ]
    return sorted(findings, key=lambda one: one.severity is not Severity.ERROR)


def _not_finite(one: Looked) -> Finding:
    share = max(one.look.not_finite, 0.0001)
    sentence = f"{one.name}: {share:.2%} of its samples are no finite number (NaN or infinite)."
    return Finding(FindingKind.NOT_FINITE, Severity.ERROR, (one.name,), sentence, (one.name,))


def _blank(one: Looked) -> Finding:
    sentence = f"{one.name} is blank: all its samples are {one.look.low:g}."
    return Finding(FindingKind.BLANK, Severity.ERROR, (one.name,), sentence, (one.name,))


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


def _text(one: Looked) -> Finding:
    sentence = (
        f"{one.name} seems to have text burned into its pixels ({one.look.letters} letters in slice "
        f"{one.look.letters_at}). It may name the patient, and a model may read it."
    )
    return Finding(
        FindingKind.BURNED_IN_TEXT, Severity.WARNING, (one.name,), sentence, (one.name,), at=one.look.letters_at
    )


def _other_plane(looked: Sequence[Looked]) -> Iterator[Finding]:
    """Volumes whose slices lie in another plane than those of nearly all others."""
    planes = {"S": "axial", "I": "axial", "A": "coronal", "P": "coronal", "L": "sagittal", "R": "sagittal"}
    volumes = [(one, planes[one.look.axis_codes[0]]) for one in looked if one.look.shape[0] > 1]
    known = Counter(plane for _, plane in volumes)
    if len(known) < 2 or len(volumes) < _FEWEST:
        return
    usual, n_usual = known.most_common(1)[0]
    for one, plane in volumes:
        if plane != usual and known[plane] <= _RARE * len(volumes):
            sentence = f"{one.name} has {plane} slices; {n_usual} of {len(volumes)} volumes have {usual} ones."
            yield Finding(FindingKind.ORIENTATION, Severity.WARNING, (one.name,), sentence, (one.name,))


def _turned(looked: Sequence[Looked]) -> Iterator[Finding]:
    for turn in find_turned([one.look.cube for one in looked]):
        name = looked[turn.position].name
        sentence = (
            f"{name} looks {turn.way}: its correlation with the others is {turn.before:.2f}, and {turn.after:.2f} "
            "when that is undone."
        )
        yield Finding(FindingKind.ORIENTATION, Severity.WARNING, (name,), sentence, (name,))


def _moved(looked: Sequence[Looked]) -> Iterator[Finding]:
    volumes = [one for one in looked if one.look.motion.score > 0]
    scores = [one.look.motion.score for one in volumes]
    apart = set(find_unusual(scores).tolist())
    for position, one in enumerate(volumes):
        if scores[position] >= 1 or (position in apart and scores[position] >= _SOME_MOTION):
            sentence = f"{one.name} may have been spoilt by movement: {one.look.motion}."
            at = one.look.motion.at
            yield Finding(FindingKind.MOTION, Severity.WARNING, (one.name,), sentence, (one.name,), at=at)
