"""What people say about slices and objects is kept, listed, and becomes images to learn from."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope, Segmentation
from napari_medclf.io.digest import array_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.jobs.api import run
from napari_medclf.jobs.correct import save_correction
from napari_medclf.jobs.marks.add import MarkOptions, add_mark
from napari_medclf.jobs.marks.keep import keep_mark, read_marks
from napari_medclf.jobs.marks.learnable import LearnableOptions, make_learnable
from napari_medclf.jobs.marks.table import MarksOptions, list_marks
from napari_medclf.store.authorship import now_utc
from napari_medclf.store.datasets.opening import open_dataset
from napari_medclf.store.project import Project
from napari_medclf.store.strokes.journal import StrokeJournal

SHAPE = (6, 20, 14)


@pytest.fixture
def image(tmp_path):
    """An oblique volume; slice k has the value 100 k, row j adds j."""
    data = np.zeros(SHAPE, dtype=np.float32)
    data += 100 * np.arange(6)[:, None, None] + np.arange(20)[None, :, None]
    turned = Geometry.from_spacing(SHAPE, (4.0, 1.0, 0.5)).permuted((0, 1, 2), (False, True, False))
    path = tmp_path / "scan.nii.gz"
    write_image(MedImage(data, turned, "scan"), path)
    return read_image(path)


@pytest.fixture
def project(tmp_path, image):
    made = Project.create(tmp_path / "p", name="p", task=Task.CLASSIFY, classes=LabelSchema.from_names(["a", "b"]))
    made.add_case(FileRef(image.source.path), image_digest=array_digest(image.data), case_id="scan", group_id="pat")
    return made


def say(project, **more):
    return run(add_mark(MarkOptions(project.folder, "scan", **{"author": "x", **more})))


def test_the_newest_mark_of_an_author_holds_and_all_are_kept(project, tmp_path):
    say(project, classes=("lesion",), scope=Scope.SLICE, index=2)
    say(project, classes=("clean",), scope=Scope.SLICE, index=2, comment="motion")
    say(project, classes=("lesion",), scope=Scope.SLICE, index=2, author="y")
    say(project, classes=("clean",), scope=Scope.SLICE, index=3)
    say(project, scope=Scope.SLICE, index=3, withdraw=True)

    held = run(list_marks(MarksOptions(project.folder, csv=tmp_path / "marks.csv")))

    assert [(one.author, one.index, one.classes) for one in held] == [("x", 2, ("clean",)), ("y", 2, ("lesion",))]
    assert len(run(list_marks(MarksOptions(project.folder, history=True)))) == 5
    with (tmp_path / "marks.csv").open() as file:
        assert next(csv.DictReader(file))["comment"] == "motion"


def test_a_slice_must_be_named_and_an_image_has_none(project):
    with pytest.raises(OptionError, match="--index which slice"):
        MarkOptions(project.folder, "scan", scope=Scope.SLICE)
    with pytest.raises(OptionError, match="not for the whole image"):
        MarkOptions(project.folder, "scan", scope=Scope.IMAGE, index=3)


def test_slice_that_the_image_does_not_have_is_refused(project):
    say(project, classes=("a",), scope=Scope.SLICE, index=5)
    with pytest.raises(OptionError, match="no slice 6 along axis 0; the last of its 6 slices is 5"):
        say(project, classes=("a",), scope=Scope.SLICE, index=6)
    assert len(run(list_marks(MarksOptions(project.folder)))) == 1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_to_learn_from_lie_where_they_lay(project, image, tmp_path, axis):
    say(project, classes=("lesion",), scope=Scope.SLICE, index=2, axis=axis)
    for index in (3, 4):
        say(project, classes=("clean",), scope=Scope.SLICE, index=index, axis=axis)
    say(project, classes=("clean",), scope=Scope.SLICE, index=5, axis=axis, unsure=True)

    made = run(make_learnable(LearnableOptions(project.folder, tmp_path / "out")))

    assert (made.n_cases, made.classes, made.n_unsure) == (3, ("clean", "lesion"), 1)
    dataset = open_dataset(tmp_path / "out", Task.CLASSIFY)
    assert {case.group_id for case in dataset.cases} == {"pat"}
    (case,) = (case for case in dataset.cases if case.classes == ("lesion",))
    part = read_image(case.images["image"].path)
    np.testing.assert_array_equal(np.squeeze(part.data), np.squeeze(np.take(image.data, [2], axis)))
    first = [0, 0, 0]
    first[axis] = 2
    np.testing.assert_allclose(part.geometry.to_world([0, 0, 0]), image.geometry.to_world(first), atol=1e-3)


def test_what_authors_disagree_on_is_left_out_and_counted(project, tmp_path):
    say(project, classes=("lesion",), scope=Scope.SLICE, index=1)
    say(project, classes=("clean",), scope=Scope.SLICE, index=1, author="y")
    say(project, classes=("clean",), scope=Scope.SLICE, index=3)
    say(project, classes=("clean",), scope=Scope.SLICE, index=3, author="y")

    made = run(make_learnable(LearnableOptions(project.folder, tmp_path / "out")))

    assert (made.n_cases, made.n_disputed) == (1, 1)


def test_several_classes_of_one_image_need_multi(project, tmp_path):
    say(project, classes=("mass", "effusion"))
    with pytest.raises(DatasetError, match="--multi"):
        run(make_learnable(LearnableOptions(project.folder, tmp_path / "out", Scope.IMAGE)))
    made = run(make_learnable(LearnableOptions(project.folder, tmp_path / "out", Scope.IMAGE, multi=True)))
    with (made.folder / "labels.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["effusion"], row["mass"]) == ("1", "1")


def test_objects_to_learn_from_show_their_surroundings(image, tmp_path):
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[2:4, 5:9, 4:8] = 7
    labels[1, 14:17, 9:12] = 9
    objects = Segmentation(labels, image.geometry, LabelSchema.from_names(["cell"], first_value=1), is_instances=True)
    run(save_correction(tmp_path / "q", image, objects, None, None, "x"))
    (case,) = Project.open(tmp_path / "q").cases()
    for number, name in ((7, "big"), (9, "small")):
        options = MarkOptions(tmp_path / "q", case.case_id, (name,), scope=Scope.OBJECT, index=number, author="x")
        run(add_mark(options))

    made = run(make_learnable(LearnableOptions(tmp_path / "q", tmp_path / "out", Scope.OBJECT)))

    assert made.classes == ("big", "small")
    part = read_image(tmp_path / "out" / "images" / f"{case.case_id}-object00007.nii.gz")
    low, high = part.geometry.to_world([0, 0, 0]), part.geometry.to_world(np.array(part.geometry.shape) - 1.0)
    centre = image.geometry.to_world(np.argwhere(labels == 7).mean(0))
    assert (np.minimum(low, high) <= centre).all()
    assert (centre <= np.maximum(low, high)).all()


def test_nothing_said_is_nothing_to_learn_from(project, tmp_path):
    with pytest.raises(DatasetError, match="no slice has classes"):
        run(make_learnable(LearnableOptions(project.folder, tmp_path / "out")))


def test_a_mark_on_the_screen_makes_its_project(image, tmp_path):
    mark = Mark(case_id="", scope=Scope.SLICE, axis=0, index=3, classes=("lesion",), author="x", created=now_utc())

    run(keep_mark(tmp_path / "new", image, mark))

    (held,) = run(read_marks(tmp_path / "new", image))
    assert (held.index, held.classes) == (3, ("lesion",))
    assert held.case_id == Project.open(tmp_path / "new").cases()[0].case_id


def test_a_mark_that_only_the_journal_holds_is_not_lost(image, tmp_path):
    mark = Mark(case_id="", scope=Scope.SLICE, axis=0, index=3, classes=("lesion",), author="x", created=now_utc())
    StrokeJournal.open(tmp_path / "new", array_digest(image.data)).append_mark(mark)

    assert [one.classes for one in run(read_marks(tmp_path / "new", image))] == [("lesion",)]
    assert len(run(read_marks(tmp_path / "new", image))) == 1
    assert len(Project.open(tmp_path / "new").mark_history()) == 1
