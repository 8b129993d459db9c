"""Batch: a model over a whole folder, and its answers, the doubtful ones first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QTabWidget, QWidget

from napari_medclf.ui.batch.run_page import RunPage
from napari_medclf.ui.batch.triage_page import TriagePage
from napari_medclf.ui.layout import column, scrolled
from napari_medclf.ui.session import Session
from napari_medclf.ui.shelf import Shelf


class BatchPanel(QWidget):
    """Two pages: what to run, and what came out.

    Parameters
    ----------
    session : callable
        Gives the window in which cases are opened; asked when the first of them is.
    """

    def __init__(self, shelf: Shelf, session: Callable[[], Session], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = column(self)
        self.pages = QTabWidget(self)
        self.pages.setDocumentMode(True)
        self.pages.tabBar().setDrawBase(False)
        self.triage = TriagePage(shelf, session, self)
        self.run_page = RunPage(shelf, self.triage.watch.lane, self)
        self._triage_tab = scrolled(self.triage)  # each page scrolls by itself, as one is much higher than the other
        self.pages.addTab(scrolled(self.run_page), "Plan and run")
        self.pages.addTab(self._triage_tab, "Triage")
        layout.addWidget(self.pages, 1)
        self.run_page.begun.connect(self._on_begun)
        self.run_page.ended.connect(self._on_ended)
        self.triage.go_on_wanted.connect(self.run_page.go_on)
        self.model, self.form = self.run_page.model, self.run_page.form
        self.start, self.dry_run, self.message = self.run_page.start, self.run_page.dry_run, self.run_page.message

    def run(self) -> bool:
        """Begin the run the form describes."""
        return self.run_page.run()

    def show_triage(self) -> None:
        """Bring the answers to the front."""
        self.pages.setCurrentWidget(self._triage_tab)

    def close_down(self) -> None:
        """Stop what is read in the background."""
        self.triage.close_down()

    def _on_begun(self, out: Path) -> None:
        self.triage.wait_for(out)
        self.show_triage()

    def _on_ended(self, out: Path) -> None:
        self.triage.end_waiting(out)
