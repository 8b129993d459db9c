"""What can be chosen for the painting tool at hand, and a sentence that says how it works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.options import OptionInfo, option_fields
from napari_medclf.engine.correct.tools import Tool, ToolOptions
from napari_medclf.ui.fields import make_field
from napari_medclf.ui.layout import column, note
from napari_medclf.ui.settings import Settings

_NAMES = {
    "radius_mm": "Radius",
    "is_ball": "In 3D",
    "keeps_others": "Keep other classes",
    "tolerance": "Tolerance (SD)",
    "uses_model": "Follow the model",
    "low": "From",
    "high": "To",
    "piece": "The piece",
    "in_slice": "This slice only",
}
_BRUSH = ("radius_mm", "is_ball", "keeps_others")
_SHOWN: Mapping[Tool, tuple[str, ...]] = {
    Tool.BALL: _BRUSH,
    Tool.SMART: (*_BRUSH, "tolerance", "uses_model"),
    Tool.RANGE: (*_BRUSH, "low", "high"),
    Tool.PIECE: ("piece", "in_slice"),
    Tool.SPLIT: ("in_slice",),
    Tool.MERGE: (),
}
_HINTS: Mapping[Tool, str] = {
    Tool.BALL: "Paints the class in millimetres. Shift erases.",
    Tool.SMART: "Paints what is under the circle and looks like its middle. Shift erases so.",
    Tool.RANGE: "Paints values within the limits. Ctrl+click takes the limits from under the circle, Shift erases.",
    Tool.PIECE: "Click a connected piece of labels, or a closed hole.",
    Tool.SPLIT: "Click an object to split it at its waist, or draw a line across it.",
    Tool.MERGE: "Draw from one object into others; all get the number of the first.",
}


class ToolOptionsView(QWidget):
    """The options of one tool at a time; they are remembered.

    Signals
    -------
    changed : something was chosen.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        layout = column(self, margin=0, spacing=4)
        self.hint = note("", self)
        layout.addWidget(self.hint)
        self._rows: dict[str, QWidget] = {}
        self.fields = {info.name: make_field(info, self) for info in option_fields(ToolOptions)}
        for info in option_fields(ToolOptions):
            layout.addWidget(self._row(info))
        self._remember(settings.section("tools"))
        for field in self.fields.values():
            field.on_change(self._on_change)
        self.show_tool(None)

    def read(self) -> ToolOptions:
        """What is chosen.

        Raises
        ------
        OptionError
            If a value is outside of its limits.
        """
        return ToolOptions(**{name: field.value() for name, field in self.fields.items()})

    def show_tool(self, tool: Tool | None) -> None:
        """Show the options of a tool; None hides all."""
        names = () if tool is None else _SHOWN[tool]
        for name, row in self._rows.items():
            row.setVisible(name in names)
        self.hint.setText("" if tool is None else _HINTS[tool])
        self.setVisible(tool is not None)

    def show_range(self, low: float, high: float) -> None:
        """Take over limits that were sampled from the image."""
        self.fields["low"].set_value(low)
        self.fields["high"].set_value(high)

    def show_unit(self, unit: str) -> None:
        """Say what the radius is counted in."""
        box = self.fields["radius_mm"].widget
        if isinstance(box, QDoubleSpinBox):
            box.setSuffix(f" {unit}")

    def _row(self, info: OptionInfo) -> QWidget:
        row = QWidget(self)
        inside = QHBoxLayout(row)
        inside.setContentsMargins(0, 0, 0, 0)
        label = QLabel(_NAMES[info.name], row)
        label.setMinimumWidth(120)
        inside.addWidget(label)
        inside.addWidget(self.fields[info.name].widget, 1)
        for widget in (label, self.fields[info.name].widget):
            widget.setToolTip(info.help[:1].upper() + info.help[1:])
        self._rows[info.name] = row
        return row

    def _remember(self, known: Mapping[str, Any]) -> None:
        """Show what was chosen last time, as far as it still may be."""
        defaults = ToolOptions()
        for name, field in self.fields.items():
            default = getattr(defaults, name)
            try:
                field.set_value(type(default)(known.get(name, default)))
            except (ValueError, TypeError):
                field.set_value(default)

    def _on_change(self) -> None:
        try:
            chosen = self.read()
        except MedclfError:
            return
        self._settings.set("tools", **{name: getattr(chosen, name) for name in self.fields})
        self.changed.emit()
