"""The page of a learning curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.jobs.json_text import plain
from napari_medclf.jobs.report.html import Html, figure, page, paragraph, table
from napari_medclf.jobs.report.plot import Plot, ticks
from napari_medclf.jobs.report.words import name_of, number

_N_STEPS = 40


def learning_page(document: Mapping[str, Any]) -> str:
    """Write ``learning_curve.html``: the curve, what it promises, and every training."""
    content = plain(document)
    name = name_of(content["number"])
    points = [one for one in content["points"] if one["value"] is not None]
    parts = [
        f"<h1>Learning curve of {name}</h1>",
        paragraph(
            f"{content['data']}: every model was measured on the same {content['n_measured']} {content['split']} cases."
        ),
        paragraph(content["outlook"]["sentence"], "banner fine"),
        _figure(content, points, name) if points else paragraph("No training gave a number that is defined."),
        table(
            ["part", "repeat", "patients", "cases", name, "95 % interval"],
            [
                [
                    f"{one['fraction']:g}",
                    str(one["repeat"]),
                    str(one["n_groups"]),
                    str(one["n_cases"]),
                    number(one["value"]),
                    f"{one['ci95'][0]:.3f} to {one['ci95'][1]:.3f}" if one["ci95"] else "",
                ]
                for one in content["points"]
            ],
        ),
    ]
    return page(f"Learning curve of {content['data']}", parts)


def _figure(content: Mapping[str, Any], points: list[Mapping[str, Any]], name: str) -> Html:
    sizes = [one["n_groups"] for one in points]
    ends = [end for one in points for end in one["ci95"] or (one["value"],)]
    outlook = content["outlook"]
    last = max(sizes) * (2 if "exponent" in outlook else 1)
    ends += [outlook["expected_with_twice"]] if "exponent" in outlook else []
    room = max((max(ends) - min(ends)) * 0.08, 0.01)
    y_range = (min(ends) - room, max(ends) + room)
    plot = Plot("patients learned from", name, (0, last * 1.05), y_range, width=560, height=300)
    plot.axes([], ticks(*y_range), digits=2)
    for value in ticks(0, last * 1.05):
        plot.mark_x(value, f"{value:g}")
    if "exponent" in outlook:
        plot.line(_law(outlook, min(sizes), last, content["task"]), kind="chance")
    for one in points:
        if one["ci95"]:
            plot.whisker((one["n_groups"], one["ci95"][0]), (one["n_groups"], one["ci95"][1]))
        plot.dot((one["n_groups"], one["value"]), title=f"{one['n_groups']} patients: {number(one['value'])}")
    plot.line([(one["n_groups"], one["mean"]) for one in content["sizes"]])
    return figure(name, plot.svg("Learning curve"), "Bars: 95 % by patient. Dashed: the power law through the means.")


def _law(outlook: Mapping[str, Any], first: float, last: float, task: str) -> list[tuple[float, float]]:
    steps = [first + (last - first) * step / _N_STEPS for step in range(_N_STEPS + 1)]
    errors = [(n, outlook["floor"] + outlook["scale"] * n ** -outlook["exponent"]) for n in steps]
    return errors if task == "regress" else [(n, 1 - error) for n, error in errors]
