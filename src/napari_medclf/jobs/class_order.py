"""The order of classes that a person gives, where it matters: grades of a disease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_medclf.domain.dataset import Dataset
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.labels import LabelSchema


def in_order(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Put the classes of a dataset into the order in which they are named; none named leaves them.

    Raises
    ------
    OptionError
        If the names are not those of the classes.
    """
    known = dataset.schema.names
    if not names or tuple(names) == known:
        return dataset
    if sorted(names) != sorted(known):
        raise OptionError(
            f"{dataset.path}: the classes are {', '.join(known)}, and {', '.join(names)} were named. Name all of them, "
            "each once, in their order."
        )
    return replace(dataset, schema=LabelSchema.from_names(names))
