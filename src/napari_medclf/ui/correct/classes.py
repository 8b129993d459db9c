"""The classes with their keys: of the labels that are painted on, or of the whole image."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.ui.session import Session

_SWATCH_PX = 14
_MOST_ROWS = 7


class ClassList(QListWidget):
    """Shows which class is painted with, or which classes the image was given; a click is the class's key."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setIconSize(QSize(_SWATCH_PX, _SWATCH_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.itemClicked.connect(lambda item: session.press_class(self.row(item) + 1))

    def refresh(self) -> None:
        """Show the classes of what is meant now."""
        session = self._session
        self.clear()
        if session.schema is None:
            has_boxes = session.boxes_layer is not None
            item = QListWidgetItem("No labels." if has_boxes else "Run a model, or make new labels below.")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.addItem(item)
        else:
            self._show(session.schema, session.labels_layer)
        self._fit()

    def _show(self, schema: LabelSchema, labels: Any) -> None:
        person = self._session.person_classes or ()
        for number, one in enumerate(schema.foreground if labels is not None else schema.classes, start=1):
            is_chosen = labels.selected_label == one.value if labels is not None else one.name in person
            item = QListWidgetItem(swatch(one.colour), f"{number if number < 10 else ' '}   {one.name}")
            self.addItem(item)
            if is_chosen:
                item.setText(f"{item.text()}   ●")
                self.setCurrentItem(item)

    def _fit(self) -> None:
        """Take the height of the rows, so that a model with two classes leaves room for the tools."""
        rows = min(max(self.count(), 1), _MOST_ROWS)
        self.setFixedHeight(rows * max(self.sizeHintForRow(0), _SWATCH_PX + 2) + 2 * self.frameWidth() + 2)


def swatch(colour: str) -> QIcon:
    """Draw a small square in a class's colour."""
    pixmap = QPixmap(_SWATCH_PX, _SWATCH_PX)
    pixmap.fill(QColor(colour))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # else Qt tints it in the colour of the selection
    return icon
