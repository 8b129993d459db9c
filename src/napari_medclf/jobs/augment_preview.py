"""Draw what a recipe's random changes make of an image, and say which of them would break a label."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.recipe.label_warnings import warnings_of

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.jobs.sheet import RgbArray

_COLUMNS = 4
_PANEL_PX = 240
_PREFIX = "augment."


@dataclass(frozen=True)
class AugmentOptions:
    """Which image, which changes, and where the picture goes."""

    image: Path = option(help="file, folder of one series, or folder#member to choose one of several", positional=True)
    out: Path = option(help="PNG to write")
    recipe: str = option("", help="recipe of an embedded model, or a JSON file, whose input and changes are shown")
    set: tuple[str, ...] = option((), help="a changed setting, such as rotate_deg=20 or flip_axes=[0,1]; may repeat")
    task: Task = option(Task.SEGMENT, help="what is learned, for the warnings", choices=tuple(Task))
    class_names: tuple[str, ...] = option((), help="names of the classes, for the warnings")
    number: int = option(7, help="how many changed images are drawn", minimum=1, maximum=63)
    seed: int = option(0, help="of the random numbers", minimum=0)
    overwrite: bool = option(False, help="replace the picture if it is there")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class AugmentSheet:
    """The picture, the settings it shows, and what they would do to the labels."""

    out: Path
    settings: dict[str, Any]
    warnings: tuple[str, ...]


def draw_augmentation(options: AugmentOptions) -> Job[AugmentSheet]:
    """Change an image as training would, and draw the results side by side.

    Raises
    ------
    OptionError
        If there is no such recipe or setting, or the picture is there already.
    """
    from napari_medclf.engine.augment.preview import preview
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.runs.sources import split_member
    from napari_medclf.jobs.sheet import Sheet

    if options.out.exists() and not options.overwrite:
        raise OptionError(f"{options.out} is there already. Choose another name, or give --overwrite.")
    yield Progress(0, 2, f"reading {options.image.name}")
    ref = split_member(options.image)
    image = read_image(ref.path, ref.member)
    recipe = _recipe(options, image)
    warnings = _warnings(options, recipe)
    for sentence in warnings:
        yield Warned(sentence)
    yield Progress(1, 2, "changing the image")
    shown = preview(image, recipe.augment, options.seed, n=options.number, spec=recipe.input)
    panels = [_panel(one) for one in shown]
    rows = [panels[first : first + _COLUMNS] for first in range(0, len(panels), _COLUMNS)]
    used = {name: value for name, value in recipe.augment if value != type(recipe.augment).model_fields[name].default}
    notes = ("As prepared, then changed.", *_lines([f"{name} {value}" for name, value in used.items()]), *warnings)
    buffer = io.BytesIO()
    Sheet(image.name, rows, notes=notes).draw().save(buffer, "PNG")
    atomic_write(options.out, buffer.getvalue())
    return AugmentSheet(options.out, recipe.augment.model_dump(mode="json"), warnings)


def _recipe(options: AugmentOptions, image: MedImage) -> Recipe:
    """Take the recipe that was named, or one that only has an input for this image, and change its settings."""
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.augment.preview import spec_for
    from napari_medclf.engine.recipes.changes import with_settings
    from napari_medclf.jobs.plan import read_recipe

    if options.recipe:
        recipe = read_recipe(options.recipe)
    else:
        recipe = Recipe(network=NetworkSpec(target="none"), input=spec_for(image))
    settings = [one if one.startswith(_PREFIX) or "=" not in one else _PREFIX + one for one in options.set]
    return with_settings(recipe, settings)


def _warnings(options: AugmentOptions, recipe: Recipe) -> tuple[str, ...]:
    if not options.class_names:
        return ()
    schema = LabelSchema.from_names(options.class_names, first_value=1)
    return warnings_of(recipe.augment, schema, options.task, recipe.input)


def _panel(image: MedImage) -> RgbArray:
    """Draw the middle slice in a square."""
    from PIL import Image

    from napari_medclf.jobs.render import slice_rgb

    rgb = slice_rgb(image, image.geometry.shape[0] // 2)
    _, row_mm, column_mm = image.geometry.spacing
    size = np.array([rgb.shape[1] * column_mm, rgb.shape[0] * row_mm])
    width, height = np.maximum(np.rint(size / size.max() * _PANEL_PX), 1).astype(int).tolist()
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


def _lines(words: Sequence[str], most: int = 110) -> list[str]:
    """Lay words out in lines."""
    lines = [""]
    for word in words:
        joined = f"{lines[-1]}; {word}" if lines[-1] else word
        if len(joined) > most:
            lines.append(word)
        else:
            lines[-1] = joined
    return [line for line in lines if line]
