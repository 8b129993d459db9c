"""Recipes on the command line: listed, shown with help, changed, written, and taken up by a training."""

from __future__ import annotations

import json

import pytest

from napari_medclf.cli.main import main
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.recipe import Recipe
from napari_medclf.jobs.api import run
from napari_medclf.jobs.recipes import ListOptions, ShowOptions, list_recipes, show_recipe


def test_list_can_be_narrowed_to_a_task():
    names = {one.name for one in run(list_recipes(ListOptions(task=Task.SEGMENT))).families}
    assert "unet" in names
    assert "small-resnet" not in names


def test_shown_recipe_is_planned_for_the_data(vessels_folder):
    shown = run(show_recipe(ShowOptions("unet", data=vessels_folder, task=Task.SEGMENT)))
    assert shown.recipe.network.arguments["in_channels"] == len(shown.recipe.input.channels)
    assert shown.planned_for == vessels_folder.name


def test_shown_recipe_tells_changed_settings(capsys):
    assert main(["recipes", "show", "unet", "--set", "optimiser.lr=0.5", "--set", "augment.flip_axes=0,1"]) == 0
    said = capsys.readouterr().out
    assert "optimiser.lr = 0.5" in said
    assert "augment.flip_axes = [0, 1]" in said
    assert "Ronneberger 2015" in said


def test_written_recipe_is_read_again(tmp_path):
    out = tmp_path / "mine.json"
    shown = run(show_recipe(ShowOptions("small-resnet", set=("epochs=3",), out=out)))
    assert Recipe.model_validate_json(out.read_bytes()) == shown.recipe
    assert run(show_recipe(ShowOptions(str(out)))).recipe.epochs == 3


def test_document_lists_every_setting_with_help(capsys):
    assert main(["recipes", "show", "nuclei", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"path", "kind", "value", "help"} <= set(document["settings"][0])


def test_unknown_recipe_names_the_nearest_of_any_kind():
    for given, meant in (("nuclie", "nuclei"), ("unett", "unet")):
        with pytest.raises(OptionError, match=f"Did you mean '{meant}'"):
            run(show_recipe(ShowOptions(given)))
