"""The page of an evaluation: what was found first, then why it can be believed, then everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from napari_medclf.jobs.json_text import plain
from napari_medclf.jobs.report import claim, tripod
from napari_medclf.jobs.report.about import data_sheet, model_card
from napari_medclf.jobs.report.cases import case_table, worst_gallery
from napari_medclf.jobs.report.charts import confusion_figure, curve_figures, reliability_figure
from napari_medclf.jobs.report.checklist import checklist
from napari_medclf.jobs.report.html import Html, folded, page, paragraph
from napari_medclf.jobs.report.known import known_facts
from napari_medclf.jobs.report.numbers import (
    calibration_table,
    class_table,
    operating_table,
    rival_parts,
    subgroup_table,
    tiles,
    undefined_table,
)
from napari_medclf.jobs.report.spread import cases_figure, subgroup_figure
from napari_medclf.jobs.report.task_charts import difference_figures, froc_figure
from napari_medclf.jobs.report.words import MAIN, is_metric, name_of, number

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.jobs.evaluation.watch import WorstCase

_CASE_CHARTS = {"segment": ("dice", "nsd"), "instances": ("ap50", "pq")}


@dataclass(frozen=True, eq=False)
class Reported:
    """What a page is made of.

    Parameters
    ----------
    document : dict
        As ``metrics.json`` has it.
    rows : sequence of dict
        The numbers of every case, as ``cases.csv`` has them.
    training : dict
        Options of the training, as the model's package keeps them; empty where it does not tell.
    """

    document: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    card: ModelCard
    dataset: Dataset
    worst: Sequence[WorstCase] = ()
    training: Mapping[str, Any] = field(default_factory=dict)


def evaluation_page(reported: Reported) -> str:
    """Write ``report.html``: one file with everything in it, which names no patient and no file."""
    document = plain(reported.document)
    title = f"{document['model']} on {document['data']} ({document['split']})"
    sections = [(anchor, name, parts) for anchor, name, parts in _sections(reported, document) if parts]
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name, _ in sections)
    body = [f'<h2 id="{anchor}">{escape(name)}</h2>\n' + "\n".join(parts) for anchor, name, parts in sections]
    return page(title, [*_head(reported, document), tiles(document), f"<nav>{links}</nav>", *body, *_foot(document)])


def _head(reported: Reported, document: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h1>{escape(reported.card.title or document['model'])}</h1>"
    yield paragraph(
        f"{document['model']} {document['model_version']}, measured on {document['data']} ({document['split']} cases): "
        f"{document['n_cases']} cases of {document['n_groups']} patients or groups."
    )
    yield '<span class="research">Research use only. Not a medical device.</span>'
    contaminated = document.get("contaminated")
    if contaminated:
        yield paragraph(_contaminated_text(contaminated, document), "banner")
    baseline = document.get("baseline")
    if baseline:
        is_fine = baseline.get("is_deep_better")
        yield paragraph(f"Against the classic baseline. {baseline['sentence']}", "banner fine" if is_fine else "banner")


def _contaminated_text(contaminated: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    without = contaminated.get("metrics_without") or {}
    kinds = [kind for kind in MAIN.get(document["task"], ()) if kind in without][:3]
    if not kinds:
        return str(contaminated["sentence"])
    numbers = ", ".join(f"{name_of(kind)} {number(without[kind]['value'])}" for kind in kinds)
    return f"{contaminated['sentence']} Without those cases: {numbers}."


def _sections(reported: Reported, document: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Html]]]:
    card, dataset, training = reported.card, reported.dataset, reported.training
    yield "charts", "Charts", _charts(reported, document)
    yield "numbers", "All numbers", [class_table(document)]
    if document.get("operating_points"):
        yield "operating", "Operating points", [operating_table(document)]
    if document.get("calibration"):
        yield "calibration", "Calibration", [calibration_table(document)]
    yield "subgroups", "Subgroups", _subgroups(document)
    for role, title in (("baseline", "Against the classic baseline"), ("against", "Against another model")):
        if document.get(role):
            yield role, title, rival_parts(document[role])
    if reported.worst:
        note = paragraph("Pixels and numbers only; which file a row of cases.csv is, that file tells.", "note")
        yield "worst", "Worst cases", [note, worst_gallery(reported.worst, reported.rows)]
    yield "cases", "Cases", [folded("Cases, worst first", case_table(reported.rows))]
    undefined = undefined_table(document)
    yield "undefined", "Not defined", [undefined] if undefined else []
    yield "model", "Model card", [model_card(card, training)]
    yield "data", "Data sheet", [data_sheet(card, dataset, document)]
    known = known_facts(document, card, dataset, training) | {"software": _versions(document)}
    lists = (("CLAIM 2024", claim.ITEMS, claim.SOURCE), ("TRIPOD+AI", tripod.ITEMS, tripod.SOURCE))
    yield "reporting", "For the paper", [folded(name, checklist(items, known, source)) for name, items, source in lists]


def _charts(reported: Reported, document: Mapping[str, Any]) -> list[Html]:
    figures = curve_figures(document)
    if document.get("confusion"):
        matrix = confusion_figure(document)
        figures += [matrix] if matrix else []
        figures.append(reliability_figure(document))
    figures += [*froc_figure(document), *difference_figures(document)]
    charts = [cases_figure(reported.rows, kind) for kind in _CASE_CHARTS.get(document["task"], ())]
    figures += [one for one in charts if one is not None]
    return [Html(f'<div class="figures">{"".join(figures)}</div>')] if figures else []


def _subgroups(document: Mapping[str, Any]) -> list[Html]:
    subgroups = document.get("subgroups")
    if not subgroups:
        return []
    kind = next((kind for kind in MAIN.get(document["task"], ()) if is_metric(document.get(kind))), "")
    chart = subgroup_figure(subgroups, kind, document.get(kind))
    note = paragraph(
        "Small groups have wide intervals; where intervals of two groups overlap, no difference has been shown.", "note"
    )
    return [note, subgroup_table(document), *([chart] if chart else [])]


def _foot(document: Mapping[str, Any]) -> Iterator[str]:
    yield paragraph(
        "Intervals: 95 %, expanded percentile bootstrap over patients (1000 draws, fixed seed); proportions without "
        f"any fault have exact ones. Weights {document['weights_sha256'][:16]}... {_versions(document)}",
        "note",
    )


def _versions(document: Mapping[str, Any]) -> str:
    versions = (document.get("spec") or {}).get("versions") or {}
    return ", ".join(f"{name} {version}" for name, version in versions.items())
