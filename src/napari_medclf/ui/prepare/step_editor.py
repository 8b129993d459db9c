"""The steps that an image goes through, in order, and the numbers of the one that is selected."""

from __future__ import annotations

from dataclasses import MISSING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import OptionInfo
from napari_medclf.domain.preprocess_step import PreprocessStep, StepValue
from napari_medclf.domain.step_kinds import STEP_KINDS, StepGroup, StepKind, StepParameter
from napari_medclf.ui.fields import Field, make_field
from napari_medclf.ui.layout import button, note

_ROW_PX, _N_ROWS = 24, 4
# Where a step needs a number that nobody can guess: a start that a person changes.
_STARTS = {"spacing_mm": 1.0, "size_vox": 128.0, "multiple_vox": 16.0, "low": -160.0, "high": 240.0}


class StepEditor(QWidget):
    """Add, order and remove steps, and set their numbers.

    Signals
    -------
    changed : the steps are others now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps: list[PreprocessStep] = []
        self._fields: dict[str, Field] = {}
        self.kinds = self._make_kinds()
        self.list = QListWidget(self)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setSpacing(2)
        self.list.setFixedHeight(_N_ROWS * _ROW_PX)
        self.list.currentRowChanged.connect(lambda row: self._show_numbers())
        self.summary = note("", self)
        self._numbers = QWidget(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.kinds)
        layout.addWidget(self.list)
        layout.addLayout(self._buttons())
        layout.addWidget(self.summary)
        layout.addWidget(self._numbers)
        self._show(0)

    @property
    def steps(self) -> tuple[PreprocessStep, ...]:
        """The steps in their order."""
        return tuple(self._steps)

    def show_steps(self, steps: tuple[PreprocessStep, ...]) -> None:
        """Replace the steps."""
        self._steps = list(steps)
        self._show(len(self._steps) - 1)
        self.changed.emit()

    def add(self, name: str) -> None:
        """Append a step with its usual numbers, and select it."""
        kind = STEP_KINDS[name]
        given: dict[str, StepValue] = {
            one.name: _STARTS.get(one.name, one.minimum) for one in kind.parameters if one.default is None
        }
        self._steps.append(PreprocessStep(name=name, values=given))
        self._show(len(self._steps) - 1)
        self.changed.emit()

    def _make_kinds(self) -> QComboBox:
        made = QComboBox(self)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.addItem("add a step …", "")
        for kind in sorted(STEP_KINDS.values(), key=lambda one: list(StepGroup).index(one.group)):
            made.addItem(f"{kind.group.value}: {_spoken(kind.name)}", kind.name)
            made.setItemData(made.count() - 1, kind.summary, Qt.ItemDataRole.ToolTipRole)
        made.activated.connect(self._on_kind)
        return made

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.earlier = button("Earlier", "Move the selected step up", lambda: self._move(-1), self)
        self.later = button("Later", "Move the selected step down", lambda: self._move(1), self)
        self.remove = button("Remove", "Take the selected step away", self._remove, self)
        for made in (self.earlier, self.later, self.remove):
            row.addWidget(made, 1)
        return row

    def _on_kind(self, place: int) -> None:
        name = self.kinds.itemData(place)
        self.kinds.setCurrentIndex(0)
        if name:
            self.add(name)

    def _move(self, by: int) -> None:
        row = self.list.currentRow()
        if 0 <= row + by < len(self._steps) and row >= 0:
            self._steps[row], self._steps[row + by] = self._steps[row + by], self._steps[row]
            self._show(row + by)
            self.changed.emit()

    def _remove(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            del self._steps[row]
            self._show(min(row, len(self._steps) - 1))
            self.changed.emit()

    def _show(self, row: int) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems([f"{number}. {step_text(step)}" for number, step in enumerate(self._steps, start=1)])
        self.list.setCurrentRow(row)
        self.list.blockSignals(False)
        self.list.setVisible(bool(self._steps))
        for made in (self.earlier, self.later, self.remove):
            made.setVisible(bool(self._steps))
        self._show_numbers()

    def _show_numbers(self) -> None:
        row = self.list.currentRow()
        step = self._steps[row] if 0 <= row < len(self._steps) else None
        self.summary.setText("" if step is None else _sentence(step.kind))
        self.summary.setVisible(step is not None)
        self._numbers.hide()
        self._numbers.deleteLater()
        self._numbers = QWidget(self)
        self._fields = {}
        layout = QFormLayout(self._numbers)
        layout.setContentsMargins(0, 0, 0, 0)
        for parameter in () if step is None else step.kind.parameters:
            layout.addRow(*self._row(step, parameter))
        self.layout().addWidget(self._numbers)
        self._numbers.setVisible(bool(self._fields))

    def _row(self, step: PreprocessStep | None, parameter: StepParameter) -> tuple[QLabel, QWidget]:
        assert step is not None
        field = make_field(info_of(parameter), self._numbers)
        value = step.values[parameter.name]
        field.set_value(value if not parameter.is_per_axis or isinstance(value, tuple) else (value,))
        field.on_change(self._on_number)
        label = QLabel(_spoken(parameter.name), self._numbers)
        for widget in (label, field.widget):
            widget.setToolTip(parameter.help)
        self._fields[parameter.name] = field
        return label, field.widget

    def _on_number(self) -> None:
        row = self.list.currentRow()
        try:
            values = {name: field.value() for name, field in self._fields.items()}
            changed = PreprocessStep(name=self._steps[row].name, values={n: v for n, v in values.items() if v != ()})
        except (OptionError, ValueError):
            return  # a number that is being typed
        self._steps[row] = changed
        self.list.item(row).setText(f"{row + 1}. {step_text(changed)}")
        self.changed.emit()


def info_of(parameter: StepParameter) -> OptionInfo:
    """Describe a number of a step as forms and flags know options."""
    return OptionInfo(
        name=parameter.name,
        kind=int if parameter.is_whole and not parameter.is_per_axis else float,
        default=MISSING,
        help=parameter.help,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        is_many=parameter.is_per_axis,
    )


def step_text(step: PreprocessStep) -> str:
    """Write a step with its numbers in words.

    >>> step_text(PreprocessStep.parse("median:radius_vox=2"))
    'median, radius vox 2'
    """
    numbers = (f"{_spoken(name)} {_number(value)}" for name, value in step.values.items())
    return ", ".join((_spoken(step.name), *numbers))


def _number(value: float | tuple[float, ...]) -> str:
    return " × ".join(f"{one:g}" for one in (value if isinstance(value, tuple) else (value,)))


def _spoken(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def _sentence(kind: StepKind) -> str:
    return f"{kind.summary[:1].upper()}{kind.summary[1:]}."
