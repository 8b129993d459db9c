from __future__ import annotations

from tiny_trainings import segment_recipe

from napari_medclf.engine.recipes.changes import setting_names, with_settings
from napari_medclf.engine.recipes.settings import settings_of


def test_every_setting_has_help():
    assert [one.path for one in settings_of(segment_recipe()) if not one.help] == []


def test_every_setting_can_be_set_to_what_it_is():
    recipe = segment_recipe()
    names = {one.path for one in settings_of(recipe)}
    left_out = set(setting_names(recipe)) - names
    assert left_out == {"schema_version", "family", "network.target", "network.arguments"}
    for one in settings_of(recipe):
        if one.kind in ("int", "float", "bool"):
            assert with_settings(recipe, [f"{one.path}={one.value}"]) == recipe


def test_limits_and_choices_are_those_of_the_recipe():
    by_path = {one.path: one for one in settings_of(segment_recipe())}
    assert by_path["optimiser.momentum"].minimum == 0
    assert by_path["optimiser.momentum"].maximum == 1
    assert by_path["schedule.kind"].choices == ("cosine", "one-cycle", "poly", "plateau", "constant")
    assert by_path["optimiser.accumulate"].kind == "int"
    assert "Averaged" not in by_path["averaging.start"].help
    assert "even average begins" in by_path["averaging.start"].help


def test_arguments_of_the_network_are_explained_by_their_family():
    said = settings_of(segment_recipe(), {"features": "channels of each level"})
    assert next(one for one in said if one.path.endswith("features")).help == "channels of each level"
