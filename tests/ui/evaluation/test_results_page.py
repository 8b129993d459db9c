"""Choosing cells and points of an evaluation, and opening the cases behind them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_medclf.ui.evaluation.results_page import ResultsPage
from napari_medclf.ui.evaluation.scored import Results, ScoredCase


def lung_cases() -> tuple[ScoredCase, ...]:
    rows = [
        ("c1", "clear", 0.1),
        ("c2", "clear", 0.7),
        ("o1", "opaque", 0.9),
        ("o2", "opaque", 0.2),
        ("o3", "opaque", 0.6),
    ]
    return tuple(
        ScoredCase(
            name, name, (truth,), ("opaque" if score >= 0.5 else "clear",), {"clear": 1 - score, "opaque": score}
        )
        for name, truth, score in rows
    )  # fmt: skip


DOCUMENT = {
    "model": "lungs", "model_version": "1.0", "data": "chests", "split": "test", "n_cases": 5, "n_groups": 5,
    "auc": {"value": 0.667, "ci95": [0.2, 1.0]}, "per_class": {"opaque": {"auc": {"value": 0.667, "ci95": None}}},
}  # fmt: skip


@pytest.fixture
def page(qtbot) -> ResultsPage:
    made = ResultsPage()
    qtbot.addWidget(made)
    made.resize(420, 800)
    made.show()
    return made


def test_empty_page_says_what_to_do(page) -> None:
    assert "Evaluate a model" in page.title.text()
    assert not page.views.isVisible()
    assert page.other.isVisible()


def test_cell_lists_its_cases_and_a_double_click_opens_one(page, tmp_path) -> None:
    page.show_results(Results(DOCUMENT, lung_cases(), tmp_path))
    page.views.buttons["Confusion"].click()
    wanted = []
    page.case_wanted.connect(wanted.append)
    table = page.confusion.matrix
    place = table.visualItemRect(table.item(0, 1)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert page.cases.shown == ("c2",)
    assert "clear, called opaque" in page.list_title.text()
    page.cases.open_first()
    assert [case.case_id for case in wanted] == ["c2"]


def test_point_of_the_curve_lists_what_is_wrong_there(page, tmp_path) -> None:
    page.show_results(Results(DOCUMENT, lung_cases(), tmp_path))
    page.views.buttons["ROC"].click()
    plot = page.roc.plot
    at = plot.point_px(2)  # the threshold of c2, 0.7
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))
    assert "Threshold 0.700: sensitivity 0.333, specificity 0.500" in page.roc.explanation.text()
    assert set(page.cases.shown) == {"c2", "o3", "o2"}
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert set(page.cases.shown) == {"c2", "o2"}


def test_dot_of_the_calibration_lists_its_cases(page, tmp_path) -> None:
    page.show_results(Results(DOCUMENT, lung_cases(), tmp_path))
    page.views.buttons["Calibration"].click()
    page.calibration.plot.choose(4)
    assert page.cases.shown == ("o1",)
    assert "said 90 % opaque, true in 100 %" in page.list_title.text()


def test_contaminated_model_is_told_and_its_cases_are_listed(page, tmp_path) -> None:
    page.show_results(Results(DOCUMENT, lung_cases(), tmp_path))
    assert not page.warning.isVisible()
    assert not page.learned.isVisible()
    seen = {"n_cases": 2, "cases": ["o1", "c1"], "sentence": "It saw two of them."}
    page.show_results(Results({**DOCUMENT, "contaminated": seen}, lung_cases(), tmp_path))
    assert page.warning.text() == "⚠ It saw two of them."
    page.learned.click()
    assert set(page.cases.shown) == {"o1", "c1"}


def test_row_of_a_group_lists_its_cases(page, tmp_path) -> None:
    sites = {"c1": "north", "c2": "south", "o1": "north", "o2": "south", "o3": "south"}
    cases = tuple(replace(case, facts={"site": sites[case.case_id]}) for case in lung_cases())
    number = {"value": 0.5, "ci95": [0.1, 0.9]}
    groups = {"site": {site: {"n_cases": n, "metrics": {"auc": number}} for site, n in (("north", 2), ("south", 3))}}
    page.show_results(Results({**DOCUMENT, "subgroups": groups}, cases, tmp_path))
    page.views.buttons["Groups"].click()
    page.groups.table.setCurrentCell(1, 0)
    assert set(page.cases.shown) == {"c2", "o2", "o3"}
    assert "site: south" in page.list_title.text()


def test_labels_have_numbers_and_cases_but_no_curves(page, tmp_path) -> None:
    cases = tuple(ScoredCase(f"h{n}", numbers={"dice:head": 0.5 + n / 10}) for n in range(4))
    page.show_results(Results({**DOCUMENT, "per_class": {}}, cases, tmp_path))
    assert page.views.buttons["Numbers"].isVisible()
    assert not page.views.buttons["ROC"].isVisible()
    assert page.cases.shown == ("h0", "h1", "h2", "h3")


def test_many_classes_scroll_instead_of_being_cut(page, tmp_path) -> None:
    names = [f"finding {n}" for n in range(14)]
    scores = dict(zip(names, np.full(14, 1 / 14), strict=True))
    cases = tuple(ScoredCase(name, truth=(name,), decided=(names[0],), scores=scores) for name in names)
    page.show_results(Results(DOCUMENT, cases, tmp_path))
    page.views.buttons["Confusion"].click()
    assert page.width() <= 420
    assert page.confusion.matrix.columnCount() == 14


def test_case_of_a_folder_opens_with_what_data_and_model_say(workbench, pictures, tmp_path, until) -> None:
    (pictures / "labels.csv").write_text(
        "path,label,split\n" + "".join(f"disc-{n}.png,{'left' if n < 2 else 'right'},test\n" for n in range(4)),
        encoding="utf-8",
    )
    folder = tmp_path / "results"
    folder.mkdir()
    spec = {"command": "evaluate", "options": {"model": "nobody", "data": str(pictures / "labels.csv")}}
    document = {**DOCUMENT, "task": "classify", "spec": spec}
    (folder / "metrics.json").write_text(json.dumps(document), encoding="utf-8")
    rows = "".join(f"disc-{n},disc-{n},{'left' if n < 2 else 'right'},left,0.8,0.2\n" for n in range(4))
    (folder / "cases.csv").write_text(
        f"case_id,group_id,truth,decided,score:left,score:right\n{rows}", encoding="utf-8"
    )
    workbench.show_tab("Evaluate")
    workbench.evaluate.open_folder(folder)
    until(lambda: workbench.evaluate.results.results is not None)
    page = workbench.evaluate.results
    page.confusion.matrix.setCurrentCell(1, 0)
    assert page.cases.shown == ("disc-2", "disc-3")
    page.cases.open_first()
    until(lambda: workbench.session.image is not None)
    assert workbench.session.image_layer.name == "disc-2"
    assert "data: right (test)" in workbench.notes.text("scores")
