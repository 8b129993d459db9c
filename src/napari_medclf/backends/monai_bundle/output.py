"""What a bundle's network returns: names of its channels, and how labels come of them."""

from __future__ import annotations

from typing import Any, Literal

from napari_medclf.backends.monai_bundle.metadata import is_background, names_of_channels
from napari_medclf.backends.monai_bundle.postprocessing import Decision
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.output_spec import OutputSpec

_UNNAMED = "Its metadata do not name the {} classes that its network has; they are numbered."


def make_output(
    task: Task, decision: Decision, metadata: dict[str, Any], n_channels: int | None
) -> tuple[OutputSpec, tuple[str, ...]]:
    """Say how the network's channels become an answer, and what had to be assumed, as sentences.

    Raises
    ------
    CardError
        If neither configuration nor metadata say how many classes there are.
    """
    if task is Task.INSTANCES:
        return OutputSpec(schema=LabelSchema.from_names(["nucleus"], first_value=1), instances="hover"), ()
    names = names_of_channels(metadata, "outputs", n_channels)
    if names is None and n_channels is None:
        raise CardError(
            "Neither its network nor its metadata say how many classes there are. Give a card that names them."
        )
    limits = () if names is not None else (_UNNAMED.format(n_channels),)
    if task is Task.DETECT:
        found = names or tuple(f"object {n + 1}" for n in range(n_channels or 1))
        return OutputSpec(schema=LabelSchema.from_names(found, first_value=1), activation="sigmoid"), ()
    if task is Task.CLASSIFY:
        return _of_scores(names or tuple(f"class {n}" for n in range(n_channels or 0)), decision), limits
    return _of_labels(names or _numbered(n_channels or 0, _activation(decision)), decision), limits


def _of_scores(names: tuple[str, ...], decision: Decision) -> OutputSpec:
    schema = LabelSchema.from_names(names)
    return OutputSpec(schema=schema, activation=_activation(decision), thresholds=_thresholds(schema, decision))


def _of_labels(names: tuple[str, ...], decision: Decision) -> OutputSpec:
    activation = _activation(decision)
    has_background = is_background(names[0]) or (activation == "softmax" and len(names) > 1)
    schema = _schema(names[1:] if has_background else names, decision)
    return OutputSpec(
        schema=schema,
        activation=activation,
        has_background_channel=has_background,
        priority=tuple(schema.classes[channel].name for channel, _ in decision.regions if channel < len(schema)),
        thresholds=_thresholds(schema, decision),
        resampled=decision.resampled,
        largest_only=_largest(schema, decision),
        min_object_vox=decision.min_object_vox,
    )


def _activation(decision: Decision) -> Literal["softmax", "sigmoid"]:
    """What the postprocessing applies; else what its way to decide makes sense with."""
    if decision.activation:
        return decision.activation
    return "sigmoid" if decision.threshold is not None and not decision.is_argmax else "softmax"


def _numbered(n_channels: int, activation: str) -> tuple[str, ...]:
    if activation == "sigmoid" or n_channels == 1:
        return tuple(f"class {n + 1}" for n in range(n_channels))
    return ("background", *(f"class {n}" for n in range(1, n_channels)))


def _schema(names: tuple[str, ...], decision: Decision) -> LabelSchema:
    """Classes in the order of channels; a function of the bundle may give them other label values."""
    plain = LabelSchema.from_names(names, first_value=1)
    values = dict(decision.regions)
    if sorted(values) != list(range(len(names))) or len(set(values.values())) != len(names):
        return plain
    return LabelSchema(
        classes=tuple(
            LabelClass(value=values[channel], name=one.name, colour=one.colour)
            for channel, one in enumerate(plain.classes)
        )
    )


def _thresholds(schema: LabelSchema, decision: Decision) -> dict[str, float]:
    if decision.threshold is None or decision.is_argmax or decision.threshold == 0.5:
        return {}
    return dict.fromkeys(schema.names, min(1.0, max(0.0, decision.threshold)))


def _largest(schema: LabelSchema, decision: Decision) -> tuple[str, ...]:
    if decision.largest_labels is None:
        return ()
    wanted = decision.largest_labels or schema.values
    return tuple(one.name for one in schema.classes if one.value in wanted)
