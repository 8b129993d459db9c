"""What training cases are like is learned, kept in packages, read back, and names nobody."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.engine.triage.figures import Figures
from napari_medclf.jobs.api import run
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.triage.figures import TRAITS_IN_PACKAGE, read_figures, read_figures_file, write_figures
from napari_medclf.jobs.triage.learn import LearnTraitsOptions, learn_traits


def test_figures_come_back_as_they_were_written(tmp_path) -> None:
    correlations = np.array([[1, -0.25], [-0.25, 1]])
    centres = {"look:low": 0.51234567, "look:high": 3.0}
    figures = Figures(12, centres, {"look:low": 0.1, "look:high": 0.25}, ("look:low", "look:high"), correlations)
    path = tmp_path / "traits.json"
    write_figures(figures, path)
    read = read_figures_file(path)
    assert read.n_cases == 12
    assert read.centres == pytest.approx(figures.centres, rel=1e-4)
    assert read.spreads == figures.spreads
    assert read.looks == figures.looks
    np.testing.assert_array_equal(read.correlations, correlations)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"n_cases": 3}',
        '{"n_cases": 3, "traits": {"a": [1]}}',
        '{"n_cases": 3, "traits": {"a": [1, 0]}}',
        '{"n_cases": 3, "traits": {"a": [1, 1]}, "looks": ["a"], "correlations": [[], [2]]}',
        '{"n_cases": 3, "traits": {"a": [1, 1]}, "looks": ["a", "b"], "correlations": [[], [0.5]]}',
    ],
)
def test_damaged_figures_are_refused_by_name(tmp_path, content: str) -> None:
    path = tmp_path / "traits.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match=r"traits\.json"):
        read_figures_file(path)


@pytest.mark.parametrize("model", ["chest-xray-pneumonia", "hippocampus-mr"])
def test_models_of_one_kind_of_images_tell_what_their_training_cases_are_like(model: str) -> None:
    figures = read_figures(find_model(model))
    assert figures is not None
    assert figures.n_cases >= 40
    assert figures.correlations is not None
    assert {"look:level_50", "doubt:entropy"} <= set(figures.centres)
    assert len((find_model(model).folder / TRAITS_IN_PACKAGE).read_bytes()) < 20_000


def test_figures_of_a_folder_of_films_are_numbers_only(chest_folder, tmp_path) -> None:
    out = tmp_path / "traits.json"
    learned = run(learn_traits(LearnTraitsOptions(model="chest-xray-pneumonia", data=chest_folder, cases=6, out=out)))
    assert learned.figures.n_cases == 6
    content = json.loads(out.read_text())
    assert set(content) == {"schema_version", "n_cases", "traits"}
    assert all(isinstance(number, float | int) for pair in content["traits"].values() for number in pair)


def test_model_that_came_with_the_program_is_not_changed(chest_folder) -> None:
    with pytest.raises(OptionError, match="--out"):
        run(learn_traits(LearnTraitsOptions(model="nuclei", data=chest_folder)))


def test_training_keeps_them_in_the_package(chest_model) -> None:
    figures = read_figures(chest_model)
    assert figures is not None
    assert 5 <= figures.n_cases <= 24
    assert "look:cell_0" in figures.centres
