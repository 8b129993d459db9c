"""Training: a package that works, that can be made again, and that a stop does not cost."""

import json
import shutil
from dataclasses import replace
from itertools import takewhile

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError, OptionError
from napari_medclf.domain.events import EpochDone, FinishReason, Progress, Warned
from napari_medclf.jobs.api import run
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.train import TrainOptions, train
from napari_medclf.store.bundle import read_run_spec
from napari_medclf.store.catalogue import Catalogue


@pytest.fixture
def options(vessels_folder, tmp_path):
    return TrainOptions(
        data=vessels_folder, out=tmp_path / "again", epochs=2, device="cpu", class_names=("vessel",), register=False
    )


def test_model_is_measured_as_it_will_be_used(vessel_model):
    dice = vessel_model.card.metrics["val/dice/vessel"]

    assert vessel_model.card.name == "vessels-small"
    assert vessel_model.card.schema_.names == ("vessel",)
    assert 0.3 < dice.value <= 1
    assert vessel_model.card.fingerprint is not None


def test_description_names_no_folder_of_the_person(vessel_model):
    spec = read_run_spec(vessel_model)

    assert spec.command == "train"
    assert spec.options["data"] == "vessels"
    assert "/" not in spec.options["out"]
    assert spec.options["fixed"]["recipe"]["epochs"] == 2


def test_package_keeps_the_splits(vessel_model):
    splits = json.loads((vessel_model.folder / "configs" / "splits.json").read_text())

    assert {name: len(splits[name]) for name in ("train", "val", "test")} == {"train": 6, "val": 1, "test": 1}
    assert vessel_model.card.data[0].n_train == 6


def test_same_seed_gives_the_same_weights(options, vessel_model):
    again = run(train(options)).package

    assert again.card.weights_sha256 == vessel_model.card.weights_sha256


def test_stopped_training_resumes_to_the_same_weights(options, vessel_model):
    epochs = []

    def note(event):
        if isinstance(event, EpochDone):
            epochs.append(event.epoch)

    stopped = drive(train(options), note, should_stop=lambda: epochs == [1])
    assert stopped.reason is FinishReason.CANCELED
    assert not options.out.exists()
    assert (options.out.with_name("again.training") / "checkpoints" / "last.pt").is_file()

    with pytest.raises(OptionError, match="--resume"):
        run(train(options))
    with pytest.raises(OptionError, match="seed"):
        run(train(replace(options, resume=True, seed=1)))
    finished = run(train(replace(options, resume=True)))

    assert finished.package.card.weights_sha256 == vessel_model.card.weights_sha256
    assert not options.out.with_name("again.training").exists()


def test_a_stop_while_loading_leaves_no_model(options):
    outcome = drive(train(options), should_stop=lambda: True)

    assert outcome.reason is FinishReason.CANCELED
    assert not options.out.exists()


def test_training_that_cannot_begin_leaves_nothing(options, vessels_folder, tmp_path):
    data = tmp_path / "unreadable"
    shutil.copytree(vessels_folder, data)
    for path in (data / "labels").iterdir():
        Image.fromarray(np.zeros((5, 7), np.uint8) + 1).save(path)

    outcome = drive(train(replace(options, data=data)))

    assert outcome.reason is FinishReason.FAILED
    assert outcome.message.startswith("Not one of 6 training cases can be read. ")
    assert [path.name for path in tmp_path.iterdir()] == ["unreadable"]


def test_progress_comes_before_and_during_the_training(options):
    messages = []

    def note(event):
        if isinstance(event, Progress):
            messages.append(event.message)

    drive(train(options), note, should_stop=lambda: any("poch" in message for message in messages))

    assert any("loading" in message for message in messages)


def test_few_patients_for_validation_are_told_before_the_training(options):
    job = train(options)
    try:
        told = takewhile(lambda event: not isinstance(event, EpochDone), job)
        said = [event.message for event in told if isinstance(event, Warned)]
    finally:
        job.close()

    assert any("Only 1 patients or groups are left for validation" in sentence for sentence in said)


