"""One widget for one option: knows its type, limits and unit, and speaks its value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

from napari_medclf.domain.options import OptionInfo
from napari_medclf.ui.path_field import PathField

_AUTOMATIC = "automatic"
_WHOLE_LIMIT, _REAL_LIMIT = 2_000_000_000, 1e9


@dataclass(frozen=True)
class Field:
    """A widget with a way to read, to write and to watch its value."""

    widget: QWidget
    value: Callable[[], Any]
    set_value: Callable[[Any], None]
    on_change: Callable[[Callable[[], None]], None]


def make_field(info: OptionInfo, parent: QWidget, *, is_folder: bool = False) -> Field:
    """Choose the widget for an option and set it to the option's default."""
    if is_folder and info.kind is Path and not info.is_many:
        field = _path_field(info, parent, files=False)
    else:
        field = _choose(info)(info, parent)
    if info.default is not MISSING:
        field.set_value(info.default)
    return field


def _choose(info: OptionInfo) -> Callable[[OptionInfo, QWidget], Field]:
    if info.is_many:
        return _many_field
    if info.choices or issubclass(info.kind, Enum):
        return _choice_field
    if info.is_optional and info.kind is bool:
        return _maybe_field
    by_kind = {bool: _check_field, int: _whole_field, float: _real_field, Path: _path_field}
    return by_kind.get(info.kind, _text_field)


def _check_field(info: OptionInfo, parent: QWidget) -> Field:
    box = QCheckBox(parent)
    return Field(box, box.isChecked, lambda value: box.setChecked(bool(value)), lambda call: _watch(box.toggled, call))


def _maybe_field(info: OptionInfo, parent: QWidget) -> Field:
    box = QComboBox(parent)
    for text, value in ((_AUTOMATIC, None), ("yes", True), ("no", False)):
        box.addItem(text, value)
    return Field(
        box,
        box.currentData,
        lambda value: box.setCurrentIndex(box.findData(value)),
        lambda call: _watch(box.currentIndexChanged, call),
    )


def _whole_field(info: OptionInfo, parent: QWidget) -> Field:
    box = QSpinBox(parent)
    lowest = int(info.minimum) if info.minimum is not None else -_WHOLE_LIMIT
    highest = int(info.maximum) if info.maximum is not None else _WHOLE_LIMIT
    return _number_field(info, box, lowest, highest, step=1)


def _real_field(info: OptionInfo, parent: QWidget) -> Field:
    box = QDoubleSpinBox(parent)
    box.setDecimals(2)
    lowest = info.minimum if info.minimum is not None else -_REAL_LIMIT
    highest = info.maximum if info.maximum is not None else _REAL_LIMIT
    return _number_field(info, box, lowest, highest, step=0.05 if highest <= 1 else 1.0)


def _number_field(
    info: OptionInfo, box: QSpinBox | QDoubleSpinBox, lowest: float, highest: float, *, step: float
) -> Field:
    if info.is_optional:  # one step below the lowest value stands for None
        lowest -= step
        box.setSpecialValueText(_AUTOMATIC)
    box.setRange(lowest, highest)
    box.setSingleStep(step)
    if info.unit:
        box.setSuffix(f" {info.unit}")
    box.setMinimumWidth(90)

    def value() -> Any:
        return None if info.is_optional and box.value() == box.minimum() else info.kind(box.value())

    def set_value(new: Any) -> None:
        box.setValue(box.minimum() if new is None else info.kind(new))

    return Field(box, value, set_value, lambda call: _watch(box.valueChanged, call))


def _choice_field(info: OptionInfo, parent: QWidget) -> Field:
    box = QComboBox(parent)
    if info.is_optional:
        box.addItem(_AUTOMATIC, None)
    if issubclass(info.kind, Enum):
        for member in info.kind:
            if not info.choices or member.value in info.choices:
                box.addItem(str(member.value), member)
    else:
        for choice in info.choices:
            box.addItem(choice, choice)

    def set_value(new: Any) -> None:
        text = _AUTOMATIC if new is None else str(new.value if isinstance(new, Enum) else new)
        index = box.findText(text)
        if index >= 0:
            box.setCurrentIndex(index)

    return Field(box, box.currentData, set_value, lambda call: _watch(box.currentIndexChanged, call))


def _text_field(info: OptionInfo, parent: QWidget) -> Field:
    line = QLineEdit(parent)
    if info.is_optional:
        line.setPlaceholderText(_AUTOMATIC)

    def value() -> str | None:
        text = line.text().strip()
        return None if info.is_optional and not text else text

    return Field(
        line,
        value,
        lambda new: line.setText("" if new is None else str(new)),
        lambda call: _watch(line.textChanged, call),
    )


def _path_field(info: OptionInfo, parent: QWidget, *, files: bool = True) -> Field:
    chooser = PathField(parent, files=files)
    if info.is_optional:
        chooser.line.setPlaceholderText("none")

    def value() -> Path | None:
        path = chooser.path()
        return path if path is not None or info.is_optional else Path()

    return Field(chooser, value, chooser.set_path, lambda call: _watch(chooser.line.textChanged, call))


def _many_field(info: OptionInfo, parent: QWidget) -> Field:
    line = QLineEdit(parent)
    line.setPlaceholderText("separated by ;" if info.kind is Path else "separated by commas")
    separator = ";" if info.kind is Path else ","

    def value() -> Any:
        parts = [part.strip() for part in line.text().split(separator) if part.strip()]
        return None if info.is_optional and not parts else tuple(info.kind(part) for part in parts)

    def set_value(new: Any) -> None:
        line.setText(f"{separator} ".join(str(getattr(one, "value", one)) for one in new or ()))

    return Field(line, value, set_value, lambda call: _watch(line.textChanged, call))


def _watch(signal: Any, call: Callable[[], None]) -> None:
    signal.connect(lambda *_: call())
