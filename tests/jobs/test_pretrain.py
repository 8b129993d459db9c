"""Pre-training: from images without labels to a start for a training."""

from __future__ import annotations

import shutil

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.events import Noted, Warned
from napari_medclf.jobs.api import run
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.pretrain import PretrainOptions, pretrain
from napari_medclf.jobs.rerun import RerunOptions, rerun
from napari_medclf.jobs.train import TrainOptions, train


@pytest.fixture(scope="module")
def unlabelled(chest_folder, tmp_path_factory):
    """All chest pictures in one folder, with no labels."""
    folder = tmp_path_factory.mktemp("data") / "pictures"
    folder.mkdir()
    for path in chest_folder.rglob("*.png"):
        shutil.copy(path, folder / path.name)
    return folder


def _options(data, out, **more):
    return PretrainOptions(data=data, out=out, epochs=1, device="cpu", register=False, **more)


def test_classifier_goes_on_from_unlabelled_pictures(unlabelled, chest_folder, tmp_path) -> None:
    start = run(pretrain(_options(unlabelled, tmp_path / "start")))
    assert start.n_images + start.package.card.data[0].n_val == 24
    assert start.package.card.task is Task.REGRESS
    told = []
    options = TrainOptions(
        data=chest_folder, out=tmp_path / "chests", init=str(start.package.folder), epochs=1, device="cpu",
        register=False, baselines=False,
    )  # fmt: skip
    outcome = drive(
        train(options), lambda event: told.append(event.message) if isinstance(event, (Noted, Warned)) else None
    )
    assert outcome.result is not None, outcome.message
    assert outcome.result.package.card.network.arguments["num_classes"] == 2
    assert outcome.result.package.card.input == start.package.card.input
    assert any("weights" in message for message in told)


def test_same_description_gives_the_same_weights(unlabelled, tmp_path) -> None:
    first = run(pretrain(_options(unlabelled, tmp_path / "first"))).package
    again = run(rerun(RerunOptions(run=first.folder, out=tmp_path / "again", data=unlabelled))).result.package
    assert again.card.weights_sha256 == first.card.weights_sha256


def test_segmenter_goes_on_from_the_images_of_a_labelled_set(vessels_folder, tmp_path) -> None:
    start = run(pretrain(_options(vessels_folder, tmp_path / "start", task=Task.SEGMENT)))
    assert start.package.card.task is Task.SEGMENT
    assert start.package.card.schema_.names == ("dark", "bright", "brightest")
    options = TrainOptions(
        data=vessels_folder, out=tmp_path / "vessels", init=str(start.package.folder), epochs=1, device="cpu",
        register=False, class_names=("vessel",),
    )  # fmt: skip
    assert run(train(options)).package.card.schema_.names == ("vessel",)


def test_taken_folder_and_too_few_images_are_refused(unlabelled, tmp_path) -> None:
    with pytest.raises(OptionError, match="there already"):
        run(pretrain(_options(unlabelled, unlabelled)))
    few = tmp_path / "few"
    few.mkdir()
    shutil.copy(next(unlabelled.iterdir()), few / "one.png")
    with pytest.raises(DatasetError, match="too few"):
        run(pretrain(_options(few, tmp_path / "model")))
