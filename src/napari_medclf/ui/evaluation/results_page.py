"""The results of an evaluation: numbers and plots above, the cases behind what is chosen below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_medclf.ui import notify
from napari_medclf.ui.cases.table import CaseTable
from napari_medclf.ui.evaluation.case_list import list_of_cases, worst_first
from napari_medclf.ui.evaluation.groups_view import GroupsView
from napari_medclf.ui.evaluation.rivals_view import RivalsView, rivals_of
from napari_medclf.ui.evaluation.scored import Results, ScoredCase
from napari_medclf.ui.evaluation.views import CalibrationView, ConfusionView, NumbersView, RocView, View
from napari_medclf.ui.layout import banner, button, column, heading, note
from napari_medclf.ui.switch import Switch

_NUMBERS, _CONFUSION, _ROC, _CALIBRATION = "Numbers", "Confusion", "ROC", "Calibration"
_GROUPS, _RIVALS = "Groups", "Rivals"
_ALL_CASES = "all, the worst first"
_CONTAMINATED = "Contaminated: the model has learned from {:,} of these cases, and the numbers are too good."


class ResultsPage(QWidget):
    """Shows the results of one evaluation.

    Signals
    -------
    case_wanted : ScoredCase
        To be opened in the viewer.
    folder_wanted : a person asks for an evaluation made earlier.
    """

    case_wanted = Signal(object)
    folder_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.results: Results | None = None
        self._cases: dict[str, ScoredCase] = {}
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        self.title = note("", self)
        self.warning = banner("", self)
        layout.addWidget(self.title)
        layout.addWidget(self.warning)
        self.learned = button("List what it learned from", "The cases that it must not be measured on",
                              self.show_learned, self)  # fmt: skip
        layout.addWidget(self.learned)
        layout.addLayout(self._buttons())
        self.learned.hide()
        self.numbers, self.confusion = NumbersView(self), ConfusionView(self)
        self.roc, self.calibration = RocView(self), CalibrationView(self)
        self.groups, self.rivals = GroupsView(self), RivalsView(self)
        self.views = Switch(
            {
                _NUMBERS: self.numbers,
                _CONFUSION: self.confusion,
                _ROC: self.roc,
                _CALIBRATION: self.calibration,
                _GROUPS: self.groups,
                _RIVALS: self.rivals,
            },
            self,
        )
        layout.addWidget(self.views)
        self.list_title = heading("", self)
        self.list_title.setWordWrap(True)
        self.cases = CaseTable(self, least_rows=4)
        self.cases.opened.connect(lambda case_id: self.case_wanted.emit(self._cases[case_id]))
        layout.addWidget(self.list_title)
        layout.addWidget(self.cases, 1)
        layout.addLayout(self._case_buttons())
        for view in (self.confusion, self.roc, self.calibration, self.groups):
            view.picked.connect(self._show_cases)
        self._show_nothing()

    def show_results(self, results: Results) -> None:
        """Show an evaluation."""
        self.results = results
        self._cases = {case.case_id: case for case in results.cases}
        self.title.setText(title_text(results.document))
        self.warning.setText(warning_text(results.document))
        self.warning.setVisible(bool(self.warning.text()))
        self.learned.setVisible(bool(learned_cases(results)))
        shown = self._views_of(results)
        for view in shown.values():
            view.show_results(results)
        self.views.set_names(tuple(shown))
        self._show_parts(True)
        self.show_all_cases()

    def show_all_cases(self) -> None:
        """List every case, the worst first."""
        if self.results is not None:
            self._show_cases(_ALL_CASES, worst_first(self.results.cases))

    def show_learned(self) -> None:
        """List the cases that the model has learned from."""
        if self.results is not None:
            self._show_cases("the model has learned from them", worst_first(learned_cases(self.results)))

    def _views_of(self, results: Results) -> dict[str, View]:
        """Choose the views that the results can fill."""
        views: dict[str, View] = {_NUMBERS: self.numbers}
        if results.classes:
            views |= {_CONFUSION: self.confusion, _ROC: self.roc, _CALIBRATION: self.calibration}
        if results.document.get("subgroups"):
            views[_GROUPS] = self.groups
        if rivals_of(results.document):
            views[_RIVALS] = self.rivals
        return views

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.report = button("Open report", "Open report.html in the browser", self._open_report, self)
        self.other = button(
            "Open results …", "Choose the folder of an evaluation made earlier", self.folder_wanted.emit, self
        )
        row.addWidget(self.report, 1)
        row.addWidget(self.other, 1)
        return row

    def _case_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.all = button("List all cases", "The worst first", self.show_all_cases, self)
        self.open = button("Open case", "Open the selected case, or the first one", self.cases.open_first, self)
        row.addWidget(self.all, 1)
        row.addWidget(self.open, 1)
        return row

    def _show_cases(self, what: str, cases: tuple[ScoredCase, ...], one_class: str = "") -> None:
        self.list_title.setText(f"{len(cases):,} cases: {what}" if len(cases) != 1 else f"1 case: {what}")
        self.cases.show_cases(list_of_cases(cases, one_class))
        self.open.setEnabled(bool(cases))
        self.all.setEnabled(what != _ALL_CASES)

    def _show_nothing(self) -> None:
        self.title.setText("Nothing was measured yet. Evaluate a model, or open results that were made earlier.")
        self._show_parts(False)

    def _show_parts(self, is_visible: bool) -> None:
        for widget in (self.report, self.views, self.list_title, self.cases, self.all, self.open):
            widget.setVisible(is_visible)

    def _open_report(self) -> None:
        if self.results is None:
            return
        path = self.results.folder / "report.html"
        if not path.is_file():
            notify.warn(f"{path} is not there any more.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            notify.warn(f"No browser could be opened. The report is {path}.")


def title_text(document: Mapping[str, Any]) -> str:
    """Say which model was measured on what."""
    cases, groups = document.get("n_cases", 0), document.get("n_groups", 0)
    of = f" of {groups:,} patients or groups" if groups != cases else ""
    model = f"{document.get('model', '?')} {document.get('model_version', '')}".strip()
    return f"{model} on {document.get('data', '?')} ({document.get('split', '?')}): {cases:,} cases{of}."


def warning_text(document: Mapping[str, Any]) -> str:
    """Say why the numbers must not be believed; empty where nothing is known against them."""
    found = document.get("contaminated") or {}
    if not found.get("n_cases"):
        return ""
    return f"⚠ {found.get('sentence') or _CONTAMINATED.format(found['n_cases'])}"


def learned_cases(results: Results) -> tuple[ScoredCase, ...]:
    """Find the measured cases that the model has learned from."""
    names = set((results.document.get("contaminated") or {}).get("cases") or ())
    return tuple(case for case in results.cases if case.case_id in names)
