"""The same numbers for parts of the patients; a row lists its cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.ui.evaluation.class_choice import ClassChoice
from napari_medclf.ui.evaluation.numbers import is_metric
from napari_medclf.ui.evaluation.scored import Results, ScoredCase
from napari_medclf.ui.evaluation.views import View
from napari_medclf.ui.layout import note
from napari_medclf.ui.measure_names import measure_text
from napari_medclf.ui.tables import ResultsTable

_FIRST = ("auc", "accuracy", "dice", "ap50", "mae", "map50")


class GroupsView(View):
    """A table by sex, site, age or whatever the data tells of its cases."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self.fact, self.measure = ClassChoice("By", self), ClassChoice("Number", self)
        self.fact.changed.connect(lambda name: self._show())
        self.measure.changed.connect(lambda name: self._show())
        self.table = ResultsTable(self, most_rows=12)
        self.table.currentCellChanged.connect(lambda row, *rest: self._on_row(row))
        self.explanation = note("Choose a row to list its cases.", self)
        for widget in (self.fact, self.measure, self.table, self.explanation):
            self._column.addWidget(widget)

    def show_results(self, results: Results) -> None:
        """Show the facts that the document tells apart."""
        self._results = None  # nothing is drawn while the choices are filled
        groups = results.document.get("subgroups") or {}
        self.fact.show_names(list(groups))
        self.measure.show_names(measures_of(groups))
        self._results = results
        self._show()

    def _show(self) -> None:
        if self._results is None:
            return
        groups = (self._results.document.get("subgroups") or {}).get(self.fact.name) or {}
        self.table.blockSignals(True)
        self.table.show_rows(
            [self.fact.name, "cases", measure_text(self.measure.name), "95 % interval"],
            group_rows(groups, self.measure.name),
        )
        self.table.setCurrentCell(-1, -1)
        self.table.blockSignals(False)

    def _on_row(self, row: int) -> None:
        if self._results is None or row < 0:
            return
        value = self.table.item(row, 0).text()
        cases = cases_by(self.fact.name, self._results.cases).get(value, ())
        self.picked.emit(f"{self.fact.name}: {value}", tuple(cases), "")


def measures_of(groups: Mapping[str, Any]) -> list[str]:
    """List the numbers that any group has, those that people ask for first."""
    parts = [part for values in groups.values() for part in values.values()]
    known = dict.fromkeys(name for part in parts for name, one in part["metrics"].items() if is_metric(one))
    first = [name for name in _FIRST if name in known]
    return [*first, *(name for name in known if name not in first and "/" not in name)]


def group_rows(groups: Mapping[str, Any], name: str) -> list[tuple[str, int, str, str]]:
    """List (value of the fact, cases, number, interval); a number that is not defined says why."""
    rows = []
    for value, part in groups.items():
        metric = part["metrics"].get(name) or {}
        interval, number = metric.get("ci95"), metric.get("value")
        reason = str((part.get("undefined") or {}).get(name, "")) if number is None else ""
        told = f"{interval[0]:.3f} – {interval[1]:.3f}" if interval and None not in interval else reason
        rows.append((value, int(part["n_cases"]), "–" if number is None else f"{number:.3f}", told))
    return rows


def cases_by(fact: str, cases: tuple[ScoredCase, ...]) -> Mapping[str, list[ScoredCase]]:
    """Part cases by a fact, as the evaluation parted them."""
    from napari_medclf.jobs.evaluation.subgroups import part_by

    parts: Mapping[str, Any] = part_by(fact, cases)
    return parts
