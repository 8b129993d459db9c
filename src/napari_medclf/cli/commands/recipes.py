"""`medclf recipes`: what can be trained."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.recipes import (
    ListOptions,
    RecipeListing,
    ShownRecipe,
    ShowOptions,
    list_recipes,
    show_recipe,
)

_WIDTH = 100
_LONGEST_VALUE = 60


def _list_document(listing: RecipeListing) -> dict[str, Any]:
    described = [
        {
            "name": one.name,
            "title": one.title,
            "tasks": one.tasks,
            "spatial_dims": one.spatial_dims,
            "summary": one.summary,
            "source": one.source,
        }
        for one in listing.families
    ]
    return {"recipes": described, "built_in": listing.built_in, "defaults": listing.defaults}


def _show_list(listing: RecipeListing) -> Iterator[str]:
    rows = [("name", "learns to", "images", "what")]
    rows += [
        (one.name, ", ".join(one.tasks), " and ".join(f"{n}D" for n in one.spatial_dims), one.title)
        for one in listing.families
    ]
    yield from columns(rows)
    yield ""
    yield f"recipes of the embedded models: {', '.join(listing.built_in)}"
    yield "without --recipe: " + ", ".join(f"{name} to {task}" for task, name in listing.defaults.items())
    yield "--recipe auto tries several within --max-minutes, and makes one model of those that help."
    yield "medclf recipes show NAME tells all settings of one."


def _show_document(shown: ShownRecipe) -> dict[str, Any]:
    return {
        "name": shown.name,
        "title": shown.family.title if shown.family else "",
        "summary": shown.family.summary if shown.family else "",
        "source": shown.family.source if shown.family else "",
        "planned_for": shown.planned_for,
        "settings": [vars(one) for one in shown.settings],
        "recipe": shown.recipe.model_dump(mode="json"),
        "written": None if shown.written is None else str(shown.written),
    }


def _show(shown: ShownRecipe) -> Iterator[str]:
    if shown.family is not None:
        yield f"{shown.family.title} ({shown.name}; {', '.join(shown.family.tasks)})"
        yield from textwrap.wrap(shown.family.summary, _WIDTH)
        yield f"after {shown.family.source}"
    if shown.planned_for:
        yield f"planned for {shown.planned_for}; --data plans it for yours"
    yield ""
    for one in shown.settings:
        yield f"{one.path} = {_cut(str(one.value))}{_limits(one.minimum, one.maximum, one.choices)}"
        yield from textwrap.wrap(one.help, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    yield ""
    if shown.written is not None:
        yield f"written to {shown.written}"
    yield f"medclf train DATA --out MODEL --recipe {shown.written or shown.name} --set NAME=VALUE changes one."


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _limits(minimum: float | None, maximum: float | None, choices: tuple[str, ...]) -> str:
    if choices:
        return f"  ({', '.join(choices)})"
    if minimum is None and maximum is None:
        return ""
    return f"  ({'' if minimum is None else f'{minimum:g}'} .. {'' if maximum is None else f'{maximum:g}'})"


COMMANDS = {
    "list": Command(ListOptions, list_recipes, _list_document, _show_list, summary="list the recipes"),
    "show": Command(ShowOptions, show_recipe, _show_document, _show, summary="show one with every setting and help"),
}
