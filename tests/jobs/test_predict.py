"""One image through a model: the window, the command line and Python come the same way."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import napari_medclf
from napari_medclf.domain.errors import CardError, ReadError
from napari_medclf.domain.events import CaseFailed, Progress
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.write import write_image
from napari_medclf.jobs.api import run
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.predict import PredictOptions, RunOptions, load_package, predict, predict_image
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.testing.phantoms import oblique_phantom


@pytest.fixture
def picture(vessels_folder):
    return vessels_folder / "images" / "eye_0.png"


def test_folder_run_and_python_give_the_same_labels(vessel_model, picture, tmp_path):
    said = napari_medclf.predict(picture, vessel_model)
    record = run(predict(PredictOptions(model=str(vessel_model.folder), paths=(picture,), out=tmp_path / "run")))

    written = read_label_map(tmp_path / "run" / "cases" / "eye_0" / "segmentation.png")
    assert np.array_equal(written.labels, said.segmentation.labels)
    assert record.cases[0].values == {"area_px:vessel": said.segmentation.count("vessel")}
    assert said.weights_sha256 == vessel_model.card.weights_sha256


def test_loaded_model_is_used_again(vessel_model, picture):
    image = napari_medclf.read_image(picture)
    loaded = load_package(vessel_model, RunOptions(device="cpu"))
    told = []

    outcome = drive(predict_image(image, vessel_model, RunOptions(), loaded), told.append)

    assert outcome.result.segmentation.labels.shape == (1, 48, 48)
    assert not any(isinstance(event, Progress) and "loading" in event.message for event in told)


def test_classification_is_a_file_and_a_row(chest_model, chest_folder, tmp_path):
    picture = chest_folder / "clear" / "clear_0.png"

    record = run(predict(PredictOptions(model=str(chest_model.folder), paths=(picture,), out=tmp_path / "run")))

    document = json.loads((tmp_path / "run" / "cases" / "clear_0" / "classification.json").read_text())
    assert sum(document["scores"].values()) == pytest.approx(1)
    assert document["top_class"] in {"clear", "opacity"}
    assert record.cases[0].values["score:clear"] == document["scores"]["clear"]
    header = (tmp_path / "run" / "results.csv").read_text().splitlines()[0]
    assert "score:clear,score:opacity" in header


def test_objects_are_counted(cell_model, cells_folder, tmp_path):
    picture = cells_folder / "images" / "field_0.png"

    record = run(predict(PredictOptions(model=str(cell_model.folder), paths=(picture,), out=tmp_path / "run")))

    assert record.cases[0].values["n_objects:cell"] >= 0
    assert (tmp_path / "run" / "cases" / "field_0" / "segmentation.png").is_file()


def test_volume_gets_nifti_on_its_own_grid(vessel_model, tmp_path):
    image = replace(oblique_phantom(), name="ct")
    write_image(image, tmp_path / "ct.nii.gz")

    run(predict(PredictOptions(model=str(vessel_model.folder), paths=(tmp_path / "ct.nii.gz",), out=tmp_path / "run")))

    written = read_label_map(tmp_path / "run" / "cases" / "ct" / "segmentation.nii.gz")
    assert image.geometry.explain_difference(written.geometry) == ""


def test_one_member_of_an_npz(chest_model, chest_folder, tmp_path):
    pictures = np.stack([np.asarray(Image.open(chest_folder / "clear" / f"clear_{n}.png")) for n in range(3)])
    arrays = {f"{split}_images": pictures for split in ("train", "val", "test")}
    labels = {f"{split}_labels": np.zeros((3, 1), np.uint8) for split in ("train", "val", "test")}
    np.savez(tmp_path / "chests.npz", **arrays, **labels)

    path = tmp_path / "chests.npz#val/2"
    record = run(predict(PredictOptions(model=str(chest_model.folder), paths=(path,), out=tmp_path / "run")))

    assert [case.status for case in record.cases] == ["done"]
    assert record.cases[0].case_id == "chests.npz-val-2"


def test_bad_file_beside_a_good_one(vessel_model, picture, tmp_path):
    (tmp_path / "empty.png").touch()
    paths = (tmp_path / "empty.png", picture)

    outcome = drive(predict(PredictOptions(model=str(vessel_model.folder), paths=paths, out=tmp_path / "run")))

    assert {case.status for case in outcome.result.cases} == {"skipped", "done"}
    assert isinstance(outcome.failures[0], CaseFailed)
    assert "is empty" in outcome.failures[0].reason


def test_nothing_readable_writes_nothing(vessel_model, tmp_path):
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.raises(ReadError, match=r"cut\.png"):
        run(
            predict(PredictOptions(model=str(vessel_model.folder), paths=(tmp_path / "cut.png",), out=tmp_path / "run"))
        )
    assert not (tmp_path / "run").exists()


def test_unknown_model_names_the_nearest(picture, tmp_path, vessel_model):
    Catalogue().register(vessel_model.folder)

    with pytest.raises(CardError, match="Did you mean 'vessels-small'"):
        run(predict(PredictOptions(model="vessels-smal", paths=(picture,), out=tmp_path / "run")))
    assert not (tmp_path / "run").exists()
