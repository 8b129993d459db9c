"""Charts of boxes and of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.jobs.report.html import Html, figure
from napari_medclf.jobs.report.plot import Plot, ticks

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_FALSE = 8.0
"""False boxes an image beyond which nobody would use a detector (as in LUNA16, Setio 2017)."""
_MOST_CURVES = 8


def froc_figure(document: Mapping[str, Any]) -> list[Html]:
    """Draw the part of the objects that is found against false boxes an image; nothing where there is no curve."""
    curves = dict(list((document.get("froc_curves") or {}).items())[:_MOST_CURVES])
    if not curves:
        return []
    largest = max((max(one["false_per_image"], default=0.0) for one in curves.values()), default=0.0)
    x_range = (0.0, min(max(largest, 1.0), _MOST_FALSE))
    plot = Plot("false boxes an image", "objects found", x_range)
    plot.axes(ticks(*x_range), _SHARES)
    for colour, (name, one) in enumerate(curves.items()):
        points = zip(one["false_per_image"], one["sensitivity"], strict=True)
        plot.line([point for point in points if point[0] <= x_range[1]], colour)
        y = 0.05 + 0.06 * (len(curves) - 1 - colour)
        plot.line([(0.56 * x_range[1], y), (0.61 * x_range[1], y)], colour)
        plot.write_at((0.63 * x_range[1], y), name[:22])
    return [figure("FROC curve", plot.svg("FROC curve"), "An object is found where the centre of a box lies in it.")]


def difference_figures(document: Mapping[str, Any]) -> list[Html]:
    """Draw differences against means (Bland & Altman 1986), one drawing a quantity."""
    return [
        _differences(name, one)
        for name, one in (document.get("bland_altman") or {}).items()
        if one["mean"] and one["bias"] is not None
    ]


def _differences(name: str, one: Mapping[str, Any]) -> Html:
    limits = [one[key] for key in ("bias", "loa_low", "loa_high") if one[key] is not None]
    plot = Plot(
        f"mean of truth and model, {name}",
        "model - truth",
        _with_room(one["mean"]),
        _with_room([*one["difference"], *limits, 0.0]),
        left=64,
    )
    plot.axes([], [])
    for value in ticks(*plot.x_range):
        plot.mark_x(value, f"{value:g}")
    for value in ticks(*plot.y_range):
        plot.mark_y(value, f"{value:g}")
    for value in limits:
        plot.line([(plot.x_range[0], value), (plot.x_range[1], value)], kind="chance")
    for at in zip(one["mean"], one["difference"], strict=True):
        plot.dot(at, radius=2.8, title=f"{at[0]:.3g}: {at[1]:+.3g}")
    return figure(
        f"Agreement, {name}",
        plot.svg(f"Bland-Altman plot of {name}"),
        "One dot a case. Dashed: the bias, and the limits between which 95 % of the differences lie.",
    )


def _with_room(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max((high - low) * 0.06, 1e-9, abs(high) * 1e-3)
    return low - room, high + room
