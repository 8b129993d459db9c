"""Recipes in files: those of the embedded models, and a person's own."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.recipe import Recipe

_BUILT_IN = Path(__file__).parent / "embedded"


def built_in_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with this package, one for each embedded model."""
    return tuple(sorted(path.stem for path in _BUILT_IN.glob("*.json")))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Read a recipe by the name of a built-in one, or from a JSON file.

    Raises
    ------
    OptionError
        If there is no such recipe, or a field of it is wrong; names the field.
    """
    path = Path(name_or_path)
    if path.suffix != ".json":
        path = _BUILT_IN / f"{name_or_path}.json"
        if not path.is_file():
            raise OptionError(unknown_choice("recipe", str(name_or_path), built_in_recipes()))
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except OSError as error:
        raise OptionError(f"{path}: the recipe cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise OptionError(f"{path}: {field} is wrong: {first['msg']}.") from error
