"""Every command does its work and tells it, for people and for programs."""

import json
import os
import shutil

import numpy as np
import pytest

from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.testing.phantoms import oblique_phantom


@pytest.fixture
def ct(tmp_path):
    write_image(oblique_phantom(), tmp_path / "ct.nii.gz")
    return tmp_path / "ct.nii.gz"


def test_read_lists_geometry_and_refusals(medclf, ct, tmp_path):
    (tmp_path / "empty.nii").touch()

    document = medclf.json("read", tmp_path)

    assert medclf.code == 1
    (image,) = document["images"]
    assert image["shape"] == [12, 20, 28]
    assert image["spacing_mm"] == pytest.approx([3.5, 0.75, 0.5], abs=1e-4)
    assert np.allclose(image["affine_lps"], oblique_phantom().geometry.affine, atol=1e-3)
    assert {"modality", "warnings"} <= image.keys()
    assert "empty" in document["refused"][0]["reason"]
    assert medclf("read", ct) == 0
    assert "12 x 20 x 28" in medclf.out


def test_read_of_nothing_readable_is_2(medclf, tmp_path):
    (tmp_path / "notes.nii").write_text("no image")

    assert medclf("read", tmp_path / "notes.nii") == 2
    assert medclf("read", tmp_path / "absent.nii") == 2
    assert "absent.nii" in medclf.out


def test_convert_keeps_the_place(medclf, ct, tmp_path):
    assert medclf("convert", ct, tmp_path / "ct.nrrd") == 0

    again = read_image(tmp_path / "ct.nrrd")
    assert again.geometry.explain_difference(oblique_phantom().geometry) == ""
    assert np.array_equal(again.data, oblique_phantom().data)


