from __future__ import annotations

import json

import pytest
from tiny_trainings import segment_recipe

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.networks import build_network, count_parameters
from napari_medclf.engine.recipes.files import built_in_recipes, load_recipe


def test_recipe_survives_json(tmp_path):
    recipe = segment_recipe(augment={"rotate_deg": 12.5, "flip_axes": (0, 1)})
    path = tmp_path / "mine.json"
    path.write_text(recipe.model_dump_json())
    assert load_recipe(path) == recipe


def test_unknown_field_is_named(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(segment_recipe().model_dump(mode="json") | {"learning_rate": 1}))
    with pytest.raises(OptionError, match="learning_rate"):
        load_recipe(path)


def test_unknown_recipe_names_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'nuclei'"):
        load_recipe("nuclie")


def test_absent_file_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"absent\.json"):
        load_recipe(tmp_path / "absent.json")


@pytest.mark.parametrize("name", ["chest-xray-pneumonia", "hippocampus-mr", "nuclei", "retina-vessels"])
def test_built_in_recipes_stay_below_four_megabytes(name):
    assert name in built_in_recipes()
    recipe = load_recipe(name)
    assert isinstance(recipe, Recipe)
    assert count_parameters(build_network(recipe.network)) * 4 < 4e6
