"""Data: images to work on, and labelled data to learn from."""

from __future__ import annotations

from qtpy.QtWidgets import QTabWidget, QWidget

from napari_medclf.domain.card import Task
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.ui.dataset.page import DatasetPage
from napari_medclf.ui.layout import column
from napari_medclf.ui.panels.data import DataPanel
from napari_medclf.ui.people.panel import PeoplePanel
from napari_medclf.ui.prepare.page import PreparePage
from napari_medclf.ui.session import Session
from napari_medclf.ui.worklist.panel import WorklistPanel


class DataTab(QWidget):
    """The pages of the Data tab."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = column(self)
        self.pages = QTabWidget(self)
        self.pages.setDocumentMode(True)
        self.pages.tabBar().setDrawBase(False)
        self.images = DataPanel(session, self)
        self.dataset = DatasetPage(session, self)
        self.pages.addTab(self.images, "Images")
        self.worklist = WorklistPanel(session, self)
        self.pages.addTab(self.worklist, "Work list")
        self.people = PeoplePanel(session, self)
        self.pages.addTab(self.people, "People")
        self.prepare = PreparePage(session, self._meaning, self)
        self.pages.addTab(self.dataset, "Data set")
        self.pages.addTab(self.prepare, "Preview")
        layout.addWidget(self.pages, 1)

    def _meaning(self) -> tuple[LabelSchema, Task] | None:
        opened = self.dataset.opened
        return None if opened is None else (opened.dataset.schema, opened.dataset.task)

    def close_down(self) -> None:
        """Stop what is read in the background."""
        self.images.close_down()
        self.dataset.close_down()
