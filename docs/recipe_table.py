"""Write what the registry and the measurements say of every recipe into docs/reference/recipes.md.

python docs/recipe_table.py          rewrite the page
python docs/recipe_table.py --check  fail if it is out of date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.files import built_in_recipes
from napari_medclf.engine.recipes.registry import default_names, families
from napari_medclf.engine.recipes.settings import settings_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "recipes.md"
MEASURED = ROOT / "benchmarks" / "recipes.json"
_HEAD = """# Recipes

A recipe is everything that decides how a network is trained, apart from data, seed and time limit. `medclf train DATA
--out MODEL --recipe NAME` plans one of these families for your images: size, channels, intensity, depth and training
follow from a look at a few training cases. `--set NAME=VALUE` changes a setting, `medclf recipes show NAME --data DATA`
shows them all as they were planned, and `--out FILE.json` writes them down for `--recipe FILE.json`.

Without `--recipe`: {defaults}. `--recipe auto` [tries several](../how-to/auto.md) and
makes one model of those that help. The recipes of the embedded models can be used by name, too: {built_in}.
`docs/recipe_table.py` writes this page from the registry and from what `benchmarks/recipes.py` measured.
"""
_MEASURED_NOTE = """The last column is measured on the test cases after a training of the stated CPU time on one thread,
one seed, 95 % interval in brackets: what a family learns in minutes on a laptop, not what it can reach. An empty cell
was not measured.
"""
_SETTINGS_NOTE = "Every recipe has these; the values here are the plain defaults, which a plan changes.\n"
_TITLES = {
    Task.CLASSIFY: "To classify, or to estimate numbers",
    Task.SEGMENT: "To outline, or to outline and count objects",
    Task.DETECT: "To find objects as boxes",
    Task.REGRESS: "To estimate numbers only",
}
_SHOWN = {"auc": "AUC", "dice": "Dice", "map": "mAP", "ap50": "AP50"}


def main() -> int:
    """Rewrite or check the page."""
    content = page()
    if "--check" in sys.argv:
        is_stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != content
        if is_stale:
            print(f"{PAGE.name} is out of date; run python docs/recipe_table.py", file=sys.stderr)
        return int(is_stale)
    atomic_write(PAGE, content)
    return 0


def page() -> str:
    """Give the page's text."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    defaults = ", ".join(f"`{name}` to {task}" for task, name in default_names().items())
    built_in = ", ".join(f"`{name}`" for name in built_in_recipes())
    parts = [_HEAD.format(defaults=defaults, built_in=built_in), _MEASURED_NOTE]
    for task, title in _TITLES.items():
        chosen = [one for one in families() if one.tasks[0] is task]
        if chosen:
            parts += [f"## {title}\n", *_table(chosen, measured), "", *_details(chosen)]
    parts += [
        "## Settings\n",
        "Every recipe has these; the values here are the plain defaults, which a plan changes.\n",
    ]
    parts += [*_settings(), ""]
    return "\n".join(parts)


def _table(chosen: Sequence[RecipeFamily], measured: Mapping[str, Any]) -> Iterator[str]:
    yield "| recipe | what | images | after | measured |"
    yield "|---|---|---|---|---|"
    for one in chosen:
        images = " and ".join(f"{n}D" for n in one.spatial_dims)
        found = "<br>".join(_measured(measured[key]) for key in sorted(measured) if key.partition("/")[0] == one.name)
        yield f"| `{one.name}` | {one.title} | {images} | {one.source} | {found} |"


def _measured(result: Mapping[str, Any]) -> str:
    said = [
        f"{_SHOWN[name]} **{metric['value']:.3f}**{_interval(metric)}"
        for name, metric in result["metrics"].items()
        if name in _SHOWN and isinstance(metric, dict) and "value" in metric
    ]
    cost = f"{result['cpu_minutes']:.0f} CPU min, {result['n_parameters'] / 1e6:.2g} M weights"
    return f"{', '.join(said)} on {result['data']} ({result['n_cases']} cases; {cost})"


def _interval(metric: Mapping[str, Any]) -> str:
    return f" [{metric['ci95'][0]:.3f}, {metric['ci95'][1]:.3f}]" if metric.get("ci95") else ""


def _details(chosen: Sequence[RecipeFamily]) -> Iterator[str]:
    for one in chosen:
        yield f"### {one.name}\n"
        yield f"{one.summary}\n"
        for name, meaning in one.arguments.items():
            yield f"- `network.arguments.{name}`: {meaning}"
        if one.arguments:
            yield ""


def _settings() -> Iterator[str]:
    spec = InputSpec(spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), patch_vox=(128, 128))
    plain = Recipe(network=NetworkSpec(target=""), input=spec)
    yield "| setting | default | may be | meaning |"
    yield "|---|---|---|---|"
    for one in settings_of(plain):
        limits = ", ".join(one.choices)
        if one.minimum is not None or one.maximum is not None:
            low, high = (("" if limit is None else f"{limit:g}") for limit in (one.minimum, one.maximum))
            limits = f"from {low}" if not high else f"up to {high}" if not low else f"{low} to {high}"
        cells = (f"`{one.path}`", f"`{json.dumps(one.value)}`", limits, one.help.replace("``", "`"))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
