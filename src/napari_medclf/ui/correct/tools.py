"""The row of painting tools."""

from __future__ import annotations

from functools import partial

from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from napari_medclf.ui import notify
from napari_medclf.ui.layout import button
from napari_medclf.ui.session import Session

_MODES = (("Paint", "paint"), ("Erase", "erase"), ("Fill", "fill"), ("Pick", "pick"), ("Move", "pan_zoom"))


class ToolRow(QWidget):
    """Chooses what the mouse does on the labels."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.group = QButtonGroup(self)
        for text, mode in _MODES:
            tool = button(text, f"{text} on the labels layer", partial(self._set_mode, mode), self)
            tool.setCheckable(True)
            tool.setProperty("mode", mode)
            tool.setMinimumWidth(40)
            self.group.addButton(tool)
            row.addWidget(tool, 1)

    def refresh(self) -> None:
        """Show which tool is chosen; none can be without labels."""
        labels = self._session.labels_layer
        for tool in self.group.buttons():
            tool.setEnabled(labels is not None)
            tool.setChecked(labels is not None and str(labels.mode) == tool.property("mode"))

    def _set_mode(self, mode: str) -> None:
        layer = self._session.labels_layer
        if layer is None:
            notify.warn("There are no labels to paint on yet: run a model, or make new labels below.")
            return
        self._session.viewer.layers.selection.active = layer
        layer.mode = mode
