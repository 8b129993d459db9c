"""Other models on the same cases: the classic baseline, and the one that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.ui.evaluation.class_choice import ClassChoice
from napari_medclf.ui.evaluation.scored import Results
from napari_medclf.ui.evaluation.views import View
from napari_medclf.ui.layout import banner, note
from napari_medclf.ui.measure_names import measure_text
from napari_medclf.ui.tables import ResultsTable

_BASELINE, _AGAINST = "the classic baseline", "the other model"
_KEYS = {_BASELINE: "baseline", _AGAINST: "against"}


class RivalsView(View):
    """What this model has more than another one, and whether that is more than chance."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._document: Mapping[str, Any] = {}
        self.choice = ClassChoice("Compared with", self)
        self.choice.changed.connect(lambda name: self._show())
        self.verdict = banner("", self)
        self.table = ResultsTable(self, most_rows=12)
        self.explanation = note("This model minus the other one, case by case, with 95 % intervals.", self)
        for widget in (self.choice, self.verdict, self.explanation, self.table):
            self._column.addWidget(widget)

    def show_results(self, results: Results) -> None:
        """Show the comparisons of a document."""
        self._document = results.document
        self.choice.show_names(rivals_of(results.document))

    def _show(self) -> None:
        found = self._document.get(_KEYS.get(self.choice.name, "")) or {}
        self.verdict.setText(f"{found.get('title') or found.get('model', '')}: {found.get('sentence', '')}")
        self.verdict.setVisible(bool(found.get("sentence")))
        self.table.show_rows(["measure", "difference", "95 % interval", "verdict"], difference_rows(found))


def rivals_of(document: Mapping[str, Any]) -> list[str]:
    """Name what the model was compared with."""
    return [name for name, key in _KEYS.items() if document.get(key)]


def difference_rows(found: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """List (measure, difference, interval, verdict) of all classes together; those of one stand in the report."""
    pairs = [pair for pair in (found.get("differences") or {}).items() if "/" not in pair[0]]
    return [
        (measure_text(name), _signed(one["value"]), _interval(one["ci95"]), str(one["verdict"])) for name, one in pairs
    ]


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _interval(ci95: Any) -> str:
    return f"{ci95[0]:+.3f} to {ci95[1]:+.3f}" if ci95 and None not in ci95 else ""
