"""What a run writes of numbers that a model estimated: a JSON document, and columns of the results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.jobs.json_text import json_text

if TYPE_CHECKING:
    from napari_medclf.domain.results import Prediction, Regression


def write_numbers(prediction: Prediction, regression: Regression, folder: Path) -> Path:
    """Write ``regression.json``: each number with its UCUM unit, and who said it.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    from napari_medclf.atomic import atomic_write

    document = {
        "schema_version": 1,
        "model": prediction.model,
        "model_version": prediction.model_version,
        "image": prediction.image_name,
        "values": {
            name: {"value": value, "unit": regression.units.get(name, "")} for name, value in regression.values.items()
        },
        "warnings": prediction.warnings,
    }
    path = folder / "regression.json"
    atomic_write(path, json_text(document) + "\n")
    return path


def number_values(regression: Regression) -> dict[str, float]:
    """Give the numbers as columns of the results, such as ``value:age``."""
    return {f"value:{name}": value for name, value in regression.values.items()}
