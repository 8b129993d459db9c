"""Simpler models beside the one that was trained, on the same validation cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layout import banner, heading
from napari_medclf.ui.measure_names import measure_text
from napari_medclf.ui.tables import ResultsTable


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
        folder = package.folder
        lane.add("", lambda: _read(folder), self._show, lambda message: None)

    def _show(self, document: Mapping[str, Any]) -> None:
        rows = baseline_rows(document)
        if not rows:
            return
        self.table.show_rows(["on validation cases", measure_text(main_number(document)), "95 % interval"], rows)
        sentence = str(document.get("sentence") or "")
        self.verdict.setText(sentence)
        self.verdict.setVisible(bool(sentence))
        self.show()


def baseline_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """List the deep model first, then the classic ones, the best of them on top."""
    name = main_number(document)
    rows = [one for one in document.get("rows") or () if name in one["metrics"]]
    deep = document.get("deep")
    ranked = sorted(rows, key=lambda one: one["name"] != document.get("best"))
    shown = [_row(f"this model ({deep['name']})", deep["metrics"].get(name))] if deep else []
    return [*shown, *(_row(str(one.get("title") or one["name"]), one["metrics"][name]) for one in ranked)]


def main_number(document: Mapping[str, Any]) -> str:
    """Name the number by which the models are compared."""
    found = (document.get("difference") or {}).get("name")
    return str(found or next((name for one in document.get("rows") or () for name in one["metrics"]), ""))


def _row(title: str, metric: Mapping[str, Any] | None) -> tuple[str, str, str]:
    value = (metric or {}).get("value")
    interval = (metric or {}).get("ci95")
    told = "–" if value is None else f"{value:.3f}"
    return title, told, f"{interval[0]:.3f} – {interval[1]:.3f}" if interval else ""


def _read(folder: Path) -> Job[Mapping[str, Any]]:
    yield Progress(0, 0)
    path = folder / "docs" / "baselines.json"
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return document
