"""Copies of images among cases, and what they do: count twice, leak, contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.quality import Finding, FindingKind, Severity
from napari_medclf.engine.quality.alike import find_copies, find_near_copies
from napari_medclf.engine.quality.looked import Looked

_MOST_NAMED = 3
_ORDER = {Split.TEST: 0, Split.VAL: 1, Split.TRAIN: 2, None: 3}


def judge_copies(looked: Sequence[Looked]) -> Iterator[Finding]:
    """Tell groups of cases with the same samples; those that measure keep theirs."""
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


def judge_near_copies(looked: Sequence[Looked]) -> Iterator[Finding]:
    """Tell pairs of cases that look nearly the same."""
    pairs = find_near_copies([one.look.thumbnail for one in looked], [one.look.sha256 for one in looked])
    for first, second, alike in pairs:
        a, b = sorted((looked[first], looked[second]), key=lambda one: _ORDER[one.case.split])
        is_one_group = a.case.group_id == b.case.group_id
        is_leak = a.case.split is not b.case.split and not is_one_group
        where = f" and stand in {a.case.split} and {b.case.split}" if is_leak else ""
        sentence = f"{a.name} and {b.name} look nearly the same (correlation {alike:.4f}){where}. One patient?"
        yield Finding(FindingKind.NEAR_COPY, Severity.WARNING, (a.name, b.name), sentence, (b.name,))


def _join(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return " and ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"
