"""Decide what is trained: network, input and settings, and the card of the model to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from napari_medclf.domain.card import DataCredit, ModelCard, Task
from napari_medclf.domain.dataset import Dataset, Split
from napari_medclf.domain.errors import CardError, DatasetError, MedclfError, OptionError, unknown_choice
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.draft_output import draft_output

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import FloatArray, LabelArray
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.recipes.look import DataLook

_NOT_IN_CARD = ("classes", "licence_text", "units")
"""What a person may give beside the card's own fields."""
_KIN = {Task.REGRESS: Task.CLASSIFY, Task.INSTANCES: Task.SEGMENT}
"""Tasks whose networks differ in their last layer only."""
_N_LOOKED_AT = 12
"""Training images looked at to plan a recipe."""


def plan_for(
    dataset: Dataset,
    recipe: str | Mapping[str, Any],
    init: ModelPackage | None,
    epochs: int | None,
    settings: Sequence[str] = (),
    steps: Sequence[str] = (),
) -> Job[Recipe]:
    """Take the recipe that was named, or plan one from some training images.

    With a model to start from, its network and input are kept. The network gets as many outputs as
    the data has classes.

    Parameters
    ----------
    recipe : str or dict
        Name of a family or of a built-in recipe, path of a JSON file, a recipe's values, or empty to plan the default.
    settings : sequence of str
        Changes such as ``optimiser.lr=0.001``; none where the recipe's values are given.
    steps : sequence of str
        What images go through first, such as ``median:radius_vox=1``; likewise.

    Raises
    ------
    OptionError
        If there is no such recipe, setting or step.
    CardError
        If the network cannot be given that number of outputs.
    """
    from napari_medclf.domain.model_steps import with_steps
    from napari_medclf.domain.preprocess_step import PreprocessStep
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.recipes.changes import with_settings
    from napari_medclf.engine.recipes.outputs import n_outputs, with_outputs, with_size

    if isinstance(recipe, str):
        planned = yield from plan_named(dataset, recipe)
        if init is not None:
            planned = _started_from(init, planned, dataset)
        planned = with_settings(planned, settings)
        parsed = [PreprocessStep.parse(step) for step in steps]
        planned = planned.model_copy(update={"input": with_steps(planned.input, parsed)})
    else:
        planned = Recipe.model_validate(recipe)
    if epochs is not None:
        planned = planned.model_copy(update={"epochs": epochs})
    network = with_outputs(planned.network, n_outputs(dataset.task, dataset.schema, planned.loss.kind))
    return planned.model_copy(update={"network": with_size(network, planned.input)})


def plan_named(dataset: Dataset, name: str) -> Job[Recipe]:
    """Plan a family for this data, or read a recipe that is complete.

    Raises
    ------
    OptionError
        If there is no such recipe; the message names the nearest one.
    """
    from napari_medclf.engine.auto.portfolio import AUTO, tuned
    from napari_medclf.engine.recipes.registry import default_family, families

    known = {one.name: one for one in families()}
    if name == AUTO:
        look = yield from look_at_some(dataset)
        is_kept = yield from _does_brightness_tell(dataset)
        return tuned(default_family(dataset.task).plan_with(look), look, is_brightness_kept=is_kept)
    if name and name not in known:
        return read_recipe(name)
    chosen = known[name] if name else default_family(dataset.task)
    return chosen.plan_with((yield from look_at_some(dataset)))


def read_recipe(name: str) -> Recipe:
    """Read a recipe that is complete: that of an embedded model, or a JSON file.

    Raises
    ------
    OptionError
        If there is none; the message names the nearest recipe of any kind.
    """
    from napari_medclf.engine.recipes.files import built_in_recipes, load_recipe
    from napari_medclf.engine.recipes.registry import families

    if name not in built_in_recipes() and not name.endswith(".json"):
        raise OptionError(unknown_choice("recipe", name, [one.name for one in families()] + [*built_in_recipes()]))
    return load_recipe(name)


def look_at_some(dataset: Dataset) -> Job[DataLook]:
    """Look at some of the training cases, and at their labels; those that cannot be read are passed over.

    Raises
    ------
    DatasetError
        If not one of them can be read; with the reason of the first.
    """
    from napari_medclf.engine.recipes.look import look_at

    reader = CaseReader(dataset)
    cases = dataset.in_split(Split.TRAIN)
    chosen = np.unique(np.linspace(0, len(cases) - 1, min(_N_LOOKED_AT, len(cases))).round().astype(int))
    images: list[MedImage] = []
    labels: list[LabelArray] = []
    boxes: list[FloatArray] = []
    reasons: list[str] = []
    for position, number in enumerate(chosen.tolist()):
        case = cases[number]
        yield Progress(position, len(chosen), f"looking at {case.case_id}")
        try:
            image = reader.image(case)
            has_labels = case.label_map is not None and dataset.task is not Task.DETECT
            found = [reader.reference(case, image).labels] if has_labels else []
            outlined = [reader.boxes(case, image).boxes] if dataset.task is Task.DETECT else []
        except MedclfError as error:  # loading tells of the others, case by case
            reasons.append(str(error))
            continue
        images.append(image)
        labels += found
        boxes += outlined
    if not images:
        raise DatasetError(f"Not one of {len(reasons)} training cases can be read. {reasons[0]}")
    return look_at(
        dataset.task,
        dataset.schema,
        images,
        n_train=len(cases),
        is_exclusive=dataset.is_exclusive,
        labels=labels if len(labels) == len(images) else (),
        boxes=boxes,
    )


