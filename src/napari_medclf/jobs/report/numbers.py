"""The numbers of an evaluation: the main ones large, the others in tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from napari_medclf.jobs.report.html import Html, paragraph, table
from napari_medclf.jobs.report.words import MAIN, NAMES, cell, interval, is_metric, name_of, number


def tiles(document: Mapping[str, Any]) -> Html:
    """Show the main numbers large, each with its interval."""
    boxes = [
        f'<div class="tile"><span>{escape(name)}</span><b>{number(one["value"])}</b>'
        f"<span>{interval(one) or 'no interval'}</span></div>"
        for name, one in _main_numbers(document)
    ]
    return Html(f'<div class="tiles">{"".join(boxes)}</div>')


def _main_numbers(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name the main numbers; of two classes, sensitivity and specificity are those of the second."""
    names = list(document["per_class"])
    is_binary = len(names) == 2 and "counts" in (document.get("confusion") or {})
    for kind in MAIN.get(document["task"], ()):
        if kind in ("sensitivity", "specificity") and is_binary and kind in document["per_class"][names[1]]:
            yield f"{NAMES[kind].partition(' (')[0]} for {names[1]}", document["per_class"][names[1]][kind]
        elif is_metric(document.get(kind)):
            is_mean = kind in ("sensitivity", "specificity", "auc") and len(names) > 2
            yield name_of(kind) + (", mean of classes" if is_mean else ""), document[kind]


def class_table(document: Mapping[str, Any]) -> Html:
    """Every number: of all classes together, and of each class against the rest."""
    per_class = document["per_class"]
    kinds = [kind for kind, value in document.items() if is_metric(value)]
    kinds += [kind for one in per_class.values() for kind in one if kind not in kinds]
    order = list(NAMES)
    rows = [
        [name_of(kind), cell(document.get(kind)), *(cell(one.get(kind)) for one in per_class.values())]
        for kind in sorted(dict.fromkeys(kinds), key=lambda kind: order.index(kind) if kind in order else len(order))
    ]
    whole = "mean of the classes, or all cases" if len(per_class) > 1 else "all cases"
    areas = document.get("auc_delong") or {}
    if areas:
        rows.insert(1, ["AUC, DeLong's interval", "", *(cell(areas.get(name)) for name in per_class)])
    return table(["", whole, *per_class], rows)


def operating_table(document: Mapping[str, Any]) -> Html:
    """What each class's threshold does."""
    points = document["operating_points"]
    kinds = ("sensitivity", "specificity", "precision", "npv")
    rows = [[name, number(one["threshold"]), *(cell(one.get(kind)) for kind in kinds)] for name, one in points.items()]
    first = next(iter(points.values()))
    where = f"Thresholds for a sensitivity of {first['target_sensitivity']:g}, chosen on {first['chosen_on']}"
    is_same = first["chosen_on"] == "these cases"
    more = (
        ": the sensitivity is met by construction and the rest is a little too good. `--sensitivity` chooses them on "
        "the validation cases."
        if is_same
        else f" ({first['n_cases_chosen_on']}), measured here: the sensitivity may be missed."
    )
    header = ["class", "threshold", *(name_of(kind) for kind in kinds)]
    return Html(paragraph(where + more, "note") + table(header, rows))


def calibration_table(document: Mapping[str, Any]) -> Html:
    """Slope and intercept, and what the temperature does."""
    calibration = document["calibration"]
    rows = [
        [name, cell(one.get("slope")), cell(one.get("intercept"))] for name, one in calibration["per_class"].items()
    ]
    made = "calibrated on validation cases" if calibration["is_calibrated"] else "not calibrated"
    without = calibration["ece_uncalibrated"]
    text = (
        f"The probabilities are {made} (temperature {calibration['temperature']:.3g}). Calibration error "
        f"{number(document['ece']['value'])}; it would be {number(without)} without the temperature. Ideal: slope 1 "
        "(below: too sure), calibration in the large 0 (below: said too often)."
    )
    return Html(paragraph(text, "note") + table(["class", "slope", "in the large"], rows))


def subgroup_table(document: Mapping[str, Any]) -> Html:
    """The main numbers of every subgroup."""
    kinds = [kind for kind in MAIN.get(document["task"], ()) if is_metric(document.get(kind))]
    rows: list[list[str | Html]] = [
        ["all", "", str(document["n_cases"]), str(document["n_groups"]), *(cell(document[kind]) for kind in kinds)]
    ]
    for fact, values in document["subgroups"].items():
        for value, part in values.items():
            shown = [_subgroup_cell(part, kind) for kind in kinds]
            rows.append([fact, value, str(part["n_cases"]), str(part["n_groups"]), *shown])
    return table(["", "", "cases", "patients", *(name_of(kind) for kind in kinds)], rows)


def rival_parts(compared: Mapping[str, Any]) -> list[Html]:
    """Say in a sentence and a table how another model does on the same cases."""
    rows = []
    for name, one in compared["differences"].items():
        between = f"{one['ci95'][0]:+.3f} to {one['ci95'][1]:+.3f}" if one["ci95"] else ""
        theirs = compared["metrics"].get(name)
        verdict = Html(f'<span class="{escape(one["verdict"])}">{escape(one["verdict"])}</span>')
        rows.append([name_of(name), number(theirs and theirs["value"]), f"{one['value']:+.3f}", between, verdict])
    n_known = compared.get("n_contaminated")
    warning = f" The other model learned from {n_known} of these images: its numbers are too good." if n_known else ""
    parts = [
        paragraph(f"{compared['model']} {compared['model_version']}. {compared['sentence']}{warning}"),
        paragraph(
            "Differences are this model minus the other one, on the same cases. “same”: none could be shown; with few "
            "patients there may be one all the same. No correction is made for the number of rows.",
            "note",
        ),
        table(["", "the other model", "difference", "95 % interval", "this model is"], rows),
    ]
    if compared["auc_delong"]:
        rows = [
            [name, f"{one['value']:+.3f}", f"{one['ci95'][0]:+.3f} to {one['ci95'][1]:+.3f}", f"{one['p_value']:.3g}"]
            for name, one in compared["auc_delong"].items()
        ]
        parts.append(table(["AUC, DeLong's test", "difference", "95 % interval", "p"], rows))
    return parts


def undefined_table(document: Mapping[str, Any]) -> Html | None:
    """Say why numbers are not there; None where all are."""
    reasons = document.get("undefined") or {}
    if not reasons:
        return None
    return table(["not there", "because"], [[name_of(name), reason] for name, reason in reasons.items()])


def _subgroup_cell(part: Mapping[str, Any], kind: str) -> str | Html:
    if kind in part["metrics"]:
        return cell(part["metrics"][kind])
    return Html(f'<span class="open">{escape(part["undefined"].get(kind, "not defined"))}</span>')
