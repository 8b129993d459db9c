"""Random changes that would make a label wrong, found by what the classes are called."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.recipe.augment_settings import AugmentSettings
from napari_medclf.domain.recipe.recipe import Recipe


def _words_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SIDES = _words_in(
    "left right l r lt rt lh rh od os sinister dexter links rechts linke rechte linker rechter gauche "
    "droite droit izquierda izquierdo derecha derecho sinistra sinistro destra destro"
)
_UPRIGHT = _words_in("superior inferior upper lower top bottom cranial caudal oben unten supine upside inverted")
_DEPTH = _words_in("anterior posterior ventral dorsal front back frontal ap pa")
_DIRECTIONS = {"left and right": _SIDES, "front and back": _DEPTH, "up and down": _UPRIGHT}
_AXIS_OF_LETTER = {
    "L": "left and right", "R": "left and right", "A": "front and back", "P": "front and back",
    "S": "up and down", "I": "up and down",
}  # fmt: skip
_ROUND_ENOUGH_DEG = 90


@dataclass(frozen=True)
class _Meaning:
    """What classes may be told apart by, the words that say so, and the changes that take it away."""

    what: str
    words: frozenset[str]
    settings: tuple[str, ...]
    tasks: Collection[Task] = tuple(Task)


_OF_IMAGE = (Task.CLASSIFY, Task.REGRESS)
_MEANINGS = (
    _Meaning(
        "size",
        _words_in(
            "small large big tiny enlarged enlargement size sized volume area diameter length width "
            "height thick thin thickness dilated dilatation dilation narrow stenosis atrophy atrophic "
            "hypertrophy cardiomegaly hepatomegaly splenomegaly swollen ml mm cm"
        ),
        ("scale", "stretch"),
        _OF_IMAGE,
    ),
    _Meaning(
        "brightness",
        _words_in(
            "bright dark dense density hyperdense hypodense isodense hyperintense hypointense isointense "
            "intensity contrast enhanced enhancing unenhanced enhancement hu suv"
        ),
        ("gain", "bias", "gamma", "invert_probability", "window_jitter", "mr_bias"),
    ),
    _Meaning(
        "colour",
        _words_in("red green blue yellow brown white black pink purple pigmented colour color stained"),
        ("channel_gain", "invert_probability"),
    ),
    _Meaning(
        "image quality",
        _words_in(
            "blur blurred blurry sharp noise noisy artefact artefacts artifact artifacts motion ghosting "
            "quality resolution diagnostic nondiagnostic"
        ),
        ("blur_vox", "noise_sd", "low_resolution", "ghosting", "mr_bias"),
        _OF_IMAGE,
    ),
)


@dataclass(frozen=True)
class _Break:
    sentence: str
    remedy: dict[str, Any]


def warnings_of(
    settings: AugmentSettings, schema: LabelSchema, task: Task, spec: InputSpec | None = None
) -> tuple[str, ...]:
    """Say which changes would make a label wrong, a sentence each.

    Parameters
    ----------
    schema : LabelSchema
        Its names are what is gone by, in English and some other languages; names that say nothing warn of nothing.
    spec : InputSpec or None
        Tells which axis of the network is which in the patient. Without axis codes, rows of a picture are taken for up
        and down and columns for left and right, and any axis of a volume may be any.

    Notes
    -----
    >>> kidneys = LabelSchema.from_names(("left kidney", "right kidney"), first_value=1)
    >>> warnings_of(AugmentSettings(flip_axes=(0, 1)), kidneys, Task.SEGMENT)
    ("Flips of axis 1 break the label: 'left kidney', 'right kidney' tell left and right apart.",)
    """
    return tuple(one.sentence for one in _breaks(settings, schema, task, spec))


def without_breaking(
    settings: AugmentSettings, schema: LabelSchema, task: Task, spec: InputSpec | None = None
) -> AugmentSettings:
    """Switch off the flips and turns that break a label for sure; what only may break one is left to people."""
    remedy: dict[str, Any] = {}
    for one in _breaks(settings, schema, task, spec):
        for name, value in one.remedy.items():
            if name == "flip_axes" and name in remedy:
                remedy[name] = tuple(axis for axis in remedy[name] if axis in value)
            else:
                remedy[name] = value
    return settings.model_copy(update=remedy)


def with_safe_flips(recipe: Recipe, schema: LabelSchema, task: Task) -> Recipe:
    """Give a recipe that was planned only flips and turns that break no label, in training and in use."""
    augment = without_breaking(recipe.augment, schema, task, recipe.input)
    as_flipped = augment.model_copy(update={"flip_axes": recipe.mirror_axes})
    mirror_axes = without_breaking(as_flipped, schema, task, recipe.input).flip_axes
    return recipe.model_copy(update={"augment": augment, "mirror_axes": mirror_axes})


def _breaks(settings: AugmentSettings, schema: LabelSchema, task: Task, spec: InputSpec | None) -> Iterator[_Break]:
    names = schema.names
    for direction, words in _DIRECTIONS.items():
        said = _said(names, words)
        if said:
            yield from _broken_directions(settings, direction, said, spec)
    for meaning in _MEANINGS:
        said = _said(names, meaning.words)
        used = [name for name in meaning.settings if getattr(settings, name)]
        if said and used and task in meaning.tasks:
            sentence = f"{_and(used)} may break the label: {said} {_tell(said)} {meaning.what} apart."
            yield _Break(sentence, {})


def _broken_directions(
    settings: AugmentSettings, direction: str, said: str, spec: InputSpec | None
) -> Iterator[_Break]:
    flips = [axis for axis in settings.flip_axes if direction in _directions_of(axis, settings, spec)]
    if flips:
        axes = _and([str(axis) for axis in flips])
        kept = tuple(axis for axis in settings.flip_axes if axis not in flips)
        noun = "axis" if len(flips) == 1 else "axes"
        sentence = f"Flips of {noun} {axes} break the label: {said} {_tell(said)} {direction} apart."
        yield _Break(sentence, {"flip_axes": kept})
    if settings.quarter_turns:
        sentence = f"Quarter turns break the label: {said} {_tell(said)} {direction} apart."
        yield _Break(sentence, {"quarter_turns": False})
    if settings.rotate_deg > _ROUND_ENOUGH_DEG:
        sentence = (
            f"Turns by up to {settings.rotate_deg:g} degrees break the label: {said} {_tell(said)} {direction} apart."
        )
        yield _Break(sentence, {"rotate_deg": float(_ROUND_ENOUGH_DEG) / 2})


def _directions_of(axis: int, settings: AugmentSettings, spec: InputSpec | None) -> Collection[str]:
    """Say which directions of the patient an axis of the network may be."""
    if spec is not None and spec.axis_codes is not None:
        return (_AXIS_OF_LETTER[spec.axis_codes[3 - spec.spatial_dims + axis]],)
    if (spec is None and max(settings.flip_axes, default=0) < 2) or (spec is not None and spec.spatial_dims == 2):
        return ("up and down",) if axis == 0 else ("left and right",)
    return tuple(_DIRECTIONS)


def _said(names: Collection[str], words: frozenset[str]) -> str:
    """List the names that hold one of the words; empty where none does."""
    return ", ".join(repr(name) for name in names if words & set(_words(name)))


def _words(name: str) -> Iterator[str]:
    """Take a name apart: ``left_kidney``, ``KidneyLeft``, ``Kidney (L)``."""
    return (word.lower() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])", name))


def _tell(said: str) -> str:
    return "tell" if "', '" in said else "tells"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
