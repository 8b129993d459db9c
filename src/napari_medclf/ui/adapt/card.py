"""The verdict as a card: better or not, in numbers, and what a person may do about it."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from napari_medclf.domain.events import Progress
from napari_medclf.domain.verdict import Change, Judgement, Verdict
from napari_medclf.ui.adapt.learning import Learning
from napari_medclf.ui.layout import banner, button, column, note
from napari_medclf.ui.measure_names import measure_text
from napari_medclf.ui.tables import ResultsTable

_STEPS = 1000
_LOOKS = {
    Judgement.BETTER: ("Better", "#009E73"),
    Judgement.SAME: ("No difference shown", "#56B4E9"),
    Judgement.WORSE: ("Worse", "#D55E00"),
    Judgement.UNKNOWN: ("Not known", "#999999"),
}
"""Words as well as colours (Okabe & Ito 2008), so that nobody needs to see the colours."""
_COLUMNS = ("measured", "of", "before", "after", "difference, 95 %", "")


class VerdictCard(QWidget):
    """What runs, then the verdict with Accept and Roll back; out of sight where there is neither."""

    def __init__(self, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._learning = learning
        layout = column(self, margin=0, spacing=6)
        self.progress = _Running(learning, self)
        self.badge = QLabel("", self)
        self.sentence = note("", self)
        self.worse = banner("", self)
        self.table = ResultsTable(self)
        for one in (self.progress, self.badge, self.sentence, self.worse, self.table):
            layout.addWidget(one)
        row = QHBoxLayout()
        self.accept = button("Accept   (A)", "Use the new revision from now on", learning.accept, self)
        self.back = button("Roll back   (Z)", "Stay with, or go back to, the model as it was", learning.roll_back, self)
        row.addWidget(self.accept, 1)
        row.addWidget(self.back, 1)
        layout.addLayout(row)
        learning.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what there is."""
        learning, result = self._learning, self._learning.result
        self.progress.refresh()
        for one in (self.badge, self.sentence, self.table, self.accept, self.back):
            one.setVisible(result is not None)
        self.setVisible(result is not None or learning.is_running)
        if result is None:
            self.worse.hide()
            return
        self._show(result.verdict)
        self.accept.setEnabled(not learning.is_accepted)
        self.accept.setText("Accept all the same   (A)" if learning.asks_again else "Accept   (A)")

    def _show(self, verdict: Verdict) -> None:
        word, colour = _LOOKS[verdict.judgement]
        state = " · in use" if self._learning.is_accepted else ""
        self.badge.setText(f"{word}{state}")
        self.badge.setStyleSheet(f"QLabel {{ border-left: 6px solid {colour}; padding: 4px 8px; font-weight: bold; }}")
        self.sentence.setText(verdict.sentence)
        warning = _warning(verdict, asks_again=self._learning.asks_again)
        self.worse.setText(warning)
        self.worse.setVisible(bool(warning))
        self.table.show_rows(_COLUMNS, change_rows(verdict.changes))
        self.table.setVisible(bool(verdict.changes))


class _Running(QWidget):
    """A line that says what is learned, how far it is, and Cancel."""

    def __init__(self, learning: Learning, parent: QWidget) -> None:
        super().__init__(parent)
        self._learning = learning
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._text = QLabel("", self)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        row.addWidget(self._text, 1)
        row.addWidget(self._bar, 1)
        row.addWidget(button("Cancel", "Stop learning; the model stays what it is", learning.cancel, self))
        learning.told.connect(self._show)

    def refresh(self) -> None:
        """Be in sight while something is learned."""
        self.setVisible(self._learning.is_running)
        self._text.setText(self._learning.title)
        self._bar.setRange(0, 0)

    def _show(self, event: Progress) -> None:
        self._text.setText(event.message or self._learning.title)
        self._bar.setRange(0, _STEPS if event.total > 0 else 0)
        if event.total > 0:
            self._bar.setValue(round(_STEPS * min(event.done / event.total, 1.0)))


def change_rows(changes: Sequence[Change]) -> list[tuple[str, str, str, str, str, str]]:
    """Lay out the numbers of a verdict; of subgroups, `of` says which."""
    return [
        (
            measure_text(one.name),
            one.group or f"all {one.n_cases}",
            f"{one.before:.3f}",
            f"{one.after:.3f}",
            "" if one.ci95 is None else f"{one.ci95[0]:+.3f} – {one.ci95[1]:+.3f}",
            _LOOKS[one.judgement][0].lower(),
        )
        for one in changes
    ]


def _warning(verdict: Verdict, *, asks_again: bool) -> str:
    parts = [f"Worse in: {', '.join(verdict.worse_in)}."] if verdict.worse_in else []
    if verdict.contaminated:
        parts.append("Measured on cases that a model learned from.")
    if asks_again:
        parts.append("Press A once more to use it all the same, or Z to leave it.")
    return " ".join(parts)
