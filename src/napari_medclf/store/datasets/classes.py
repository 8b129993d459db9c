"""Which classes label images hold: declared, told by a person, or seen in the files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets.options import Hints, LabelValues

_MAX_FILES_SEEN = 200
_FEWEST_OBJECTS = 8
"""An image with numbers up to this, all in use, is taken for numbered objects and not for classes."""


@dataclass(frozen=True)
class LabelMeaning:
    """What the numbers in label images mean."""

    task: Task
    schema: LabelSchema
    label_to_value: Mapping[int, int]
    warnings: tuple[str, ...] = ()


def declared_classes(labels: object, source: Path) -> LabelSchema:
    """Read the ``labels`` of a dataset.json: ``{"1": "liver"}`` (MSD) or ``{"liver": 1}`` (nnU-Net).

    Raises
    ------
    DatasetError
        If it is neither, or names no foreground class.
    """
    if not isinstance(labels, dict):
        raise DatasetError(f'{source}: "labels" must map values to names, such as {{"1": "liver"}}.')
    try:
        pairs = [(int(key), str(name)) if _is_whole(key) else (int(name), str(key)) for key, name in labels.items()]
    except (TypeError, ValueError):
        raise DatasetError(f'{source}: "labels" must give each class one whole number.') from None
    foreground = sorted((value, name) for value, name in pairs if value > 0)
    if not foreground:
        raise DatasetError(f'{source}: "labels" names no class besides the background.')
    schema = LabelSchema.from_names([name for _, name in foreground], first_value=1)
    classes = (
        one.model_copy(update={"value": value}) for one, (value, _) in zip(schema.classes, foreground, strict=True)
    )
    return LabelSchema(classes=tuple(classes))


def explain_labels(
    path: Path, label_maps: Sequence[FileRef], hints: Hints, *, declared: LabelSchema | None = None
) -> LabelMeaning:
    """Find the task and the classes of label images.

    Raises
    ------
    DatasetError
        If nothing names the classes and the files may not be read, or they hold no label at all.
    """
    if declared is not None:
        return LabelMeaning(Task.INSTANCES if hints.task is Task.INSTANCES else Task.SEGMENT, declared, {})
    if hints.task is Task.INSTANCES:
        return LabelMeaning(Task.INSTANCES, _foreground(hints.class_names or ("object",)), {})
    if hints.label_values is None:
        if not hints.class_names:
            raise DatasetError(
                f"{path}: nothing says which classes the label images hold. Name them, or add a dataset.json with "
                '{"labels": {"0": "background", "1": "..."}}.'
            )
        return LabelMeaning(Task.SEGMENT, _foreground(hints.class_names), {})
    return _seen_in_files(path, label_maps, hints, hints.label_values)


def _seen_in_files(path: Path, label_maps: Sequence[FileRef], hints: Hints, label_values: LabelValues) -> LabelMeaning:
    step = -(-len(label_maps) // _MAX_FILES_SEEN)
    by_file = [set(label_values(ref)) for ref in label_maps[::step]]
    values = sorted(set().union(*by_file) - {0})
    if not values:
        raise DatasetError(f"{path}: the label images hold only 0, the background; there is nothing to learn.")
    if hints.task in (None, Task.DETECT) and _are_objects(by_file):
        note = (
            f"The label images number up to {max(values)} objects each, so they were taken for instances; "
            "say --task segment if the numbers are classes."
        )
        return LabelMeaning(Task.INSTANCES, _foreground(hints.class_names or ("object",)), {}, (note,))
    names = hints.class_names or _invented_names(values)
    if hints.class_names and values[-1] <= len(names):
        return LabelMeaning(Task.SEGMENT, _foreground(names), {})
    if len(names) != len(values):
        raise DatasetError(
            f"{path}: the label images hold the values {values[:20]}, for which {len(names)} class names were given."
        )
    # such as the usual 0/255 mask, or an atlas with gaps
    in_order = {value: position for position, value in enumerate(values, start=1)}
    return LabelMeaning(Task.SEGMENT, _foreground(names), in_order if values[-1] > len(values) else {})


def _are_objects(by_file: Sequence[Collection[int]]) -> bool:
    """Numbers 1..n without a gap, with another n in another file, and many of them."""
    highest = [max(values) for values in by_file if any(values)]
    are_gapless = all(len(set(values) - {0}) == max(values) for values in by_file if any(values))
    return are_gapless and len(set(highest)) > 1 and max(highest) > _FEWEST_OBJECTS


def _invented_names(values: Sequence[int]) -> tuple[str, ...]:
    return ("foreground",) if len(values) == 1 else tuple(f"label {value}" for value in values)


def _foreground(names: Sequence[str]) -> LabelSchema:
    return LabelSchema.from_names(names, first_value=1)


def _is_whole(text: object) -> bool:
    return str(text).strip().isdecimal()
