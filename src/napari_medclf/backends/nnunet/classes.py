"""What the channels of an nnU-Net network's answer mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.output_spec import OutputSpec


def read_output(dataset: Mapping[str, Any]) -> OutputSpec:
    """Read classes or regions from a ``dataset.json``.

    Raises
    ------
    CardError
        If they contradict each other.

    Notes
    -----
    Labels: one channel a label, background first. Regions (a label that is a list of labels): one channel a region
    with a sigmoid, painted in the order of ``regions_class_order``. The label ``ignore`` is never predicted.
    """
    labels = dataset.get("labels")
    if not isinstance(labels, Mapping) or labels.get("background") != 0:
        raise CardError("its dataset.json has no labels with background as 0, as nnU-Net writes them.")
    kept = {str(name): value for name, value in labels.items() if name != "ignore"}
    try:
        if any(isinstance(value, list) and len(value) > 1 for value in kept.values()):
            return _read_regions(kept, dataset.get("regions_class_order"))
        return _read_labels(kept)
    except (TypeError, ValueError) as error:
        raise CardError(f"its labels {dict(labels)} are not those of an nnU-Net model.") from error


def _read_labels(labels: Mapping[str, Any]) -> OutputSpec:
    numbered = sorted((_single(value), name) for name, value in labels.items())
    values = [value for value, _ in numbered]
    if values != list(range(len(values))):
        raise CardError(f"its labels are {values}, but nnU-Net numbers them without gaps from 0.")
    return OutputSpec(schema=_make_schema([(name, value) for value, name in numbered if value > 0]))


def _read_regions(labels: Mapping[str, Any], order: Any) -> OutputSpec:
    regions = [name for name, value in labels.items() if value not in (0, [0])]
    if not isinstance(order, list) or len(order) != len(regions):
        raise CardError(f"its {len(regions)} regions have no regions_class_order of as many labels.")
    values = [int(value) for value in order]
    if len(set(values)) < len(values) or min(values) < 1:
        raise CardError(f"its regions_class_order {order} gives a label twice, or the background's.")
    return OutputSpec(
        schema=_make_schema(list(zip(regions, values, strict=True))),
        activation="sigmoid",
        has_background_channel=False,
        priority=tuple(regions),
    )


def _single(value: Any) -> int:
    (number,) = value if isinstance(value, list) else (value,)
    return int(number)


def _make_schema(pairs: list[tuple[str, int]]) -> LabelSchema:
    colours = LabelSchema.from_names([name for name, _ in pairs]).classes
    return LabelSchema(
        classes=tuple(
            LabelClass(value=value, name=name, colour=one.colour)
            for (name, value), one in zip(pairs, colours, strict=True)
        )
    )
