"""A form for any options dataclass: the same fields, help, units and limits as the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import OptionInfo, option_fields
from napari_medclf.ui.fields import Field, make_field
from napari_medclf.ui.form_look import FormLook, row_label
from napari_medclf.ui.layout import folded

Options = TypeVar("Options")
_PLAIN = FormLook()


class OptionsForm(QWidget, Generic[Options]):
    """Widgets that speak an options dataclass: `read` returns one, `show_values` fills them in.

    Parameters
    ----------
    options : type
        The dataclass.
    look : FormLook
    fields : mapping of str to Field
        Widgets of the panel's own, in place of the usual ones.
    """

    changed = Signal()

    def __init__(
        self,
        options: type[Options],
        look: FormLook = _PLAIN,
        *,
        fields: Mapping[str, Field] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._options, self._look = options, look
        self._own_fields = fields or {}
        self._fields: dict[str, Field] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        rows = sorted((info for info in option_fields(options) if info.name not in look.hidden), key=_rank)
        self._first_rows = self._rows([info for info in rows if not (look.is_folded(info) or look.is_grouped(info))])
        layout.addLayout(self._first_rows)
        for title, names in look.groups.items():
            layout.addWidget(self._folded([info for info in rows if info.name in names], title))
        folded_rows = [info for info in rows if look.is_folded(info)]
        if folded_rows:
            layout.addWidget(self._folded(folded_rows, "More options"))
        self._hint()

    def insert_row(self, position: int, label: str, widget: QWidget) -> None:
        """Put a widget of the panel's own among the rows."""
        self._first_rows.insertRow(position, label, widget)

    def read(self, **decided: Any) -> Options:
        """Build the options from the widgets and from what the panel decided.

        Raises
        ------
        OptionError
            If a value is outside its limits or missing.
        """
        values = {name: field.value() for name, field in self._fields.items()} | decided
        for info in option_fields(self._options):
            if info.is_required and values.get(info.name) in (Path(), "", ()):
                raise OptionError(f"{row_label(info)} is missing: {info.help}.")
        return self._options(**values)

    def show_values(self, values: Options | Mapping[str, Any]) -> None:
        """Fill the widgets; names that the form does not have are ignored."""
        if not isinstance(values, Mapping):
            values = {info.name: getattr(values, info.name) for info in option_fields(type(values))}
        for name, value in values.items():
            if name in self._fields:
                self._fields[name].set_value(value)

    def values(self) -> dict[str, Any]:
        """Return plain values for the settings file: paths and enums as text."""
        return {name: _plain(field.value()) for name, field in self._fields.items()}

    def field(self, name: str) -> QWidget:
        """Return the widget of one option."""
        return self._fields[name].widget

    @property
    def names(self) -> tuple[str, ...]:
        """The options this form shows."""
        return tuple(self._fields)

    def _hint(self) -> None:
        for name, hint in self._look.hints.items():
            widget = self._fields[name].widget
            line = widget if isinstance(widget, QLineEdit) else widget.findChild(QLineEdit)
            line.setPlaceholderText(hint)

    def _rows(self, infos: list[OptionInfo]) -> QFormLayout:
        layout = QFormLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(10)
        layout.setVerticalSpacing(6)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for info in infos:
            field = self._own_fields.get(info.name)
            if field is None:
                field = make_field(info, self, is_folder=info.name in self._look.folders)
            field.on_change(self.changed.emit)
            label = QLabel(self._look.label(info), self)
            for widget in (label, field.widget):
                widget.setToolTip(_tooltip(info))
            self._fields[info.name] = field
            layout.addRow(label, field.widget)
        return layout

    def _folded(self, infos: list[OptionInfo], title: str) -> QCollapsible:
        content = QWidget(self)
        content.setLayout(self._rows(infos))
        return folded(content, self, title)


def _rank(info: OptionInfo) -> int:
    """Put what must be given before what may be; options keep their order otherwise."""
    if info.is_positional:
        return 0
    return 1 if info.is_required else 2


def _tooltip(info: OptionInfo) -> str:
    default = "" if info.default is MISSING or info.default in (None, "", ()) else f"\nDefault: {_plain(info.default)}"
    sentence = info.help[:1].upper() + info.help[1:]
    return f"{sentence}{default}\n({info.flag} on the command line)"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        return str(value)
    return value