@pytest.mark.parametrize(
    ("target", "sentence"), [("ct.jpg", ".jpg"), ("ct.nii.gz", "is there already"), ("ct.png", "one slice")]
)
def test_convert_refuses_in_one_sentence(medclf, ct, tmp_path, target, sentence):
    before = ct.read_bytes()

    assert medclf("convert", ct, tmp_path / target) == 2
    assert sentence in medclf.err
    assert len(medclf.err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ct.nii.gz"]
    assert ct.read_bytes() == before


def test_train_tells_model_and_numbers(medclf, pictures, tmp_path):
    document = medclf.json(
        "train", pictures, "--out", tmp_path / "m", "--epochs", "1", "--class-names", "vessel", "--device", "cpu"
    )

    assert medclf.code == 0
    assert document["model"] == "m"
    assert document["classes"] == ["vessel"]
    assert 0 <= document["metrics"]["val/dice/vessel"]["value"] <= 1
    assert "epoch 1/1" in medclf.err
    assert [one["name"] for one in medclf.json("models")["models"] if not one["is_embedded"]] == ["m"]


def test_models_are_listed_shown_installed_verified_removed(medclf, model):
    assert medclf("models", "install", model) == 0
    assert medclf("models") == 0
    assert "vessels-small" in medclf.out
    assert medclf("models", "show", "vessels-small") == 0
    assert "val/dice/vessel" in medclf.out
    assert medclf("models", "verify", "vessels-small") == 0
    shown = medclf.json("models", "show", "vessels-small")["models"][0]
    assert shown["output"]["schema"]["classes"][0]["name"] == "vessel"
    assert medclf("models", "remove", "vessels-small") == 0
    assert medclf("models", "remove", "vessels-small") == 2
    assert medclf("models", "show") == 2
    assert "needs the name" in medclf.err


def test_damaged_model_is_found_out(medclf, model, tmp_path):
    copy = tmp_path / "vessels-small"
    shutil.copytree(model, copy)
    weights = copy / "models" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 0x40
    weights.write_bytes(content)

    assert medclf("models", "verify", copy) == 2
    assert "weights" in medclf.out
    assert medclf("predict", copy, model, "--out", tmp_path / "run") == 2
    assert not (tmp_path / "run" / "run.json").exists()


def test_predict_then_rerun(medclf, model, pictures, tmp_path):
    picture = pictures / "images" / "eye_0.png"

    document = medclf.json("predict", model, picture, "--out", tmp_path / "run", "--device", "cpu")

    assert medclf.code == 0
    assert document["cases"][0]["status"] == "done"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["cases"] == document["cases"]
    assert medclf("predict", model, picture, "--out", tmp_path / "run") == 2
    assert "--resume" in medclf.err
    assert medclf("rerun", tmp_path / "run", "--out", tmp_path / "again") == 0
    assert "1 of 1 outputs are identical" in medclf.out


def test_batch_with_a_bad_file_is_1(medclf, model, pictures, tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(pictures / "images", folder)
    (folder / "cut.png").write_bytes((folder / "eye_0.png").read_bytes()[:200])

    assert medclf("batch", model, folder, "--out", tmp_path / "run", "--dry-run") == 0
    assert not (tmp_path / "run").exists()
    assert medclf("batch", model, folder, "--out", tmp_path / "run") == 1
    assert "8 done" in medclf.out
    assert "failed: cut" in medclf.err


def test_evaluate_writes_metrics(medclf, model, pictures, tmp_path):
    document = medclf.json("evaluate", model, pictures, "--split", "all", "--out", tmp_path / "m")

    assert medclf.code == 0
    assert document["n_cases"] == 8
    assert document["per_class"]["vessel"]["dice"]["ci95"]
    assert medclf("evaluate", model, pictures, "--split", "tset", "--out", tmp_path / "m") == 2
    assert "Did you mean 'test'" in medclf.err


def test_correct_from_files(medclf, model, pictures, tmp_path):
    image, labels = pictures / "images" / "eye_0.png", pictures / "labels" / "eye_0.png"

    document = medclf.json("correct", tmp_path / "p", image, "--labels", labels, "--model", model)

    assert medclf.code == 0
    assert document["annotation"]["model"] == "vessels-small"
    assert document["annotation"]["n_edited_vox"] > 0
    assert medclf("correct", tmp_path / "p", image) == 2
    assert "nothing to save" in medclf.err


def test_demo_pictures(medclf, tmp_path):
    code = medclf("demo", "--out", tmp_path / "demo", "--no-window")

    assert code in (0, 1)  # 1 where the embedded models are not part of this installation
    assert (tmp_path / "demo" / "ct.png").is_file()
    assert str(tmp_path / "demo") in medclf.out


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda folder: None, "does not exist"),
        (lambda folder: folder.mkdir(), "is empty"),
        (lambda folder: folder.write_text("a"), "is no dataset"),
        (lambda folder: (folder / "labels").mkdir(parents=True), "images"),
    ],
)
def test_data_that_cannot_be_learned_from(medclf, tmp_path, build, sentence):
    build(tmp_path / "data")

    assert medclf("train", tmp_path / "data", "--out", tmp_path / "m") == 2
    assert sentence in medclf.err
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "m.training").exists()


def test_labels_without_images_are_told(medclf, pictures, tmp_path):
    shutil.copytree(pictures / "labels", tmp_path / "data" / "labels")
    (tmp_path / "data" / "images").mkdir()

    assert medclf("train", tmp_path / "data", "--out", tmp_path / "m") == 2
    assert len(medclf.err.strip().splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind root")
def test_what_may_not_be_read_or_written_is_told(medclf, model, pictures, tmp_path):
    picture = tmp_path / "eye.png"
    shutil.copy(pictures / "images" / "eye_0.png", picture)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)

    assert medclf("predict", model, picture, "--out", closed / "run") == 2
    assert "ermission denied" in medclf.err
    picture.chmod(0)
    assert medclf("predict", model, picture, "--out", tmp_path / "run") == 2
    assert "eye.png" in medclf.err
    assert not (tmp_path / "run").exists()
