"""What the training cases of a model are like together, and how far an image is from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_medclf.engine.triage.columns import Columns
from napari_medclf.engine.triage.compare import Compared
from napari_medclf.engine.triage.features import PREFIX as FEATURE
from napari_medclf.engine.triage.figures import Figures, from_training
from napari_medclf.engine.triage.kinds import are_of_several_kinds
from napari_medclf.engine.triage.looks import PREFIX as LOOK
from napari_medclf.engine.triage.spread import LARGEST, Table, centre_and_spread

_FEWEST_TO_CORRELATE = 15
_CLIPPED = 4.0
_SHRINKAGE = 0.1
_N_FOLDS = 5


def figures_of(rows: Sequence[Mapping[str, float]]) -> Figures:
    """Sum up the numbers of training cases; numbers that fewer than 5 cases have are left out."""
    figures = _middles_of(rows)
    looks = tuple(name for name in figures.centres if name.startswith(LOOK))
    seen = tuple(name for name in figures.centres if name.startswith(FEATURE))
    together = tuple(name for name in (*looks, *seen) if all(name in row for row in rows))
    if len(rows) < _FEWEST_TO_CORRELATE or not looks or are_of_several_kinds(_apart(rows, looks, figures)):
        return figures
    found = replace(figures, looks=together, correlations=_correlations(_apart(rows, together, figures)))
    usual = {names: _median_distance(rows, names) for names in (together, looks)}
    return replace(found, usual=usual[together], usual_by_looks=usual[looks])


def training_distance(compared: Compared, figures: Figures | None) -> NDArray[np.float64]:
    """How far an image is from those of the training, (n,), about 1 for one of them; NaN where that is not known.

    Notes
    -----
    The Mahalanobis distance with a tenth of the identity in the correlations (Ledoit & Wolf 2004), and every number
    clipped at 8 spreads: columns that always go together tell, too, where they do not. Where the network could not be
    listened to, the looks of the images count alone.
    """
    unknown = np.full(len(compared.numbers), np.nan)
    if figures is None or figures.correlations is None:
        return unknown
    names, usual = figures.looks, figures.usual
    if not compared.has_all([name for name in names if name.startswith(FEATURE)]):
        names, usual = tuple(name for name in names if name.startswith(LOOK)), figures.usual_by_looks
    if not set(names) <= set(compared.names):
        return unknown
    return _mahalanobis(compared.columns(names), names, figures) / usual


def _middles_of(rows: Sequence[Mapping[str, float]]) -> Figures:
    columns = Columns(rows)
    centre, spread = centre_and_spread(columns.table(), columns.names)
    pairs = zip(columns.names, centre.tolist(), spread.tolist(), strict=True)
    known = {name: (middle, width) for name, middle, width in pairs if np.isfinite(width)}
    centres = {name: middle for name, (middle, _) in known.items()}
    return Figures(len(rows), centres, {name: width for name, (_, width) in known.items()})


def _apart(rows: Sequence[Mapping[str, float]], names: Sequence[str], figures: Figures) -> Table:
    return np.clip(from_training(Columns(rows).table(names), names, figures), -_CLIPPED, _CLIPPED)


def _correlations(apart: Table) -> Table:
    spreads = np.maximum(apart.std(axis=0), 1e-6)
    centred = (apart - apart.mean(axis=0)) / spreads
    return np.asarray(centred.T @ centred / len(apart))


def _mahalanobis(numbers: Table, names: Sequence[str], figures: Figures) -> NDArray[np.float64]:
    """Over the square root of the number of columns, which may be some of `looks`; a missing number counts as usual."""
    assert figures.correlations is not None
    places = [figures.looks.index(name) for name in names]
    apart = np.clip(np.nan_to_num(from_training(numbers, names, figures)), -LARGEST, LARGEST)
    known = figures.correlations[np.ix_(places, places)]
    shrunk = (1 - _SHRINKAGE) * known + _SHRINKAGE * np.eye(len(places))
    squares = (apart * np.linalg.solve(shrunk, apart.T).T).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares, 0) / len(places)))


def _median_distance(rows: Sequence[Mapping[str, float]], names: tuple[str, ...]) -> float:
    """Median distance of cases from figures that the other four fifths give: few cases fit their own too well."""
    found = []
    for fold in range(_N_FOLDS):
        others = [row for n, row in enumerate(rows) if n % _N_FOLDS != fold]
        figures = _middles_of(others)
        figures = replace(figures, looks=names, correlations=_correlations(_apart(others, names, figures)))
        found += _mahalanobis(Columns(rows[fold::_N_FOLDS]).table(names), names, figures).tolist()
    return max(float(np.median(found)), 1e-3)
