"""A run keeps what triage needs, and failures that are planted among real films come first in its list."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from napari_medclf.cli.main import main
from napari_medclf.domain.errors import OptionError
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.triage.listing import TriageOptions, triage
from napari_medclf.jobs.triage.thumbnail import thumbnail_path

PLANTED = {"inverted", "black", "upside_down"}


@pytest.fixture(scope="module")
def films_run(shared_data, tmp_path_factory):
    """A run over 24 films, three of which are no good."""
    folder, out = tmp_path_factory.mktemp("films"), tmp_path_factory.mktemp("runs") / "run"
    films = sorted((shared_data / "csv_pneumonia" / "images").glob("test_*.png"))[:24]
    pixels = [np.asarray(Image.open(path)) for path in films]
    changed = {"inverted": 255 - pixels[0], "black": 0 * pixels[1], "upside_down": pixels[2][::-1]}
    usual = {path.stem: one for path, one in zip(films[3:], pixels[3:], strict=True)}
    for name, one in {**usual, **changed}.items():
        Image.fromarray(np.ascontiguousarray(one)).save(folder / f"{name}.png")
    run(batch(BatchOptions(model="chest-xray-pneumonia", folder=folder, out=out, runtime="torch", device="cpu")))
    return out


def test_every_case_of_a_run_has_a_thumbnail_and_the_run_a_page_and_a_table(films_run) -> None:
    assert len(list((films_run / "thumbnails").glob("*.jpg"))) == 24
    assert thumbnail_path(films_run, "inverted").is_file()
    text = (films_run / "report.html").read_text()
    assert text.count("data:image/jpeg;base64,") == 24
    assert "Model card" in text
    rows = list(csv.DictReader((films_run / "triage.csv").open()))
    assert {row["case_id"] for row in rows[:5]} >= PLANTED


def test_list_of_a_run_begins_with_what_was_planted(films_run) -> None:
    found = run(triage(TriageOptions(run=films_run, report=False)))
    assert len(found.rows) == 24
    assert found.n_trained > 100
    assert {row.case_id for row in found.rows[:5]} >= PLANTED
    assert found.files == ()


def test_command_prints_the_list(films_run, capsys) -> None:
    assert main(["triage", str(films_run), "--top", "3", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "and 21 more; --top 0 lists all" in shown
    assert main(["triage", str(films_run), "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["rank"] for one in document["cases"]] == list(range(1, 25))
    assert document["cases"][0]["source"].endswith(".png")


def test_folder_without_a_run_is_refused(tmp_path) -> None:
    with pytest.raises(OptionError):
        run(triage(TriageOptions(run=tmp_path)))
    with pytest.raises(OptionError, match="no folder"):
        run(triage(TriageOptions(run=tmp_path / "none")))
