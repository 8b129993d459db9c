"""The part of the Train tab about corrections: learn, the two numbers, and the time line of the model."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QWidget

from napari_medclf.jobs.adapt.revise import Moment
from napari_medclf.ui.adapt.card import VerdictCard
from napari_medclf.ui.adapt.learning import Learning
from napari_medclf.ui.adapt.plots import Dot, DotPlot
from napari_medclf.ui.layout import button, column, heading
from napari_medclf.ui.tables import ResultsTable

_LOOK_EVERY_MS = 30_000
_IDLE_LOOKS = 10
"""The mouse rests for five minutes: nobody is working."""
_COLUMNS = ("", "revision", "by", "cases", "measured", "before", "after", "verdict")


class AdaptPage(QWidget):
    """Learn from what was corrected, and see what it was worth."""

    def __init__(self, learning: Learning, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._learning = learning
        layout = column(self, margin=0)
        layout.addWidget(heading("Learn from corrections", self))
        layout.addLayout(self._buttons())
        self.card = VerdictCard(learning, self)
        layout.addWidget(self.card)
        layout.addLayout(self._plots())
        self.table = ResultsTable(self)
        layout.addWidget(self.table)
        self._idle = _Idle(self._when_idle, self)
        learning.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the revisions and the two numbers anew."""
        worth, is_running = self._learning.worth, self._learning.is_running
        self.quick.setEnabled(not is_running)
        self.full.setEnabled(not is_running)
        self.back.setEnabled(not is_running and any(one.is_current and one.revision.parent_id for one in worth.moments))
        measured = [one for one in worth.moments if one.main is not None]
        name = measured[-1].main.name if measured and measured[-1].main else "score"
        self.scores.show_dots(score_dots(worth.moments), f"{name} on the hold-out")
        self.seconds.show_dots([Dot(one.case_id, one.active_s) for one in worth.efforts if one.active_s > 0])
        gains = [(one, one.per_minute) for one in worth.gains]
        self.gains.show_dots([Dot(_short(one.revision_id), value) for one, value in gains if value is not None])
        self.table.show_rows(_COLUMNS, [_row(one) for one in reversed(worth.moments)])
        self.table.setVisible(bool(worth.moments))

    def _buttons(self) -> QGridLayout:
        grid, learning = QGridLayout(), self._learning
        self.quick = button("Quick adapt   (F)", "All weights in few, large steps: seconds", learning.quick_adapt, self)
        self.full = button("Full fine-tune", "All weights: minutes, in the background", learning.fine_tune, self)
        self.back = button("Earlier model", "Use the revision that was used before", learning.go_back, self)
        self.when_idle = QCheckBox("Fine-tune when nobody works", self)
        self.when_idle.setToolTip("Begins after the mouse has rested for five minutes, once for every new correction")
        grid.addWidget(self.quick, 0, 0)
        grid.addWidget(self.full, 0, 1)
        grid.addWidget(self.back, 1, 0)
        grid.addWidget(self.when_idle, 1, 1)
        return grid

    def _plots(self) -> QGridLayout:
        self.scores = DotPlot("score on the hold-out", "The time line begins with the first verdict.", self)
        self.seconds = DotPlot("seconds a case", "No time was taken yet.", self)
        self.gains = DotPlot("gain a minute", "No gain was measured yet.", self)
        grid = QGridLayout()
        grid.addWidget(self.scores, 0, 0, 1, 2)
        row = QHBoxLayout()
        row.addWidget(self.seconds)
        row.addWidget(self.gains)
        grid.addLayout(row, 1, 0, 1, 2)
        return grid

    def _when_idle(self) -> None:
        worth = self._learning.worth
        finished = {one.case_id for one in worth.efforts}
        tuned = [one.data for one in worth.moments if one.data and one.revision.learned_by.value == "fine-tune"]
        known = {name.rpartition(":")[0] for data in tuned for name in data.annotations}
        is_undecided = self._learning.result is not None and not self._learning.is_accepted
        if self.when_idle.isChecked() and finished - known and not self._learning.is_running and not is_undecided:
            self._learning.fine_tune()


class _Idle(QTimer):
    """Looks now and then whether the mouse moved, which costs nothing; an event filter would see every event."""

    def __init__(self, on_idle: object, parent: QWidget) -> None:
        super().__init__(parent)
        self._on_idle, self._place, self._n_still = on_idle, QCursor.pos(), 0
        self.setInterval(_LOOK_EVERY_MS)
        self.timeout.connect(self.look)
        self.start()

    def look(self) -> None:
        """Compare where the mouse is with where it was."""
        place = QCursor.pos()
        self._n_still = self._n_still + 1 if place == self._place else 0
        self._place = place
        if self._n_still == _IDLE_LOOKS and callable(self._on_idle):
            self._on_idle()


def score_dots(moments: tuple[Moment, ...]) -> list[Dot]:
    """Draw what each measured revision has on the hold-out; its interval is that of the difference to its parent."""
    dots = []
    for one in moments:
        main = one.main
        if main is None:
            continue
        spread = None if main.ci95 is None else (main.before + main.ci95[0], main.before + main.ci95[1])
        is_bad = one.revision.verdict is not None and one.revision.verdict.judgement.value == "worse"
        dots.append(Dot(_short(one.revision.revision_id), main.after, spread, one.is_current, is_bad))
    return dots


def _row(moment: Moment) -> tuple[str, ...]:
    made, main = moment.revision, moment.main
    numbers = (main.name, f"{main.before:.3f}", f"{main.after:.3f}") if main else ("", "", "")
    n_cases = str(len(moment.data.annotations)) if moment.data else ""
    said = "" if made.verdict is None else made.verdict.judgement.value
    worse = ", worse in part" if made.verdict is not None and made.verdict.worse_in else ""
    return (
        "in use" * moment.is_current,
        _short(made.revision_id),
        made.learned_by.value,
        n_cases,
        *numbers,
        said + worse,
    )


def _short(revision_id: str) -> str:
    return revision_id.partition("-")[0]
