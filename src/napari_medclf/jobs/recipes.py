"""List what can be trained, and show one recipe with every setting and its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.recipes.family import RecipeFamily
    from napari_medclf.engine.recipes.look import DataLook
    from napari_medclf.engine.recipes.settings import SettingInfo

_TYPICAL_SHAPE = {2: (1, 224, 224), 3: (64, 128, 128)}
"""Of the image a recipe is planned for when no data is given."""


@dataclass(frozen=True)
class ListOptions:
    """Which recipes to list."""

    task: Task | None = option(None, help="only those that learn this")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class RecipeListing:
    """The registry.

    Parameters
    ----------
    built_in : tuple of str
        Complete recipes, those of the embedded models.
    defaults : dict
        Task to the name of the family that is planned when nobody chooses.
    """

    families: tuple[RecipeFamily, ...]
    built_in: tuple[str, ...]
    defaults: dict[str, str]


@dataclass(frozen=True)
class ShowOptions:
    """Which recipe to show, and for what data."""

    name: str = option(help="a name of `medclf recipes list`", positional=True)
    data: Path | None = option(None, help="plan it for this data; by default for a typical image")
    task: Task | None = option(None, help="what to learn from the data; by default what it suggests")
    set: tuple[str, ...] = option((), help="a changed setting, such as optimiser.lr=0.001; may repeat")
    out: Path | None = option(None, help="write it to this JSON file, for `medclf train --recipe FILE`")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class ShownRecipe:
    """One recipe as it was planned.

    Parameters
    ----------
    family : RecipeFamily or None
        None for a recipe in a file.
    planned_for : str
        What data, for people.
    """

    name: str
    family: RecipeFamily | None
    recipe: Recipe
    planned_for: str
    settings: tuple[SettingInfo, ...]
    written: Path | None = None


def list_recipes(options: ListOptions) -> Job[RecipeListing]:
    """List the families, and the recipes of the embedded models."""
    from napari_medclf.engine.recipes.files import built_in_recipes
    from napari_medclf.engine.recipes.registry import default_names, families

    yield from ()
    return RecipeListing(families(options.task), built_in_recipes(), default_names())


def show_recipe(options: ShowOptions) -> Job[ShownRecipe]:
    """Plan a recipe for data, or for a typical image where none is given.

    Raises
    ------
    OptionError
        If there is no such recipe or setting, or it does not suit the data.
    WriteError
        If the file cannot be written.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.engine.recipes.changes import with_settings
    from napari_medclf.engine.recipes.registry import families
    from napari_medclf.engine.recipes.settings import settings_of

    known = {one.name: one for one in families()}
    found = known.get(options.name)
    recipe, planned_for = yield from _planned(options, found)
    recipe = with_settings(recipe, options.set)
    settings = settings_of(recipe, found.arguments if found else None)
    if options.out is not None:
        if options.out.suffix != ".json":
            raise OptionError(f"--out is {options.out}, but a recipe's file must end in .json.")
        atomic_write(options.out, (recipe.model_dump_json(indent=2) + "\n").encode())
    return ShownRecipe(options.name, found, recipe, planned_for, settings, options.out)


def _planned(options: ShowOptions, found: RecipeFamily | None) -> Job[tuple[Recipe, str]]:
    from napari_medclf.jobs.plan import plan_for, read_recipe

    if options.data is not None:
        yield Progress(0, 0, f"opening {options.data}")
        dataset = _open(options.data, options.task)
        return (yield from plan_for(dataset, options.name, None, None)), dataset.name
    if found is None:
        return read_recipe(options.name), ""
    look = _typical_look(found, options.task)
    k, j, i = look.images[0].geometry.shape
    return found.plan_with(look), f"a gray image of {f'{k} x ' if k > 1 else ''}{j} x {i} and two classes"


def _open(data: Path, task: Task | None) -> Dataset:
    from napari_medclf.jobs.data import DataChoice, open_data
    from napari_medclf.store.datasets import split_dataset

    return split_dataset(open_data(DataChoice(data, task)), val_fraction=0.15, test_fraction=0.15, seed=0)


def _typical_look(family: RecipeFamily, task: Task | None) -> DataLook:
    from napari_medclf.domain.geometry import Geometry
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.engine.recipes.look import look_at

    shape = _TYPICAL_SHAPE[family.spatial_dims[0]]
    data = np.zeros(shape, np.uint8)
    geometry = Geometry.flat(*shape[1:]) if shape[0] == 1 else Geometry.from_spacing(shape, (1.0, 1.0, 1.0))
    labels = np.zeros(shape, np.uint8)
    labels[..., 20:80, 30:110] = 1
    schema = LabelSchema.from_names(("class 1", "class 2"), first_value=1)
    return look_at(task or family.tasks[0], schema, [MedImage(data, geometry, "typical")], n_train=100, labels=[labels])
