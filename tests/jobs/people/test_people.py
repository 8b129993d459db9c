"""Two readers and one who decides, on answers in files; no model anywhere."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.write import write_segmentation
from napari_medclf.jobs.api import run
from napari_medclf.jobs.people.adjudicate import AdjudicateOptions, Merge, adjudicate, merge_labels
from napari_medclf.jobs.people.agreement import AgreementOptions, measure_agreement
from napari_medclf.store.project import Project
from napari_medclf.testing.phantoms import brain_phantom

PHANTOM = brain_phantom()
CLASSES = ("ill", "well")


def _project(folder, task, schema, n_cases, *, is_exclusive=True):
    project = Project.create(folder, name="study", task=task, classes=schema, is_exclusive=is_exclusive)
    for number in range(n_cases):
        ref = FileRef(folder.parent / f"case_{number}.nii.gz")
        project.add_case(ref, image_digest=f"{number:064d}", group_id=f"p{number // 2}")
    return project


def _say(project, case, author, *, classes=None, labels=None, is_blind=False, at="10:00"):
    said = Annotation(
        case_id=case.case_id,
        group_id=case.group_id,
        image_digest=case.image_digest,
        classes=classes,
        origin=Origin.MANUAL,
        author=author,
        is_blind=is_blind,
        created=f"2026-11-21T{at}",
    )
    painted = None
    if labels is not None:
        painted = Segmentation(labels, PHANTOM.image.geometry, project.info.classes)
    write = None if painted is None else lambda path: write_segmentation(painted, path)
    project.save_annotation(said, write_labels=write, write_edited=write)


@pytest.fixture
def graded(tmp_path):
    """Twelve cases that three people graded, the second and third blind."""
    project = _project(tmp_path / "p", Task.CLASSIFY, LabelSchema.from_names(CLASSES), 12)
    rng = np.random.default_rng(5)
    table = {"ann": rng.integers(2, size=12)}
    for name, likeness in (("bob", 0.9), ("eve", 0.7)):
        table[name] = np.where(rng.random(12) < likeness, table["ann"], 1 - table["ann"])
    for name, grades in table.items():
        for case, grade in zip(project.cases(), grades, strict=True):
            _say(project, case, name, classes=(CLASSES[grade],), is_blind=name != "ann", at="11:00")
    return project, table


@pytest.fixture
def painted(tmp_path):
    """Two cases that two people painted; the second is a voxel further to the right."""
    truth = PHANTOM.truth
    project = _project(tmp_path / "p", Task.SEGMENT, truth.schema, 2)
    for case in project.cases():
        _say(project, case, "ann", labels=truth.labels)
        _say(project, case, "bob", labels=np.roll(truth.labels, 1, axis=2), is_blind=True, at="11:00")
    return project


def test_kappa_of_every_pair_is_that_of_scikit_learn(graded, tmp_path):
    project, table = graded
    found = run(measure_agreement(AgreementOptions(project.folder, out=tmp_path / "table.csv")))
    assert found.readers == ("ann", "bob", "eve")
    pairs = {row.readers: row for row in found.rows if row.measure == "cohen"}
    for (first, second), row in pairs.items():
        assert row.metric.value == pytest.approx(cohen_kappa_score(table[first], table[second]))
        low, high = row.metric.ci95
        assert low <= row.metric.value <= high
        assert (row.n_cases, row.n_groups) == (12, 6)
    assert len(pairs) == 3
    (fleiss,) = [row for row in found.rows if row.measure == "fleiss"]
    assert fleiss.readers == ("ann", "bob", "eve")
    with (tmp_path / "table.csv").open() as file:
        assert [row["measure"] for row in csv.DictReader(file)] == ["cohen"] * 3 + ["fleiss"]
    assert "not blind" not in found.sentence


def test_reader_who_saw_the_other_is_told(tmp_path):
    project = _project(tmp_path / "p", Task.CLASSIFY, LabelSchema.from_names(CLASSES), 1)
    for name, at in (("ann", "10:00"), ("bob", "11:00")):
        _say(project, project.cases()[0], name, classes=("ill",), at=at)
    assert (
        "In 1 of them a later reader was not blind" in run(measure_agreement(AgreementOptions(project.folder))).sentence
    )


def test_classes_that_do_not_exclude_each_other_have_a_kappa_each(tmp_path):
    project = _project(tmp_path / "p", Task.CLASSIFY, LabelSchema.from_names(CLASSES), 4, is_exclusive=False)
    for number, case in enumerate(project.cases()):
        _say(project, case, "ann", classes=("ill", "well") if number % 2 else ("well",))
        _say(project, case, "bob", classes=("ill",) if number % 2 else (), is_blind=True)
    rows = {row.class_name: row.metric.value for row in run(measure_agreement(AgreementOptions(project.folder))).rows}
    assert rows["ill"] == 1
    assert rows["well"] == 0


def test_dice_of_every_class_is_counted_from_the_files(painted):
    truth = PHANTOM.truth
    found = run(measure_agreement(AgreementOptions(painted.folder)))
    for one in truth.schema.foreground:
        first = truth.labels == one.value
        second = np.roll(first, 1, axis=2)
        expected = 2 * (first & second).sum() / (first.sum() + second.sum())
        (row,) = [row for row in found.rows if row.class_name == one.name]
        assert (row.measure, row.readers) == ("dice", ("ann", "bob"))
        assert row.metric.value == pytest.approx(expected)


def test_nobody_to_compare_is_a_sentence(tmp_path):
    project = _project(tmp_path / "p", Task.CLASSIFY, LabelSchema.from_names(CLASSES), 1)
    assert "No case was read by two" in run(measure_agreement(AgreementOptions(project.folder))).sentence


def test_adjudicator_takes_one_answer_and_it_counts(painted):
    first, second = painted.cases()
    said = run(adjudicate(AdjudicateOptions(painted.folder, case=first.case_id, choose="bob", author="eve"))).annotation
    assert said.author == "eve"
    case = painted.case(first.case_id)
    assert case.answer.adjudicates == ("ann", "bob")
    assert case.readers == ("ann", "bob")
    np.testing.assert_array_equal(
        read_label_map(case.answer.label_map.path).labels, np.roll(PHANTOM.truth.labels, 1, axis=2)
    )
    disputes = run(adjudicate(AdjudicateOptions(painted.folder))).disputes
    assert [(one.case_id, one.is_decided) for one in disputes] == [(second.case_id, False), (first.case_id, True)]
    assert 0 < disputes[0].difference < 1


def test_merged_answer_is_vouched_for_where_the_readers_differ(painted):
    case = painted.cases()[0]
    run(adjudicate(AdjudicateOptions(painted.folder, case=case.case_id, merge=Merge.INTERSECTION, author="eve")))
    saved = painted.case(case.case_id).answer
    first, second = PHANTOM.truth.labels, np.roll(PHANTOM.truth.labels, 1, axis=2)
    np.testing.assert_array_equal(read_label_map(saved.label_map.path).labels, np.where(first == second, first, 0))
    origin = read_label_map(saved.edited_mask.path).labels
    assert (origin[first != second] == 1).all()
    assert (origin[(first == 0) & (second == 0)] == 0).all()


@pytest.mark.parametrize(
    ("merge", "expected"),
    [(Merge.UNION, [1, 1, 2, 2, 0]), (Merge.INTERSECTION, [1, 0, 0, 0, 0]), (Merge.MAJORITY, [1, 1, 2, 0, 0])],
)
def test_three_answers_become_one(merge, expected):
    maps = [np.array([1, 1, 0, 0, 0]), np.array([1, 1, 2, 2, 0]), np.array([1, 2, 2, 0, 0])]
    assert merge_labels(maps, merge).tolist() == expected


def test_even_votes_keep_the_first_readers_class():
    assert merge_labels([np.array([1, 0, 2]), np.array([2, 1, 0])], Merge.MAJORITY).tolist() == [1, 0, 2]


def test_classes_are_merged_too(graded):
    project, table = graded
    number = int(np.flatnonzero(table["ann"] != table["bob"])[0]) if (table["ann"] != table["bob"]).any() else 0
    case = project.cases()[number]
    said = run(adjudicate(AdjudicateOptions(project.folder, case=case.case_id, merge=Merge.MAJORITY))).annotation
    votes = sum(int(grades[number]) for grades in table.values())
    assert said.classes == (CLASSES[votes > 1],)


def test_refusals_name_what_is_there(painted):
    case = painted.cases()[0].case_id
    with pytest.raises(DatasetError, match=r"no reader 'bop'\. Did you mean 'bob'"):
        run(adjudicate(AdjudicateOptions(painted.folder, case=case, choose="bop")))
    with pytest.raises(OptionError, match="Give either --choose"):
        AdjudicateOptions(painted.folder, case=case)
    with pytest.raises(DatasetError, match="nothing to decide between"):
        run(adjudicate(AdjudicateOptions(painted.folder, case=case, merge=Merge.UNION, reader=("ann",))))
