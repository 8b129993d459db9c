from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.recipes.files import built_in_recipes
from napari_medclf.engine.recipes.look import look_at
from napari_medclf.engine.recipes.registry import default_family, families, family

SCHEMA = LabelSchema.from_names(["benign", "malignant"], first_value=1)


def look(task: Task, shape: tuple[int, int, int]):
    geometry = Geometry.flat(*shape[1:]) if shape[0] == 1 else Geometry.from_spacing(shape, (2.5, 0.7, 0.7))
    image = MedImage(np.zeros(shape, np.uint8), geometry, "image")
    return look_at(task, SCHEMA, [image], n_train=30, labels=[np.zeros(shape, np.uint8)])


def test_names_are_unique_and_none_is_that_of_an_embedded_recipe():
    names = [one.name for one in families()]
    assert len(set(names)) == len(names)
    assert not set(names) & set(built_in_recipes())
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in names)


@pytest.mark.parametrize("one", families(), ids=lambda one: one.name)
def test_family_says_what_it_is_and_where_it_comes_from(one):
    assert one.title
    assert one.summary.endswith(".")
    assert one.tasks
    assert one.spatial_dims
    assert re.search(r"\b(19|20)\d\d\b", one.source)


def test_unknown_family_names_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'small-resnet'"):
        family("small-resnett")


def test_family_of_another_task_is_refused():
    with pytest.raises(OptionError, match="unet learns to segment"):
        family("unet").plan_with(look(Task.CLASSIFY, (1, 40, 50)))


@pytest.mark.parametrize("task", [Task.CLASSIFY, Task.REGRESS, Task.SEGMENT, Task.INSTANCES])
def test_every_task_has_a_default_that_learns_it(task):
    recipe = default_family(task).plan_with(look(task, (1, 40, 50)))
    assert recipe.family == default_family(task).name


def test_listing_needs_no_torch():
    load = "from napari_medclf.engine.recipes.registry import families; families()"
    code = f"import sys; {load}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_plan_leaves_out_flips_that_would_change_the_class():
    picture = look(Task.CLASSIFY, (1, 40, 50))
    sides = look_at(Task.CLASSIFY, LabelSchema.from_names(["left eye", "right eye"]), picture.images)
    assert family("small-resnet").plan_with(picture).augment.flip_axes == (1,)
    assert family("small-resnet").plan_with(sides).augment.flip_axes == ()
