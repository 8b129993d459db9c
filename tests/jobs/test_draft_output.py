"""How a model's answers are read follows from the data and the recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.recipe import LossSettings, Recipe
from napari_medclf.jobs.class_order import in_order
from napari_medclf.jobs.draft_output import draft_output

_NAMES = ("mild", "none", "severe")


def _case(number: int, **fields) -> Case:
    name = f"case-{number}"
    split = Split.TEST if number == 9 else Split.TRAIN
    return Case(name, name, {"image": FileRef(Path(f"{name}.png"))}, split=split, **fields)


def _dataset(task: Task, cases: list[Case], names=_NAMES, **fields) -> Dataset:
    return Dataset("grades", task, LabelSchema.from_names(names), tuple(cases), Path("grades.csv"), **fields)


def _recipe(kind: str = "auto") -> Recipe:
    spec = InputSpec(spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), patch_vox=(8, 8))
    return Recipe(network=NetworkSpec(target="none"), input=spec, loss=LossSettings(kind=kind))


@pytest.mark.parametrize(
    ("is_exclusive", "kind", "activation"),
    [(True, "auto", "softmax"), (True, "bce", "sigmoid"), (False, "auto", "sigmoid"), (True, "ordinal", "ordinal")],
)
def test_activation_follows_from_the_classes_and_the_loss(is_exclusive, kind, activation):
    dataset = _dataset(Task.CLASSIFY, [_case(0, classes=("mild",))], is_exclusive=is_exclusive)
    assert draft_output(dataset, dataset.schema, _recipe(kind)).activation == activation


def test_classes_that_come_together_have_no_order():
    dataset = _dataset(Task.CLASSIFY, [_case(0, classes=("mild", "severe"))], is_exclusive=False)
    with pytest.raises(OptionError, match="no order to learn"):
        draft_output(dataset, dataset.schema, _recipe("ordinal"))


def test_quantities_are_of_the_training_cases_alone():
    cases = [_case(n, values={"age": 10.0 * n}) for n in (1, 2, 3, 9)]
    dataset = _dataset(Task.REGRESS, cases, names=("age",))
    (age,) = draft_output(dataset, dataset.schema, _recipe(), {"age": "a"}).quantities
    assert (age.unit, age.mean) == ("a", 20.0)
    assert age.sd == pytest.approx((200 / 3) ** 0.5)


def test_quantity_that_never_changes_is_refused():
    dataset = _dataset(Task.REGRESS, [_case(n, values={"age": 40.0}) for n in range(3)], names=("age",))
    with pytest.raises(DatasetError, match=r"age is 40\.0 in all training cases"):
        draft_output(dataset, dataset.schema, _recipe())


def test_unit_of_an_unknown_quantity_is_refused():
    dataset = _dataset(Task.REGRESS, [_case(n, values={"age": n}) for n in range(3)], names=("age",))
    with pytest.raises(OptionError, match="'weight', which is none of age"):
        draft_output(dataset, dataset.schema, _recipe(), {"weight": "kg"})


def test_classes_stand_in_the_order_that_a_person_gives():
    dataset = _dataset(Task.CLASSIFY, [_case(0, classes=("mild",))])
    ordered = in_order(dataset, ["none", "mild", "severe"])
    assert ordered.schema.names == ("none", "mild", "severe")
    assert replace(ordered, schema=dataset.schema) == dataset
    with pytest.raises(OptionError, match="the classes are mild, none, severe"):
        in_order(dataset, ["none", "mild"])
