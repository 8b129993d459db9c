"""Charts that show single cases and parts of the patients: averages hide both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_medclf.jobs.report.html import Html, figure
from napari_medclf.jobs.report.plot import Plot, ticks
from napari_medclf.jobs.report.words import name_of, number, short

_ROW = 26
_SPREAD = 9


def cases_figure(rows: Sequence[Mapping[str, Any]], metric: str) -> Html | None:
    """Draw one dot a case and class, and the mean; None where no case has the number."""
    columns = dict.fromkeys(name for row in rows for name in row if name.partition(":")[0] == metric)
    strips = {column.partition(":")[2]: _defined([row.get(column) for row in rows]) for column in columns}
    strips = {name: values for name, values in strips.items() if values}
    if not strips:
        return None
    plot = Plot(name_of(metric), width=270, height=2 * _ROW * len(strips), left=118, bottom=40)
    plot.y_range = (len(strips), 0)
    plot.axes([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [])
    for row, (name, values) in enumerate(strips.items()):
        _draw_strip(plot, row, name, values)
    return figure(
        f"{name_of(metric)} of every case",
        plot.svg(f"{name_of(metric)} of every case"),
        "One dot a case; the stroke is the mean. Cases in which a class is neither labelled nor found have no number.",
    )


def subgroup_figure(subgroups: Mapping[str, Any], metric: str, whole: Mapping[str, Any] | None) -> Html | None:
    """Draw a number of every subgroup with its interval, beside the one of all cases."""
    lines = [
        (f"{fact}: {value}", part["metrics"][metric], part["n_groups"])
        for fact, values in subgroups.items()
        for value, part in values.items()
        if metric in part["metrics"]
    ]
    if not lines:
        return None
    ends = [end for _, one, _ in lines for end in one["ci95"] or (one["value"],)]
    low, high = min(ends), max(ends)
    room = max((high - low) * 0.08, 0.02)
    x_range = (low - room, high + room)
    plot = Plot(name_of(metric), x_range=x_range, width=420, height=_ROW * len(lines), left=190, right=70)
    plot.y_range = (len(lines), 0)
    plot.axes(ticks(*x_range), [], digits=2)
    if whole is not None:
        plot.line([(whole["value"], 0), (whole["value"], len(lines))], kind="chance")
    for row, (name, one, n_groups) in enumerate(lines):
        y = row + 0.5
        if one["ci95"]:
            plot.whisker((one["ci95"][0], y), (one["ci95"][1], y))
        plot.dot((one["value"], y), title=f"{name}: {number(one['value'])}")
        plot.text((plot.left - 8, plot.top + (row + 0.65) * _ROW), short(name, 28), "end")
        plot.text((plot.left + plot.width + 8, plot.top + (row + 0.65) * _ROW), f"n = {n_groups}", "start", "soft")
    return figure(
        f"{name_of(metric)} by subgroup",
        plot.svg(f"{name_of(metric)} by subgroup"),
        "Dashed: all cases. n: patients. Where intervals are wide, few patients stand behind a dot.",
    )


def _defined(values: Sequence[Any]) -> list[float]:
    return [one for one in values if isinstance(one, float) and one == one]


def _draw_strip(plot: Plot, row: int, name: str, values: Sequence[float]) -> None:
    for number_of_case, value in enumerate(values):
        offset = ((number_of_case * 0.618034) % 1 - 0.5) * 2 * _SPREAD / (2 * _ROW)
        plot.dot((min(max(value, 0.0), 1.0), row + 0.5 + offset), row, 2.6, f"{value:.3f}")
    mean = sum(values) / len(values)
    plot.whisker((mean, row + 0.14), (mean, row + 0.86), row)
    plot.text((plot.left - 8, plot.top + (row + 0.5) * 2 * _ROW + 4), short(name or "all objects", 17), "end")
