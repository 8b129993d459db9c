"""The views of an evaluation: matrix, curve and calibration; each tells which cases lie behind what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.ui.evaluation.class_choice import ClassChoice
from napari_medclf.ui.evaluation.matrix_view import MatrixView
from napari_medclf.ui.evaluation.numbers import ALL, metric_rows
from napari_medclf.ui.evaluation.points import (
    Bin,
    Matrix,
    RocPoint,
    confusion,
    errors_at,
    hits_and_misses,
    reliability,
    roc_points,
)
from napari_medclf.ui.evaluation.scored import Results, ScoredCase
from napari_medclf.ui.evaluation.square_plot import Drawing, SquarePlot
from napari_medclf.ui.layout import note
from napari_medclf.ui.tables import ResultsTable


class View(QWidget):
    """A part of an evaluation.

    Signals
    -------
    picked : (str, tuple of ScoredCase, str)
        What was chosen, as a sentence, the cases behind it, and the class whose score matters; empty for the class
        that was said.
    """

    picked = Signal(str, object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)

    def show_results(self, results: Results) -> None:
        """Show an evaluation; nothing is chosen then."""


class NumbersView(View):
    """Every number with its interval."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: Any = {}
        self.choice = ClassChoice("Numbers of", self)
        self.choice.changed.connect(lambda name: self._show())
        self.table = ResultsTable(self, most_rows=10)
        self._column.addWidget(self.choice)
        self._column.addWidget(self.table)

    def show_results(self, results: Results) -> None:
        """Show the numbers of a document."""
        self._document = results.document
        names = [ALL, *results.document.get("per_class", {})]
        self.choice.show_names(names)
        self.choice.setVisible(len(names) > 1)

    def _show(self) -> None:
        one_class = "" if self.choice.name == ALL else self.choice.name
        self.table.show_rows(["measure", "value", "95 % interval"], metric_rows(self._document, one_class))


class ConfusionView(View):
    """Which class was taken for which."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._matrix: Matrix | None = None
        self.explanation = note("", self)
        self.matrix = MatrixView(self)
        self.matrix.chosen.connect(self._on_cell)
        self._column.addWidget(self.explanation)
        self._column.addWidget(self.matrix)

    def show_results(self, results: Results) -> None:
        """Count the cases."""
        count = confusion if results.is_exclusive else hits_and_misses
        self._matrix = count(results.cases, results.classes)
        said = "columns: what the model said" if results.is_exclusive else "columns: how it was decided"
        self.explanation.setText(f"Rows: what the data says; {said}. Choose a cell to list its cases.")
        self.matrix.show_matrix(self._matrix)

    def _on_cell(self, row: int, column: int) -> None:
        assert self._matrix is not None
        truth, said = self._matrix.rows[row], self._matrix.columns[column]
        cases = self._matrix.cells[row][column]
        is_class = said in self._matrix.rows
        if is_class:
            sentence = f"{truth}, rightly so called" if said == truth else f"{truth}, called {said}"
        else:
            sentence = f"{truth}: {said}"
        self.picked.emit(sentence, _surest_first(cases), "" if is_class else truth)


class CurveView(View):
    """A curve or dots of one class at a time; a click on a point lists cases."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self.choice = ClassChoice("Class", self)
        self.choice.changed.connect(lambda name: self._show())
        self.plot = SquarePlot("", self)
        self.plot.chosen.connect(self._on_point)
        self.explanation = note("", self)
        for widget in (self.choice, self.plot, self.explanation):
            self._column.addWidget(widget)

    def show_results(self, results: Results) -> None:
        """Draw a class; of two classes that exclude each other, the second one is shown first."""
        self._results = results
        self.choice.show_names(results.classes, wanted=results.classes[-1] if len(results.classes) == 2 else "")

    def _show(self) -> None:
        raise NotImplementedError

    def _on_point(self, place: int) -> None:
        raise NotImplementedError


class RocView(CurveView):
    """The receiver operating characteristic of a class; a point lists what would be decided wrongly there."""

    _points: tuple[RocPoint, ...] = ()

    def _show(self) -> None:
        if self._results is None:
            return
        name = self.choice.name
        self._points = roc_points(self._results.cases, name)
        if not self._points:
            self.plot.show_drawing(None, f"No curve: every case, or none, is {name}.")
            self.explanation.setText("")
            return
        points = [(1 - one.specificity, one.sensitivity) for one in self._points]
        band = band_of(self._results.document, name)
        mark = operating_point_of(self._results.document, name)
        marks = [] if mark is None else [(1 - mark.specificity, mark.sensitivity)]
        self.plot.show_drawing(Drawing("1 − specificity", "sensitivity", points, band, marks=marks))
        self.explanation.setText(_roc_text(mark))

    def _on_point(self, place: int) -> None:
        assert self._results is not None
        point, name = self._points[place], self.choice.name
        shares = f"sensitivity {point.sensitivity:.3f}, specificity {point.specificity:.3f}"
        at = "above every score" if point.threshold == float("inf") else f"{point.threshold:.3f}"
        self.explanation.setText(f"Threshold {at}: {shares}.")
        wrong = errors_at(self._results.cases, name, point.threshold)
        self.picked.emit(f"wrong for {name} at a threshold of {at}, nearest first", wrong, name)


class CalibrationView(CurveView):
    """Whether probabilities are true: of ten cases called 80 %, eight should be."""

    _bins: tuple[Bin, ...] = ()

    def _show(self) -> None:
        if self._results is None:
            return
        self._bins = reliability(self._results.cases, self.choice.name)
        points = [(one.promised, one.observed) for one in self._bins]
        self.plot.show_drawing(Drawing("probability that was said", "part that was true", points, has_dots=True))
        self.explanation.setText(
            f"Each dot stands for about {len(self._bins[0].cases)} cases. Below the line, the model is too sure of "
            f"{self.choice.name}; click on a dot to list its cases."
        )

    def _on_point(self, place: int) -> None:
        one = self._bins[place]
        sentence = f"said {100 * one.promised:.0f} % {self.choice.name}, true in {100 * one.observed:.0f} %"
        self.picked.emit(sentence, one.cases, self.choice.name)


def operating_point_of(document: Any, name: str) -> RocPoint | None:
    """Take the point that was chosen for a class; None where the document has none."""
    found = (document.get("operating_points") or {}).get(name) or {}
    sensitivity, specificity = ((found.get(kind) or {}).get("value") for kind in ("sensitivity", "specificity"))
    if sensitivity is None or specificity is None or found.get("threshold") is None:
        return None
    return RocPoint(float(found["threshold"]), float(sensitivity), float(specificity))


def _roc_text(mark: RocPoint | None) -> str:
    hint = "Click on the curve to see what a threshold there decides wrongly."
    if mark is None:
        return hint
    shares = f"sensitivity {mark.sensitivity:.3f}, specificity {mark.specificity:.3f}"
    return f"◆ chosen threshold {mark.threshold:.3f}: {shares}. {hint}"


def band_of(document: Any, name: str) -> Sequence[tuple[float, float, float]]:
    """Take the confidence band of a class's curve from the document; empty where it has none."""
    band = (((document.get("curves") or {}).get(name) or {}).get("roc") or {}).get("band") or {}
    at, low, high = band.get("at"), band.get("low"), band.get("high")
    return () if not (at and low and high) else tuple(zip(at, low, high, strict=True))


def _surest_first(cases: Sequence[ScoredCase]) -> tuple[ScoredCase, ...]:
    return tuple(sorted(cases, key=lambda case: -max(case.scores.values(), default=0.0)))
