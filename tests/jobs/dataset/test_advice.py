"""Data that cannot be learned from is refused in a sentence before anything is trained; what is hard is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.jobs.api import run
from napari_medclf.jobs.dataset.advice import advise, give_advice


def _case(name: str, **answer) -> Case:
    return Case(name, name, {"image": FileRef(Path("x.png"))}, **answer)


def _classified(counts: dict[str, dict[Split | None, int]], **changes) -> Dataset:
    cases = tuple(
        Case(
            f"{name}-{split}-{n}",
            f"{name}-{split}-{n}",
            {"image": FileRef(Path("x.png"))},
            classes=(name,),
            split=split,
        )
        for name, splits in counts.items()
        for split, n_cases in splits.items()
        for n in range(n_cases)
    )
    return Dataset("d", Task.CLASSIFY, LabelSchema.from_names(list(counts)), cases, Path("d"), **changes)


def _sentences(dataset: Dataset) -> str:
    return " ".join(one.sentence for one in advise(dataset))


def test_good_data_gets_no_advice():
    assert advise(_classified({"a": {Split.TRAIN: 40, Split.VAL: 10}, "b": {Split.TRAIN: 40, Split.VAL: 10}})) == ()


def test_one_class_in_the_training_cases_is_refused():
    dataset = _classified({"a": {Split.TRAIN: 12, Split.VAL: 3}, "b": {Split.VAL: 3}})
    with pytest.raises(DatasetError, match=r"the 12 cases to learn from have one class only \(all are 'a'\)"):
        run(give_advice(dataset))


def test_class_with_a_single_case_is_told():
    dataset = _classified({"a": {Split.TRAIN: 30, Split.VAL: 9}, "rare": {Split.TRAIN: 1}, "b": {Split.TRAIN: 30}})
    assert "The class 'rare' has a single case: it can be learned from or measured, not both." in _sentences(dataset)


def test_class_without_training_case_and_lopsided_classes_are_told():
    dataset = _classified(
        {"a": {Split.TRAIN: 300, Split.VAL: 9}, "b": {Split.TRAIN: 10, Split.VAL: 9}, "c": {Split.VAL: 12}}
    )
    said = _sentences(dataset)
    assert "The class 'c' has 12 cases, but none among those to learn from" in said
    assert "300 cases to learn from are 'a' and 10 are 'b'" in said


def test_one_patient_is_refused_and_few_are_told():
    few = _classified({"a": {Split.TRAIN: 2, Split.VAL: 1}, "b": {Split.TRAIN: 1}})
    assert "Only 3 patients or groups (4 cases in all) are there to learn from" in _sentences(few)
    case = few.cases[0]
    single = Dataset("d", Task.SEGMENT, few.schema, (case,), Path("d"))
    with pytest.raises(DatasetError, match="there is 1 patient or group in all"):
        run(give_advice(single))


def test_labels_that_all_or_none_have_are_told():
    cases = tuple(_case(f"c{n}", classes=("a", "b") if n < 3 else ("a",)) for n in range(40))
    dataset = Dataset("d", Task.CLASSIFY, LabelSchema.from_names(["a", "b", "c"]), cases, Path("d"), is_exclusive=False)
    said = _sentences(dataset)
    assert "Every one of the 40 cases to learn from has 'a'" in said
    assert "3 of 40 cases to learn from have 'b'" in said
    assert "Every one of the 40 cases to learn from lacks 'c'" in said


def test_number_that_never_changes_is_refused():
    cases = tuple(_case(f"c{n}", values={"age": 40.0}) for n in range(9))
    dataset = Dataset("d", Task.REGRESS, LabelSchema.from_names(["age"], first_value=1), cases, Path("d"))
    with pytest.raises(DatasetError, match="age is 40 in all cases to learn from"):
        run(give_advice(dataset))
