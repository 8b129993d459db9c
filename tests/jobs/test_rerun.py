"""Doing again what a description says."""

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.jobs.api import run
from napari_medclf.jobs.evaluate import EvaluateOptions, evaluate
from napari_medclf.jobs.predict import PredictOptions, predict
from napari_medclf.jobs.rerun import RerunOptions, rerun


def test_model_can_be_trained_again_from_itself(vessel_model, vessels_folder, tmp_path):
    with pytest.raises(OptionError, match="--data"):
        run(rerun(RerunOptions(run=vessel_model.folder, out=tmp_path / "a")))

    again = run(rerun(RerunOptions(run=vessel_model.folder, out=tmp_path / "again", data=vessels_folder)))

    assert again.command == "train"
    assert again.result.package.card.weights_sha256 == vessel_model.card.weights_sha256


def test_run_again_tells_that_outputs_are_identical(vessel_model, vessels_folder, tmp_path):
    paths = (vessels_folder / "images" / "eye_0.png",)
    run(predict(PredictOptions(model=str(vessel_model.folder), paths=paths, out=tmp_path / "run")))

    again = run(rerun(RerunOptions(run=tmp_path / "run" / "run.json", out=tmp_path / "again")))

    assert (again.n_outputs, again.n_identical) == (1, 1)


def test_measurement_again(vessel_model, vessels_folder, tmp_path):
    options = EvaluateOptions(model=str(vessel_model.folder), data=vessels_folder, out=tmp_path / "m", split="val")
    first = run(evaluate(options))

    again = run(rerun(RerunOptions(run=tmp_path / "m", out=tmp_path / "again")))

    assert again.result.measured.metrics == first.measured.metrics


def test_what_describes_no_run_is_refused(tmp_path):
    (tmp_path / "run.json").write_text("{}")

    for path, sentence in ((tmp_path / "run.json", "describes no run"), (tmp_path / "absent.json", "cannot be read")):
        with pytest.raises(OptionError, match=sentence):
            run(rerun(RerunOptions(run=path, out=tmp_path / "again")))
