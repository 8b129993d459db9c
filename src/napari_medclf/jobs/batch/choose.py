"""Choose the images of a folder that a run is about, by a rule, and say why each was chosen or not."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.domain.series_rule import Keep, SeriesRule

_SUPERLATIVES = {
    Keep.NEWEST: "the newest",
    Keep.THINNEST: "the one with the thinnest slices",
    Keep.MOST_SLICES: "the one with the most slices",
}


def check_rule(rule: SeriesRule) -> None:
    """Refuse expressions that are none.

    Raises
    ------
    OptionError
        Naming the option and what is wrong with it.
    """
    for name in ("body_part", "description", "not_description"):
        try:
            re.compile(getattr(rule, name))
        except re.error as error:
            flag = "--" + name.replace("_", "-")
            raise OptionError(f"{flag} is {getattr(rule, name)!r}, which is no regular expression: {error}.") from error


def why_not(entry: SeriesEntry, rule: SeriesRule) -> str:
    """Say why an image is not like a rule asks for; empty where it is.

    Patterns on paths are not asked here (`patterns.leave_out_by`), nor what others of its study are like.
    """
    return next(filter(None, _objections(entry, rule)), "")


def choose_of_studies(
    entries: Sequence[SeriesEntry], keep: Keep
) -> tuple[Mapping[FileRef, str], Mapping[FileRef, str]]:
    """Choose one image of each DICOM study; files that belong to no study are all kept.

    Parameters
    ----------
    entries : sequence of SeriesEntry
        Images that fit the rest of the rule.

    Returns
    -------
    chosen, left : dict
        Image to the reason why it was chosen of several, and to the reason why it was not.

    Notes
    -----
    Of images that are equally good the one with more slices is taken, then the first.
    """
    if keep is Keep.ALL:
        return {}, {}
    by_study: dict[str, list[SeriesEntry]] = defaultdict(list)
    for entry in entries:
        if entry.modality and entry.study:
            by_study[entry.study].append(entry)
    chosen: dict[FileRef, str] = {}
    left: dict[FileRef, str] = {}
    for study in by_study.values():
        best = max(study, key=lambda entry: _merit(entry, keep))  # the first of equal ones
        if len(study) > 1:
            chosen[best.ref] = f"{_SUPERLATIVES[keep]} of {len(study)} fitting images of its study"
        for entry in study:
            if entry is not best:
                left[entry.ref] = (
                    f"of its study {best.name} was taken, {_SUPERLATIVES[keep]} (--one-per-study {keep.value})"
                )
    return chosen, left


def _merit(entry: SeriesEntry, keep: Keep) -> tuple[object, ...]:
    slices = n_slices(entry)
    if keep is Keep.NEWEST:
        return (entry.series_time, slices)
    if keep is Keep.THINNEST:
        return (entry.slice_mm is not None, -(entry.slice_mm or 0.0), slices)
    return (slices, entry.series_time)


def n_slices(entry: SeriesEntry) -> int:
    """How many slices an image has; 0 where it is not known before reading."""
    return entry.size[-3] if len(entry.size) >= 3 else 0


def _objections(entry: SeriesEntry, rule: SeriesRule) -> Iterator[str]:
    if rule.modality and entry.modality.upper() not in {one.upper() for one in rule.modality}:
        wanted = " or ".join(rule.modality)
        yield f"{_has(entry, 'modality', entry.modality)}, and {wanted} was asked for (--modality)"
    if rule.body_part and not _finds(rule.body_part, entry.body_part):
        yield (f"{_has(entry, 'body part', entry.body_part)}, and {rule.body_part!r} was asked for (--body-part)")
    if rule.description and not _finds(rule.description, entry.description):
        yield (
            f"{_has(entry, 'description', entry.description)}, and {rule.description!r} was asked for (--description)"
        )
    if rule.not_description and _finds(rule.not_description, entry.description):
        yield (
            f"its description is {entry.description!r}, and {rule.not_description!r} is not wanted (--not-description)"
        )
    yield from _objections_to_slices(entry, rule)


def _objections_to_slices(entry: SeriesEntry, rule: SeriesRule) -> Iterator[str]:
    slices = n_slices(entry)
    if rule.min_slices and not slices:
        yield f"does not tell its number of slices, and {rule.min_slices} at least were asked for (--min-slices)"
    elif slices < rule.min_slices:
        yield f"has {_count(slices)}, and {rule.min_slices} at least were asked for (--min-slices)"
    if rule.max_slice_mm is None:
        return
    if entry.slice_mm is None:
        yield f"does not tell its slice distance, and {rule.max_slice_mm:g} mm at most was asked for (--max-slice-mm)"
    elif entry.slice_mm > rule.max_slice_mm * (1 + 1e-6):  # decimal digits of the files
        yield (
            f"its slices are {entry.slice_mm:g} mm apart, and {rule.max_slice_mm:g} mm at most was asked for "
            "(--max-slice-mm)"
        )


def _has(entry: SeriesEntry, name: str, value: str) -> str:
    if value:
        return f"its {name} is {value!r}"
    return f"tells no {name}" if entry.modality else f"is {entry.kind}, which tells no {name}"


def _finds(pattern: str, text: str) -> bool:
    return bool(text) and re.search(pattern, text, re.IGNORECASE) is not None


def _count(slices: int) -> str:
    return "one slice" if slices == 1 else f"{slices} slices"
