"""The charts of a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_medclf.jobs.report.html import Html, figure
from napari_medclf.jobs.report.plot import Plot
from napari_medclf.jobs.report.words import number, short

_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_CURVES = 8
_LARGEST_CELL, _MATRIX = 110.0, 270.0
_MOST_CLASSES = 30
_SMALLEST_NUMBERED = 18.0
_PX_PER_LETTER = 6.2
_DARK = 0.55


def curve_figures(document: Mapping[str, Any]) -> list[Html]:
    """ROC and precision-recall with their bands; of two exclusive classes the second alone, as the first mirrors it."""
    curves = document.get("curves") or {}
    names = [name for name in _one_of_two(document) if name in curves][:_MOST_CURVES]
    if not names:
        return []
    return [_roc(names, curves, document), _precision_recall(names, curves, document)]


def reliability_figure(document: Mapping[str, Any]) -> Html:
    """What was said against what came true."""
    per_class = document["calibration"]["per_class"]
    names = [name for name in _one_of_two(document) if name in per_class][:_MOST_CURVES]
    plot = Plot("predicted probability", "observed share")
    plot.axes(_TICKS, _TICKS)
    plot.line([(0, 0), (1, 1)], kind="chance")
    for colour, name in enumerate(names):
        bins = per_class[name]["bins"]
        plot.line([(one["mean_probability"], one["observed"]) for one in bins], colour)
        for one in bins:
            x = one["mean_probability"]
            plot.whisker((x, one["ci95"][0]), (x, one["ci95"][1]), colour)
            told = f"{name}: {one['n_cases']} cases said {x:.2f}, {one['observed']:.2f} came true"
            plot.dot((x, one["observed"]), colour, title=told)
        _name_curve(plot, colour, name, len(names), at_top=True)
    return figure(
        "Reliability",
        plot.svg("Reliability diagram"),
        "On the dashed line, probabilities come true as often as they say. Bars: 95 %, by patient.",
    )


def confusion_figure(document: Mapping[str, Any]) -> Html | None:
    """Truth in rows, decisions in columns; None where cases may have several classes, or there are too many of them."""
    confusion = document.get("confusion") or {}
    counts, names = confusion.get("counts"), confusion.get("classes", [])
    if not counts or len(names) > _MOST_CLASSES:
        return None
    size = min(_LARGEST_CELL, _MATRIX / len(names))
    side = round(size * len(names))
    plot = Plot("", width=side, height=side, left=102, right=max(282 - side, 12), bottom=max(364 - side, 60))
    for row, (name, line) in enumerate(zip(names, counts, strict=True)):
        _confusion_row(plot, row, name, line, names, size)
    is_tilted = max(map(len, names)) * _PX_PER_LETTER > size
    for column, name in enumerate(names):
        _name_column(plot, plot.left + (column + 0.5) * size, plot.top + side, name, is_tilted=is_tilted)
    below = plot.top + side + (76 if is_tilted else 38)
    plot.text((plot.left + side / 2, below), "the model says", "middle", "soft")
    drawing = plot.svg("Confusion matrix: " + "; ".join(f"{n} {row}" for n, row in zip(names, counts, strict=True)))
    return figure("Confusion matrix", drawing, "Rows: the truth. The darker a cell, the larger its part of the row.")


def _name_column(plot: Plot, x: float, below: float, name: str, *, is_tilted: bool) -> None:
    if is_tilted:
        plot.tilted((x + 4, below + 12), _short(name, 80))
    else:
        plot.text((x, below + 16), name, "middle")


def _confusion_row(plot: Plot, row: int, name: str, line: Sequence[int], names: Sequence[str], size: float) -> None:
    middle = plot.top + (row + 0.5) * size
    plot.text((plot.left - 8, middle + 4), _short(name, 92), "end")
    for column, count in enumerate(line):
        share = count / sum(line) if sum(line) else 0.0
        plot.cell((row, column), size, share, f"{name} called {names[column]}: {count}, {share:.1%} of its row")
        if size >= _SMALLEST_NUMBERED:
            kind = "on-dark" if share > _DARK else ""
            plot.text((plot.left + (column + 0.5) * size, middle + 4), str(count), "middle", kind)


def _roc(names: Sequence[str], curves: Mapping[str, Any], document: Mapping[str, Any]) -> Html:
    plot = Plot("1 - specificity (false alarms)", "sensitivity")
    plot.axes(_TICKS, _TICKS)
    plot.line([(0, 0), (1, 1)], kind="chance")
    for colour, name in enumerate(names):
        roc = curves[name]["roc"]
        _draw_band(plot, roc["band"], colour)
        plot.line(list(zip(roc["false_positive_rate"], roc["sensitivity"], strict=True)), colour)
        point = (document.get("operating_points") or {}).get(name)
        if point and "sensitivity" in point and "specificity" in point:
            at = (1 - point["specificity"]["value"], point["sensitivity"]["value"])
            plot.dot(at, colour, 4.5, f"{name}: threshold {point['threshold']:.3f}")
        area = document["per_class"].get(name, {}).get("auc")
        _name_curve(plot, colour, f"{name} {number(area and area['value'])}", len(names))
    return figure(
        "ROC curve", plot.svg("ROC curve"), "Area beside each name; shaded: 95 % band by patient; dot: operating point."
    )


def _precision_recall(names: Sequence[str], curves: Mapping[str, Any], document: Mapping[str, Any]) -> Html:
    plot = Plot("recall (sensitivity)", "precision (PPV)")
    plot.axes(_TICKS, _TICKS)
    for colour, name in enumerate(names):
        pr, prevalence = curves[name]["pr"], curves[name]["prevalence"]
        plot.line([(0, prevalence), (1, prevalence)], kind="chance")
        _draw_band(plot, pr["band"], colour)
        plot.line(_stairs(pr["recall"], pr["precision"]), colour)
        area = document["per_class"].get(name, {}).get("average_precision")
        _name_curve(plot, colour, f"{name} {number(area and area['value'])}", len(names))
    return figure(
        "Precision and recall",
        plot.svg("Precision-recall curve"),
        "Average precision beside each name; dashed: how common the class is, which is what chance gives.",
    )


def _one_of_two(document: Mapping[str, Any]) -> list[str]:
    confusion = document.get("confusion") or {}
    names = list(confusion.get("classes") or document.get("curves") or {})
    return names[1:] if len(names) == 2 and "counts" in confusion else names


def _draw_band(plot: Plot, band: Mapping[str, Any], colour: int) -> None:
    lower = list(zip(band["at"], band["low"], strict=True))
    upper = list(zip(band["at"], band["high"], strict=True))
    plot.band(lower, upper, colour)


def _stairs(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Between two recalls the precision is that of the larger one."""
    points: list[tuple[float, float]] = []
    before = 0.0
    for recall, precision in zip(x, y, strict=True):
        points += [(before, precision), (recall, precision)]
        before = recall
    return points


def _name_curve(plot: Plot, colour: int, text: str, n_names: int, *, at_top: bool = False) -> None:
    """Name a curve in a corner where there is room: below right, or above left."""
    y = 0.95 - 0.06 * colour if at_top else 0.05 + 0.06 * (n_names - 1 - colour)
    x = 0.04 if at_top else 0.56
    plot.line([(x, y), (x + 0.05, y)], colour)
    plot.write_at((x + 0.07, y), _short(text, 170))


def _short(text: str, room: float) -> str:
    return short(text, max(int(room / _PX_PER_LETTER), 3))
