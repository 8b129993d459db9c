"""The page of an evaluation: whole in itself, readable, and silent about who the patients are."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from napari_medclf.domain.card import DataCredit, Metric
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.jobs.evaluation.analysis import AnalysisSettings, analyse
from napari_medclf.jobs.evaluation.measured import Measured
from napari_medclf.jobs.evaluation.summary import summarise
from napari_medclf.jobs.evaluation.watch import WorstCase
from napari_medclf.jobs.report import claim, tripod
from napari_medclf.jobs.report.page import Reported, evaluation_page

VOID = {"meta", "img", "br", "input", "link"}


class Reader(HTMLParser):
    """Collects texts and checks that every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())

    def after(self, text: str, n: int = 1) -> list[str]:
        """Return what stands after a text."""
        at = self.texts.index(text)
        return self.texts[at + 1 : at + 1 + n]


@pytest.fixture(scope="module")
def reported(card_of, classified, finished) -> Reported:
    card = card_of("clear", "opacity").model_copy(
        update={"data": (DataCredit(name="Phantoms", licence="CC0", attribution="us", n_train=40, n_val=8, n_test=60),)}
    )
    cases = classified(60, has_facts=True)
    metrics = finished(summarise(cases, card, is_exclusive=True))
    measured = Measured(metrics, tuple(cases))
    document = {
        "model": card.name, "model_version": card.version, "weights_sha256": card.weights_sha256, "task": "classify",
        "data": "phantoms", "split": "test", "n_cases": 60, "n_groups": 60, "contaminated": None,
        **{name: one for name, one in metrics.items() if "/" not in name},
        "per_class": {
            name: {kind.partition("/")[0]: one for kind, one in metrics.items() if kind.endswith(f"/{name}")}
            for name in card.schema_.names
        },
        **finished(analyse(measured, card, AnalysisSettings(is_exclusive=True))),
    }  # fmt: skip
    dataset = Dataset(
        "phantoms",
        "classify",
        LabelSchema.from_names(card.schema_.names),
        tuple(
            Case(one.case_id, one.group_id, {"image": FileRef(Path("x.png"))}, classes=one.classes, split=Split.TEST)
            for one in cases
        ),
        Path("phantoms"),
    )
    worst = (WorstCase("case_3", 0.04, np.full((6, 9, 3), 128, dtype=np.uint8)),)
    return Reported(document, measured.rows, card, dataset, worst)


@pytest.fixture(scope="module")
def page(reported) -> str:
    return evaluation_page(reported)


def test_page_loads_nothing_and_runs_nothing(page):
    assert "<script" not in page
    links = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^")\s>]+)', page)
    assert links
    assert all(one.startswith(("data:image/png;base64,", "#")) for one in links)


def test_every_element_is_closed_and_every_drawing_is_xml(page):
    Reader(page)
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) >= 5
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert "NaN" not in drawing
        assert root.attrib["aria-label"]


def test_main_numbers_stand_first_with_their_intervals(page, reported):
    reader = Reader(page)
    auc = reported.document["auc"]
    assert reader.after("AUC", 2) == [f"{auc.value:.3f}", f"{auc.ci95[0]:.3f} to {auc.ci95[1]:.3f}"]
    found = reported.document["per_class"]["opacity"]["sensitivity"]
    assert reader.after("Sensitivity for opacity")[0] == f"{found.value:.3f}"
    assert "AUC, DeLong's interval" in reader.texts


def test_names_of_cases_and_patients_stay_out(page):
    assert not re.search(r"case_\d|\bp\d+\b", " ".join(Reader(page).texts))
    assert "Row 4. Truth:" in page  # the fourth row of cases.csv


def test_page_is_made_for_dark_screens_and_for_paper(page):
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "details-content" in page


def test_subgroups_and_what_they_lack_are_told(page):
    reader = Reader(page)
    assert {"sex", "F", "M", "age"} <= set(reader.texts)
    assert any(text.startswith("sex: F") for text in reader.texts)  # in the chart


def test_names_cannot_break_the_page(reported):
    document = {**reported.document, "data": "<script>alert(1)</script>", "undefined": {"auc/<b>": "<i>none</i>"}}
    page = evaluation_page(replace(reported, document=document))
    assert "<script" not in page
    assert "<i>none" not in page
    assert "AUC, &lt;b&gt;" in page


def test_contamination_and_the_verdict_on_deep_learning_stand_at_the_top(reported):
    contaminated = {
        "n_cases": 2, "n_measured": 60, "cases": ["case_1"], "sentence": "Contaminated: 2 of 60.",
        "metrics_without": {"auc": Metric(value=0.7123, ci95=(0.6, 0.8))},
    }  # fmt: skip
    baseline = {
        "model": "trees", "model_version": "1.0.0", "metrics": {}, "differences": {}, "auc_delong": {},
        "sentence": "Deep learning is not needed here.", "is_deep_better": False,
    }  # fmt: skip
    page = evaluation_page(
        replace(reported, document={**reported.document, "contaminated": contaminated, "baseline": baseline})
    )
    head = page[: page.index("<nav>")]
    assert "Contaminated: 2 of 60. Without those cases: AUC 0.712." in head
    assert "Deep learning is not needed here." in head


def test_guidelines_are_complete_and_open_items_are_marked(page):
    assert [one.number for one in claim.ITEMS] == [str(n) for n in range(1, 45)]
    assert {re.sub(r"\D", "", one.number) for one in tripod.ITEMS} == {str(n) for n in range(1, 28)}
    assert "to be written by the authors" in page
    assert "Checklist for Artificial Intelligence in Medical Imaging, 2024" in page
    filled = re.findall(r"(\d+) of 44 items are filled", page)
    assert int(filled[0]) >= 18
