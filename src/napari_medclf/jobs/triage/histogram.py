"""How many cases have which number, as a chart of the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.jobs.report.html import Html, figure
from napari_medclf.jobs.report.plot import Plot, ticks
from napari_medclf.jobs.report.words import number

_MOST_BINS = 24


def histogram_figure(name: str, values: Sequence[float], limits: tuple[float, float] | None = None) -> Html | None:
    """Draw a histogram; None where there is nothing to see.

    Parameters
    ----------
    limits : (low, high) or None
        Of the axis; None takes the smallest and the largest number.
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return None
    low, high = limits or (float(numbers.min()), float(numbers.max()))
    if high <= low:
        value = f"{low:.0f}" if low == round(low) else number(low)
        return figure(
            name, Html(""), f"{value} in {'the only case' if len(numbers) == 1 else f'all {len(numbers)} cases'}."
        )
    n_bins = min(max(round(2 * len(numbers) ** (1 / 3)), 5), _MOST_BINS)  # Rice's rule
    counts, edges = np.histogram(numbers, n_bins, (low, high))
    digits = max(0, 1 - int(np.floor(np.log10(high - low))))
    plot = _labelled(name, (low, high), counts, digits)
    for count, left, right in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if count:
            base, top = [(left, 0.0), (right, 0.0)], [(left, float(count)), (right, float(count))]
            plot.band(base, top)
            plot.line([base[0], top[0], top[1], base[1]])
    median = float(np.median(numbers))
    caption = f"{len(numbers)} cases; median {number(median)}, from {number(numbers.min())} to {number(numbers.max())}."
    return figure(name, plot.svg(f"Histogram of {name}"), caption)


def _labelled(name: str, limits: tuple[float, float], counts: NDArray[np.intp], digits: int) -> Plot:
    """Make the empty chart, with round numbers on both axes."""
    plot = Plot(name, "cases", limits, (0.0, float(counts.max())), width=300, height=150)
    plot.axes(ticks(*limits, 5), [], digits)
    for value in ticks(0.0, float(counts.max()), 4):
        if value == int(value):
            plot.mark_y(value, str(int(value)))
    return plot
