"""The painting tools: napari's own modes, and ours that work in millimetres and look at the image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QPushButton, QWidget

from napari_medclf.domain.geometry import Unit
from napari_medclf.engine.correct.tools import Tool
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.tool_mouse import ToolMouse
from napari_medclf.ui.correct.tool_options import ToolOptionsView
from napari_medclf.ui.layout import button, column
from napari_medclf.ui.session import Session

_MODES = (("Paint", "paint"), ("Erase", "erase"), ("Fill", "fill"), ("Pick", "pick"), ("Move", "pan_zoom"))
_TOOLS = (
    ("Ball", Tool.BALL, "A brush in millimetres, in the slice or in 3D"),
    ("Smart", Tool.SMART, "A brush that stops at edges"),
    ("Range", Tool.RANGE, "A brush that paints a range of values only"),
    ("Piece", Tool.PIECE, "Fill, erase or keep a connected piece"),
    ("Split", Tool.SPLIT, "Split an object in two"),
    ("Merge", Tool.MERGE, "Make one object of several"),
)
_OF_OBJECTS = frozenset({Tool.SPLIT, Tool.MERGE})


class ToolRow(QWidget):
    """Chooses what the mouse does on the labels."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.options = ToolOptionsView(session.settings, self)
        self.mouse = ToolMouse(session, self.options.read, self)
        self.group, self.tools = QButtonGroup(self), QButtonGroup(self)
        self.tools.setExclusive(False)  # one may be let go of
        layout = column(self, margin=0, spacing=4)
        layout.addLayout(self._mode_row())
        layout.addLayout(self._tool_row())
        layout.addWidget(self.options)
        self.between = button(
            "Fill the slices between",
            "Make the shapes between the slices you painted (shape-based interpolation)",
            self._interpolate,
            self,
        )
        layout.addWidget(self.between)
        self.mouse.chosen.connect(self.refresh)
        self.mouse.sampled.connect(self.options.show_range)
        self.options.changed.connect(self.mouse.show_size)

    def refresh(self) -> None:
        """Show which tool is chosen; none can be without labels."""
        self.mouse.follow()
        labels, tool = self._session.labels_layer, self.mouse.tool
        self.group.setExclusive(False)  # an exclusive group would keep one checked
        for one in self.group.buttons():
            one.setEnabled(labels is not None)
            is_mode = labels is not None and tool is None and str(labels.mode) == one.property("mode")
            one.setChecked(is_mode)
        self.group.setExclusive(tool is None)
        info = None if labels is None else viewer_link.info_of(labels)
        segmentation = None if info is None else info.segmentation
        has_objects = segmentation is not None and segmentation.is_instances
        for one in self.tools.buttons():
            known = Tool(one.property("tool"))
            one.setEnabled(segmentation is not None and (has_objects or known not in _OF_OBJECTS))
            one.setChecked(tool is known)
        self.between.setEnabled(info is not None and not info.frame.is_flat)
        self.options.show_tool(tool)
        if info is not None:
            self.options.show_unit("mm" if info.geometry.unit is Unit.MILLIMETRE else "px")

    def drop(self) -> bool:
        """Put our tool away, and let the mouse move the image again; False where none was in use."""
        if self.mouse.tool is None:
            return False
        self.mouse.choose(None)
        return True

    def _mode_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        for text, mode in _MODES:
            tool = self._toggle(text, f"{text} on the labels layer", partial(self._set_mode, mode))
            tool.setProperty("mode", mode)
            self.group.addButton(tool)
            row.addWidget(tool, 1)
        return row

    def _tool_row(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(4)
        for position, (text, tool, tooltip) in enumerate(_TOOLS):
            made = self._toggle(text, tooltip, partial(self._choose, tool))
            made.setProperty("tool", str(tool))
            self.tools.addButton(made)
            grid.addWidget(made, 0, position)
        return grid

    def _toggle(self, text: str, tooltip: str, on_click: Callable[[], None]) -> QPushButton:
        made = button(text, tooltip, on_click, self)
        made.setCheckable(True)
        made.setMinimumWidth(40)
        return made

    def _set_mode(self, mode: str) -> None:
        layer = self._session.labels_layer
        if layer is None:
            notify.warn("There are no labels to paint on yet: run a model, or make new labels below.")
            return
        self.mouse.choose(None)
        self._session.viewer.layers.selection.active = layer
        layer.mode = mode
        self.refresh()

    def _choose(self, tool: Tool) -> None:
        self.mouse.choose(None if self.mouse.tool is tool else tool)

    def _interpolate(self) -> None:
        if not self.mouse.run(Tool.INTERPOLATE):
            notify.warn("There are no labels to fill yet: paint a class in two slices first.")
