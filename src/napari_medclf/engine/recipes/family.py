"""A family of recipes: one kind of network, planned for whatever data it meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.recipe.label_warnings import with_safe_flips
from napari_medclf.engine.recipes.look import DataLook

SpatialDims = Literal[2, 3]


@dataclass(frozen=True)
class RecipeFamily:
    """One entry of the registry.

    Parameters
    ----------
    name : str
        What ``--recipe`` takes.
    title, summary : str
        A few words, and a sentence or two on when to choose it.
    tasks : tuple of Task
        What it can learn.
    spatial_dims : tuple of 2 and 3
        Pictures or single slices, whole volumes, or both.
    plan : callable
        A look at data to a recipe; call `plan_with`, which checks first.
    source : str
        The paper, with its year.
    arguments : dict
        Arguments of the network worth changing (``--set network.arguments.NAME=VALUE``), with their meaning.
    """

    name: str
    title: str
    tasks: tuple[Task, ...]
    spatial_dims: tuple[SpatialDims, ...]
    summary: str
    plan: Callable[[DataLook], Recipe]
    source: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)

    def plan_with(self, look: DataLook) -> Recipe:
        """Plan a training of this family.

        A family that knows volumes only sees stacks of few slices as volumes, too; one that knows pictures only sees
        volumes slice by slice. Flips and turns that would make a label wrong (left and right) are left out.

        Raises
        ------
        OptionError
            If the family cannot learn the task, or cannot see such images.
        """
        if look.task not in self.tasks:
            known = ", ".join(task.value for task in self.tasks)
            raise OptionError(
                f"The recipe {self.name} learns to {known}, and the data is to {look.task.value}. "
                "`medclf recipes list` names those that fit."
            )
        if look.spatial_dims not in self.spatial_dims:
            if self.spatial_dims == (3,) and any(image.geometry.shape[0] == 1 for image in look.images):
                raise OptionError(
                    f"The recipe {self.name} is for volumes, and these are flat pictures. "
                    "`medclf recipes list` names those that fit."
                )
            look = replace(look, spatial_dims=self.spatial_dims[0])
        recipe = with_safe_flips(self.plan(look), look.schema, look.task)
        return recipe.model_copy(update={"family": self.name})
