"""What a model's training cases are like, kept in its package: so that few cases of a run can be judged, too."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import DatasetError, MedclfError, WriteError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.engine.triage.figures import Figures

TRAITS_IN_PACKAGE = "configs/traits.json"
_USUAL = ("usual_distance", "usual_distance_by_looks")
_DIGITS = 5


def read_figures(package: ModelPackage) -> Figures | None:
    """Read what a model's training cases are like; None where its package does not tell.

    Raises
    ------
    DatasetError
        If the file is damaged.
    """
    path = package.folder / TRAITS_IN_PACKAGE
    return read_figures_file(path) if path.is_file() else None


def read_figures_file(path: Path) -> Figures:
    """Read medians and spreads as `write_figures` wrote them.

    Raises
    ------
    DatasetError
        If there is no such file, or it is damaged.
    """
    from napari_medclf.engine.triage.figures import Figures

    try:
        content = json.loads(path.read_bytes())
        traits: dict[str, Any] = content["traits"]
        centres = {name: float(pair[0]) for name, pair in traits.items()}
        spreads = {name: float(pair[1]) for name, pair in traits.items()}
        n_cases = int(content["n_cases"])
        looks = tuple(map(str, content.get("looks", ())))
        correlations = _from_lower(content["correlations"]) if looks else None
        usual, usual_by_looks = (float(content.get(name, 1.0)) for name in _USUAL)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{path}: what the training cases are like cannot be read ({error}).") from error
    if correlations is not None and (correlations.shape != (len(looks), len(looks)) or not set(looks) <= set(centres)):
        raise DatasetError(f"{path}: its correlations do not fit its numbers.")
    positive = (*spreads.values(), usual, usual_by_looks)
    if not all(map(math.isfinite, centres.values())) or not all(0 < one < math.inf for one in positive):
        raise DatasetError(f"{path}: holds medians or spreads that are no usable numbers.")
    return Figures(n_cases, centres, spreads, looks, correlations, usual, usual_by_looks)


def _from_lower(rows: list[list[float]]) -> NDArray[np.float64]:
    """Fill a symmetric matrix with ones on its diagonal from what stands below that.

    Raises
    ------
    ValueError
        If a row has another length than it must have, or a number is no correlation.
    """
    import numpy as np

    found = np.eye(len(rows))
    for n, row in enumerate(rows):
        found[n, :n] = found[:n, n] = np.asarray(row, dtype=np.float64).reshape(n)
    if not (np.abs(found) <= 1).all():
        raise ValueError("correlations lie between -1 and 1")
    return found


def write_figures(figures: Figures, path: Path) -> None:
    """Write medians and spreads; nothing in it names a case.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    from napari_medclf.atomic import atomic_write

    traits = {
        name: [float(f"{value:.{_DIGITS}g}") for value in (figures.centres[name], figures.spreads[name])]
        for name in sorted(figures.centres)
    }
    document: dict[str, Any] = {"schema_version": 1, "n_cases": figures.n_cases, "traits": traits}
    if figures.correlations is not None:
        lower = [[round(float(one), 3) for one in row[:n]] for n, row in enumerate(figures.correlations)]
        usual = (float(f"{one:.{_DIGITS}g}") for one in (figures.usual, figures.usual_by_looks))
        document |= dict(zip(_USUAL, usual, strict=True)) | {"looks": figures.looks, "correlations": lower}
    try:
        atomic_write(path, json.dumps(document, separators=(",", ":")) + "\n")
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error


def figures_of_model(model: str, weights_sha256: str) -> Figures | None:
    """Find the figures of the model that made a run; None where that model, or its figures, are not here."""
    from napari_medclf.jobs.models import find_model

    try:
        package = find_model(model)
        return read_figures(package) if package.card.weights_sha256 == weights_sha256 else None
    except MedclfError:
        return None
