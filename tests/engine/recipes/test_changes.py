from __future__ import annotations

import pytest
from tiny_trainings import classify_recipe

from napari_medclf.domain.errors import OptionError
from napari_medclf.engine.recipes.changes import with_settings


def test_dotted_names_reach_every_depth():
    changed = with_settings(
        classify_recipe(), ["optimiser.lr=0.001", "loss.kind=focal", "epochs=7", "network.arguments.num_classes=5"]
    )
    assert (changed.optimiser.lr, changed.loss.kind, changed.epochs) == (0.001, "focal", 7)
    assert changed.network.arguments["num_classes"] == 5


def test_list_that_the_command_line_cut_at_commas_is_one_value():
    changed = with_settings(classify_recipe(), ["augment.flip_axes=0", "1", "mirror_axes=[1", "0]"])
    assert changed.augment.flip_axes == (0, 1)
    assert changed.mirror_axes == (1, 0)


def test_size_of_whole_images_is_the_size_of_the_patch():
    assert with_settings(classify_recipe(), ["input.resize_to=20,24"]).input.patch_vox == (20, 24)


def test_words_for_nothing_and_for_truth_are_read():
    changed = with_settings(classify_recipe(), ["loss.is_deeply_supervised=True", "input.axis_codes=none"])
    assert changed.loss.is_deeply_supervised
    assert changed.input.axis_codes is None


def test_recipe_that_is_changed_stays_as_it_was():
    recipe = classify_recipe()
    with_settings(recipe, ["network.arguments.num_classes=5"])
    assert recipe.network.arguments["num_classes"] == 2


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("optimizer.lr=1", "Did you mean 'optimiser.lr'"),
        ("optimiser.lr=fast", "optimiser.lr is wrong"),
        ("optimiser.lr=-1", "greater than 0"),
        ("optimiser.lr", "name=value"),
        ("network.arguments=1", "network.arguments is wrong"),
        ("network.arguments.num_classes.deep=1", "goes deeper"),
    ],
)
def test_wrong_setting_is_refused_with_its_name(setting, said):
    with pytest.raises(OptionError, match=said):
        with_settings(classify_recipe(), [setting])
