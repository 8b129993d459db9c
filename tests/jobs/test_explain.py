"""Heat maps as files: on the image's own grid, for the class that was asked for, and a sentence where there is none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_medclf.cli.main import main
from napari_medclf.domain.errors import CardError, OptionError, SchemaError
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.jobs.api import run
from napari_medclf.jobs.explain import ExplainOptions, explain
from napari_medclf.testing.phantoms import chest_phantom


@pytest.fixture
def picture(tmp_path):
    write_image(chest_phantom(), tmp_path / "chest.nii.gz")
    return tmp_path / "chest.nii.gz"


def _options(picture, tmp_path, **changes):
    given = {"model": "chest-xray-pneumonia", "paths": (picture,), "out": tmp_path / "out"}
    return ExplainOptions(**(given | changes))


def test_files_lie_on_the_image_and_tell_class_and_layer(picture, tmp_path):
    done = run(explain(_options(picture, tmp_path, class_="Pneumonia", format=("nifti", "nrrd", "mha", "overlay"))))
    folder = tmp_path / "out" / "cases" / "chest"
    image = read_image(picture)
    for name in ("heat.nii.gz", "heat.nrrd", "heat.mha"):
        written = read_image(folder / name)
        assert written.geometry.same_grid(image.geometry)
        assert 0 <= np.min(written.data) <= np.max(written.data) <= 1
    document = json.loads((folder / "explanation.json").read_text())
    assert document["class"] == "pneumonia"
    assert document["layers"] == ["layer4"]
    assert document["cells"] == [1, 4, 4]
    assert done.cases[0].score == document["score"]
    assert read_image(folder / "heat.png").data.shape[0] == 3


def test_command_line_tells_what_was_found(picture, tmp_path, capsys):
    arguments = ["explain", "chest-xray-pneumonia", str(picture), "--class", "normal", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cases"][0]["class_name"] == "normal"
    assert sorted(path.name for path in (tmp_path / "out" / "cases" / "chest").iterdir()) == [
        "explanation.json", "heat.nii.gz", "heat.png",
    ]  # fmt: skip


def test_what_cannot_be_done_is_said_before_anything_is_written(picture, tmp_path):
    with pytest.raises(CardError, match="lies on the image already"):
        run(explain(_options(picture, tmp_path, model="hippocampus-mr")))
    with pytest.raises(SchemaError, match="pneumonia"):
        run(explain(_options(picture, tmp_path, class_="pneumoni")))
    assert not (tmp_path / "out").exists()
    (tmp_path / "out" / "cases").mkdir(parents=True)
    with pytest.raises(OptionError, match="holds results already"):
        run(explain(_options(picture, tmp_path)))


def test_one_bad_file_does_not_stop_the_others(picture, tmp_path, capsys):
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"no image")
    assert (
        main(["explain", "chest-xray-pneumonia", str(picture), str(bad), "--out", str(tmp_path / "out"), "--quiet"])
        == 1
    )
    assert (tmp_path / "out" / "cases" / "chest" / "heat.nii.gz").exists()