def test_taken_folder_is_refused_before_anything_is_done(options):
    options.out.mkdir()

    with pytest.raises(OptionError, match="is there already"):
        run(train(options))


def test_trained_model_is_in_the_list_at_once(options):
    run(train(replace(options, epochs=1, register=True)))

    assert [one.name for one in Catalogue().packages() if not one.is_embedded] == ["again"]


def test_fine_tuning_keeps_the_network(options, vessel_model):
    tuned = run(train(replace(options, init=str(vessel_model.folder), epochs=1))).package

    assert tuned.card.network == vessel_model.card.network
    assert tuned.card.input == vessel_model.card.input
    assert tuned.card.weights_sha256 != vessel_model.card.weights_sha256
    report = json.loads((tuned.folder / "docs/transfer.json").read_text())
    assert (len(report["matched"]) > 0, report["fresh"], report["reshaped"]) == (True, [], [])


def test_text_for_the_card_is_taken_over(options, tmp_path):
    said = {
        "title": "Vessels of phantoms",
        "licence": "CC0-1.0",
        "limits": ["Drawings only."],
        "data": [{"name": "Phantoms", "licence": "CC0-1.0", "attribution": "nobody"}],
        "classes": {"vessel": {"colour": "#112233"}},
        "licence_text": "Do as you like.",
    }
    path = tmp_path / "card.json"
    path.write_text(json.dumps(said))

    package = run(train(replace(options, card=path, epochs=1))).package

    assert package.card.title == "Vessels of phantoms"
    assert package.card.data[0].attribution == "nobody"
    assert package.card.data[0].n_val == 1
    assert package.card.schema_.named("vessel").colour == "#112233"
    assert (package.folder / "LICENSE").read_text() == "Do as you like.\n"


def test_classifier_is_calibrated(chest_model):
    assert chest_model.card.task is Task.CLASSIFY
    assert chest_model.card.is_calibrated
    assert chest_model.card.schema_.names == ("clear", "opacity")
    assert "val/auc" in chest_model.card.metrics


def test_objects_are_measured_one_by_one(cell_model):
    assert cell_model.card.task is Task.INSTANCES
    assert {"val/ap50", "val/f1_50"} <= set(cell_model.card.metrics)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"recipe": "nuclie"}, "Did you mean 'nuclei'"),
        ({"name": "a name"}, "name"),
        ({"val_fraction": 0.6, "test_fraction": 0.6}, "leave nothing to train"),
        ({"max_minutes": 0.0}, "--max-minutes"),
    ],
)
def test_bad_options_are_sentences(options, change, sentence):
    with pytest.raises(OptionError, match=sentence):
        run(train(replace(options, **change)))
    assert not options.out.exists()
    assert not options.out.with_name("again.training").exists()


def test_labels_of_another_size_are_told(options, vessels_folder, vessel_model, tmp_path):
    learned = json.loads((vessel_model.folder / "configs" / "splits.json").read_text())["train"][0]
    data = tmp_path / "mixed"
    shutil.copytree(vessels_folder, data)
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(data / "labels" / f"{learned}.png")

    outcome = drive(train(replace(options, data=data, epochs=1)))

    assert outcome.reason is FinishReason.COMPLETED
    assert [one.case_id for one in outcome.failures] == [learned]
    assert "do not lie on the grid" in outcome.failures[0].reason


def test_model_of_another_program_is_no_start(options, vessel_model, monkeypatch):
    stranger = replace(vessel_model, card=vessel_model.card.model_copy(update={"backend": "onnx"}))
    monkeypatch.setattr(Catalogue, "find", lambda self, name: stranger)

    outcome = drive(train(replace(options, init="stranger")))

    assert isinstance(outcome.error, CardError)
    assert "came from another program" in outcome.message
