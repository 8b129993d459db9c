"""A plan as a person reads it: how many, how long, how much memory, and every case with its reason."""

from __future__ import annotations

from collections import Counter

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QWidget

from napari_medclf.domain.run import CaseStatus
from napari_medclf.jobs.batch.planned import BatchPlan, PlannedCase
from napari_medclf.ui.batch.plan_table import PlanTable, is_odd
from napari_medclf.ui.batch.rows import is_refused
from napari_medclf.ui.batch.words import bytes_text, duration_text
from napari_medclf.ui.layout import banner, column, note

_TO_RUN, _REFUSED, _ODD = "will be run", "cannot be opened", "will be run, but looks odd"
_WORDS = {CaseStatus.PENDING: _TO_RUN, CaseStatus.SKIPPED: "will not be run", CaseStatus.DONE: "done before"}
_TURNS = (_TO_RUN, _REFUSED, _WORDS[CaseStatus.SKIPPED], _WORDS[CaseStatus.DONE])


class PlanView(QWidget):
    """Shows the plan of one run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[PlannedCase, ...] = ()
        layout = column(self, margin=0, spacing=6)
        self.head = note("", self)
        self.warning = banner("", self)
        self.states = QComboBox(self)
        self.states.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.states.setToolTip("Which cases are listed")
        self.states.currentIndexChanged.connect(lambda *_: self._show())
        self.table = PlanTable(self)
        for widget in (self.head, self.warning, self.states):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)

    def show_plan(self, plan: BatchPlan) -> None:
        """Show a plan in place of the one before."""
        self._rows = tuple(sorted(plan.rows, key=lambda row: _TURNS.index(word_of(row))))
        self.head.setText(plan_sentence(plan))
        self.head.setToolTip(plan.basis)
        self.warning.setText("\n".join(f"⚠ {sentence}" for sentence in plan.notes))
        self.warning.setVisible(bool(plan.notes))
        self.states.blockSignals(True)
        self.states.clear()
        self.states.addItem(f"everything in the folder ({len(plan.rows):,})", None)
        for word, count in _counts(plan).items():
            self.states.addItem(f"what {'was ' if word == _TURNS[-1] else ''}{word} ({count:,})", word)
        n_odd = sum(map(is_odd, plan.rows))
        if n_odd:
            self.states.insertItem(2, f"what {_ODD} ({n_odd:,})", _ODD)
        self.states.blockSignals(False)
        self._show()

    def _show(self) -> None:
        wanted = self.states.currentData()
        rows = [row for row in self._rows if (is_odd(row) if wanted == _ODD else wanted in (None, word_of(row)))]
        self.table.lines.show_rows(rows)


def word_of(row: PlannedCase) -> str:
    """Say what becomes of a planned case."""
    return _REFUSED if is_refused(row.record) else _WORDS[row.record.status]


def _counts(plan: BatchPlan) -> dict[str, int]:
    counts = Counter(word_of(row) for row in plan.rows)
    return {word: counts[word] for word in _TURNS if counts[word]}


def plan_sentence(plan: BatchPlan) -> str:
    """Say how many cases will be run, and what that takes."""
    counts = _counts(plan)
    n_to_run = counts.pop(_TO_RUN, 0)
    parts = [f"{n_to_run:,} {'case' if n_to_run == 1 else 'cases'} to run"]
    if plan.expected_s is not None and n_to_run:
        parts.append(f"about {duration_text(plan.expected_s)}")
    if plan.peak_bytes is not None and n_to_run:
        parts.append(f"at most {bytes_text(plan.peak_bytes)} ({bytes_text(plan.free_bytes)} free)")
    others = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    n_odd = sum(map(is_odd, plan.rows))
    odd = f"{n_odd:,} of them look{'s' if n_odd == 1 else ''} odd for this model." if n_odd else ""
    return " ".join(one for one in (f"{', '.join(parts)}.", odd, others and f"{others}.", plan.basis) if one)