def _does_brightness_tell(dataset: Dataset) -> Job[bool]:
    """Compare the brightness of the classes on some training images; those that cannot be read are passed over."""
    from napari_medclf.engine.auto.brightness import N_LOOKED_AT, brightness_tells

    if dataset.task is not Task.CLASSIFY:
        return False
    reader = CaseReader(dataset)
    cases = [case for case in dataset.in_split(Split.TRAIN) if case.classes]
    places = np.linspace(0, len(cases) - 1, min(N_LOOKED_AT, len(cases))).round().astype(int)
    chosen = [cases[number] for number in np.unique(places).tolist()]
    means, classes = [], []
    for position, case in enumerate(chosen):
        yield Progress(position, len(chosen), f"looking at {case.case_id}")
        try:
            means.append(float(np.mean(reader.image(case).data)))
        except MedclfError:  # loading tells of it
            continue
        classes.append(case.classes)
    return brightness_tells(means, classes)


def _started_from(init: ModelPackage, planned: Recipe, dataset: Dataset) -> Recipe:
    from napari_medclf.engine.recipes.classic import is_classic, on_embeddings

    if is_classic(planned.network):
        return on_embeddings(planned, init.card)
    return planned.model_copy(update=_kept_from(init, dataset))


def _kept_from(init: ModelPackage, dataset: Dataset) -> dict[str, Any]:
    if _KIN.get(init.card.task, init.card.task) is not _KIN.get(dataset.task, dataset.task):
        raise CardError(f"{init.name} is a model to {init.card.task}, and the data is to {dataset.task}.")
    return {"network": init.card.network, "input": init.card.input}


def draft_card(name: str, dataset: Dataset, recipe: Recipe, said: Mapping[str, Any]) -> ModelCard:
    """Begin the card of a model to be.

    Parameters
    ----------
    said : dict
        Fields of the card that a person gives: title, description, limits, licence, data ...

    Raises
    ------
    OptionError
        If the name is no name for a model.
    """
    fields: dict[str, Any] = {
        "version": "1.0.0",
        "title": name,
        "description": f"Learned to {_VERBS[dataset.task]} {', '.join(dataset.schema.names)} from {dataset.name}.",
        "licence": "not stated",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **said,
    }
    output = draft_output(dataset, _described(dataset.schema, said.get("classes")), recipe, said.get("units"))
    fields = {name: value for name, value in fields.items() if name not in _NOT_IN_CARD}
    fields["data"] = _credits(dataset, fields.get("data", ()))
    try:
        return ModelCard(
            name=name, task=dataset.task, input=recipe.input, network=recipe.network, output=output, **fields
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise OptionError(f"The model's {'.'.join(map(str, first['loc']))} cannot be used: {first['msg']}.") from error


def read_said(path: Path | None) -> dict[str, Any]:
    """Read what a person wrote for the card.

    Raises
    ------
    OptionError
        If it is not a JSON object.
    """
    if path is None:
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError(f"{path}: the card's text cannot be read: {error}.") from error
    if not isinstance(said, dict):
        raise OptionError(f"{path}: a JSON object with fields of the card was expected.")
    return said


_VERBS = {
    Task.CLASSIFY: "tell apart",
    Task.SEGMENT: "outline",
    Task.INSTANCES: "outline and count",
    Task.DETECT: "find",
    Task.REGRESS: "estimate",
}


def _described(schema: LabelSchema, said: Mapping[str, Mapping[str, Any]] | None) -> LabelSchema:
    """Give classes the colours and codes that a person wrote, matched by name."""
    if not said:
        return schema
    described = (LabelClass.model_validate(one.model_dump() | dict(said.get(one.name, {}))) for one in schema.classes)
    return LabelSchema(classes=tuple(described))


def _credits(dataset: Dataset, said: Any) -> tuple[DataCredit, ...]:
    counts: dict[str, Any] = {f"n_{split.value}": len(dataset.in_split(split)) for split in Split}
    if not said:
        return (DataCredit(name=dataset.name, licence="not stated", attribution="", **counts),)
    first, *others = said
    return (DataCredit.model_validate(dict(first) | counts), *(DataCredit.model_validate(one) for one in others))
