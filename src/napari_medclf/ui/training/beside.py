"""Simpler models beside the one that was trained, on the same validation cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layout import banner, heading
from napari_medclf.ui.tables import ResultsTable

_MOST_NUMBERS = 3
_FIRST = ("auc", "accuracy", "dice", "mae", "r2")


class BesideSimpler(QWidget):
    """The classic models of a training in a table, and what follows from it; hidden where there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self.verdict = banner("", self)
        self.table = ResultsTable(self, most_rows=10)
        layout.addWidget(heading("Beside simpler models", self))
        layout.addWidget(self.verdict)
        layout.addWidget(self.table)
        self.forget()

    def forget(self) -> None:
        """Hide what was shown."""
        self.hide()

    def show_model(self, package: ModelPackage, lane: Lane) -> None:
        """Read what was kept with a model, and show it."""
        lane.add("", lambda: _read(package), self._show, lambda message: None)

    def _show(self, found: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
        document, own = found
        rows = document.get("rows") or ()
        if not rows:
            return
        names = measured_names(rows)
        shown = [("this model", *(_value(own, name) for name in names))]
        shown += [(str(one.get("title") or one["name"]), *(_value(one["metrics"], name) for name in names))
                  for one in rows]  # fmt: skip
        self.table.show_rows(["validation", *(name.replace("_", " ") for name in names)], shown)
        sentence = str(document.get("sentence") or "")
        self.verdict.setText(sentence)
        self.verdict.setVisible(bool(sentence))
        self.show()


def measured_names(rows: Any) -> tuple[str, ...]:
    """Choose the numbers to show: the ones that people ask for first, of all classes together."""
    known = dict.fromkeys(name for one in rows for name in one["metrics"] if "/" not in name)
    first = [name for name in _FIRST if name in known]
    return tuple([*first, *(name for name in known if name not in first)][:_MOST_NUMBERS])


def _value(metrics: Mapping[str, Any], name: str) -> float | str:
    value = (metrics.get(name) or {}).get("value")
    return "–" if value is None else round(float(value), 3)


def _read(package: ModelPackage) -> Job[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    yield Progress(0, 0)
    path = package.folder / "docs" / "baselines.json"
    document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    own = {name.removeprefix("val/"): {"value": one.value} for name, one in package.card.metrics.items()}
    return document, own
