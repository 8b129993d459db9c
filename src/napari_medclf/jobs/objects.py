"""Give every object of an image a class, from some that a person named."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import GridError, OptionError, ReadError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import option

if TYPE_CHECKING:
    from napari_medclf.engine.objects.classifier import ObjectAnswer

OBJECTS_TABLE, CLASS_MAP = "objects.csv", "object_classes.nii.gz"


@dataclass(frozen=True)
class ObjectsOptions:
    """Which objects of which image, and what is known of some."""

    image: Path = option(help="image that the objects were found in", positional=True)
    labels: Path = option(help="label image with a number for every object, on the image's grid")
    examples: Path = option(help="CSV with the columns index (number of the object) and class")
    out: Path = option(help="folder for the table of all objects and the map of their classes")
    member: str = option("", help="which image of several, as `medclf read` names them")
    model: str = option(
        "linear", help="what learns: linear for few examples, forest for many", choices=("linear", "forest")
    )
    seed: int = option(0, help="of the forest", advanced=True)


@dataclass(frozen=True)
class ObjectsResult:
    """Classes of all objects."""

    counts: dict[str, int]
    n_shown: int
    n_unsure: int
    table: Path
    class_map: Path


def classify_in_files(options: ObjectsOptions) -> Job[ObjectsResult]:
    """Learn from the examples, and write a table of all objects and a map of their classes.

    Raises
    ------
    OptionError
        If the examples show fewer than two classes, or are no such table.
    GridError
        If labels and image lie on different grids, or an example is not there.
    ReadError
        If a file cannot be read.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.results import Segmentation
    from napari_medclf.engine.objects.classifier import ObjectModel, classify_objects
    from napari_medclf.engine.objects.describe import describe_objects
    from napari_medclf.io.labels import read_label_map
    from napari_medclf.io.read import read_image
    from napari_medclf.io.write import write_segmentation
    from napari_medclf.jobs.tables import table_csv

    said = read_examples(options.examples)
    yield Progress(0, 0, f"reading {options.image.name}")
    image = read_image(options.image, options.member)
    found = read_label_map(options.labels)
    difference = image.geometry.explain_difference(found.geometry)
    if found.labels.shape != image.geometry.shape or (difference and not image.is_flat):
        raise GridError(f"{options.labels}: does not lie on the grid of {options.image.name}: {difference}.")
    table = yield from describe_objects(image, found.labels)
    answer = classify_objects(table, said, model=ObjectModel(options.model), seed=options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = [
        row | {"x_mm": place[0], "y_mm": place[1], "z_mm": place[2]}
        for row, place in zip(object_rows(answer), table.centres_mm.round(3).tolist(), strict=True)
    ]
    atomic_write(options.out / OBJECTS_TABLE, table_csv(rows))
    schema = LabelSchema.from_names(answer.classes, first_value=1)
    classes = Segmentation(answer.label_map(found.labels), image.geometry, schema)
    write_segmentation(classes, options.out / CLASS_MAP)
    return ObjectsResult(
        answer.counts(),
        int(answer.is_shown.sum()),
        int(answer.is_unsure.sum()),
        options.out / OBJECTS_TABLE,
        options.out / CLASS_MAP,
    )


def object_rows(answer: ObjectAnswer) -> list[dict[str, object]]:
    """Return a row an object: number, class, how sure, whether a person said it."""
    return [
        {
            "index": int(number),
            "class": answer.classes[decided],
            "said_by": "person" if is_shown else "model",
            "unsure": int(is_unsure),
            **{f"score:{name}": round(float(score), 4) for name, score in zip(answer.classes, scores, strict=True)},
        }
        for number, decided, is_shown, is_unsure, scores in zip(
            answer.numbers, answer.decided, answer.is_shown, answer.is_unsure, answer.probabilities, strict=True
        )
    ]


def read_examples(path: Path) -> dict[int, str]:
    """Read object numbers and their classes.

    Raises
    ------
    ReadError
        If the file cannot be read.
    OptionError
        If it lacks a column, or a number is none.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(path, f"cannot be read ({error})") from error
    missing = [name for name in ("index", "class") if not rows or name not in rows[0]]
    if missing:
        raise OptionError(f"{path}: has no column {missing[0]!r}; examples need the columns index and class.")
    try:
        return {int(row["index"]): row["class"].strip() for row in rows if row["class"].strip()}
    except ValueError as error:
        raise OptionError(f"{path}: an index is no whole number ({error}).") from error
