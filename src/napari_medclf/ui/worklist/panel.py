"""Work list: every case of the project with its state, filtered and in an order that a person chooses."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from napari_medclf.domain.annotation import CaseState, Status
from napari_medclf.jobs.worklist.listing import WorklistOptions, WorkRow, WorkRows
from napari_medclf.jobs.worklist.ordering import Order
from napari_medclf.ui.layout import button, column, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.session import Session
from napari_medclf.ui.tasks import WorkItem
from napari_medclf.ui.worklist.rows import GLYPHS, WorkTable
from napari_medclf.ui.worklist.tasks import ask_model, list_rows, lock_cases

_WAIT_MS = 150
_ORDERS = {
    Order.FOLDER: "as they lie",
    Order.UNCERTAINTY: "least sure first",
    Order.DIVERSITY: "most unlike first",
    Order.GAIN: "most to learn first",
    Order.RANDOM: "at random",
}
_STATUS = {
    CaseState.FLAGGED: Status.FLAGGED,
    CaseState.SKIPPED: Status.SKIPPED,
    CaseState.LOCKED: Status.LOCKED,
}


class WorklistPanel(QWidget):
    """The list, its filter and order, and what can be done with its cases.

    The order is also that of N and of the image that is read ahead.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._found: WorkRows | None = None
        self._asked: Path | None = None
        self._told_model = ""
        self._is_stale = True
        self._is_arranging = False
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(_WAIT_MS)
        self._waiting.timeout.connect(self._read)
        self._build()
        session.work_changed.connect(self._read_soon)
        self._show()

    @property
    def project(self) -> Path:
        """The project whose cases are listed: the chosen one, or that of the model which answered."""
        answer = self._session.answer
        if self._session.project is None and answer is None and self._asked is not None:
            return self._asked
        return self._session.project_folder(None if answer is None else answer.prediction)

    def refresh(self) -> None:
        """Read the list anew."""
        self._read_soon()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what changed while nobody looked."""
        super().showEvent(event)
        if self._is_stale:
            self._read_soon()

    def _build(self) -> None:
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        self.head = note("", self)
        layout.addWidget(self.head)
        layout.addLayout(self._choices())
        self.table = WorkTable(self)
        self.table.activated.connect(lambda index: self.open_row(index.row()))
        self.table.doubleClicked.connect(lambda index: self.open_row(index.row()))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_buttons())
        layout.addWidget(self.table, 1)
        layout.addLayout(self._acts())
        layout.addLayout(self._asking())
        self.foot = note("", self)
        layout.addWidget(self.foot)

    def _choices(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.state = QComboBox(self)
        self.state.setToolTip("Which cases are shown")
        self.state.addItem("all cases", None)
        for state in CaseState:
            self.state.addItem(f"{GLYPHS[state]}  {state.value.replace('-', ' ')}", state)
        self.order = QComboBox(self)
        self.order.setToolTip("What comes first among the cases that wait for a person; also the order of N")
        for order, text in _ORDERS.items():
            self.order.addItem(text, order)
        self.state.currentIndexChanged.connect(lambda *_: self._show())
        self.order.currentIndexChanged.connect(lambda *_: self._read_soon())
        row.addWidget(self.state, 1)
        row.addWidget(self.order, 1)
        return row

    def _acts(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.next = button("Next   (N)", "Open the next case that waits, in this order", self._session.open_next, self)
        self.open = button("Open", "Open the chosen case", self._open_chosen, self)
        self.lock = button(
            "Lock", "Close the chosen cases: nobody changes them until they are unlocked", self._lock, self
        )
        for one in (self.next, self.open, self.lock):
            row.addWidget(one)
        return row

    def _asking(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.model = ModelChoice(self._session, self)
        self.model.setMinimumContentsLength(8)
        self.model.setToolTip("Its answers, its doubts and what it sees order the list")
        self.tta = QCheckBox("thorough", self)
        self.tta.setToolTip(
            "Also ask it about changed copies of each image: three times as long, another measure of doubt"
        )
        tip = "Run the model on every case that it has not answered yet, and keep its answers"
        self.ask = button("Ask the model", tip, self._ask, self)
        row.addWidget(self.model, 1)
        row.addWidget(self.tta)
        row.addWidget(self.ask)
        return row

    def open_row(self, number: int) -> None:
        """Open a case of the list."""
        self._open_case(self.table.lines.rows[number])

    def _open_chosen(self) -> None:
        if self.table.chosen:
            self._open_case(self.table.chosen[0])

    def _open_case(self, row: WorkRow) -> None:
        work = self._session.work
        index = work.index_of(row.image)
        if index is None:
            work.items.append(WorkItem(row.image, row.case_id, _status(row), self.project))
            index = len(work.items) - 1
        self._session.open_index(index)

    def _lock(self) -> None:
        chosen = self.table.chosen
        is_locked = not all(row.state is CaseState.LOCKED for row in chosen)
        names, author, project = [row.case_id for row in chosen], self._session.author, self.project
        self._session.lane.add(
            "Locking" if is_locked else "Unlocking",
            lambda: lock_cases(project, names, author, is_locked=is_locked),
            lambda done: self._read_soon(),
        )

    def _ask(self) -> None:
        package, session = self.model.package, self._session
        if package is None:
            return
        project = self._asked = session.project or session.project_folder(None).parent / package.name
        refs = [item.ref for item in session.work.items]
        with_tta = self.tta.isChecked()
        session.bar.start(
            f"Asking {package.name}",
            lambda: ask_model(project, package, refs, with_tta=with_tta),
            lambda rated: self._read_soon(),
            on_end=lambda outcome: self._read_soon(),
        )

    def _read_soon(self) -> None:
        if self._is_arranging:
            return
        self._is_stale = True
        if self.isVisible():
            self._waiting.start()

    def _read(self) -> None:
        """List on a worker; what is shown stays until then."""
        self._is_stale = False
        order = self.order.currentData()
        reader = self._session.author if self._session.is_blind else ""
        options = WorklistOptions(self.project, order=order, reader=reader)
        self._session.lane.add("", lambda: list_rows(options), self._take, self._on_failure)

    def _take(self, found: WorkRows | None) -> None:
        self._found = found
        if found is not None:
            self._arrange(found)
            if found.model and found.model != self._told_model:
                self._told_model = found.model
                self.model.choose(found.model)
        self._show()

    def _arrange(self, found: WorkRows) -> None:
        """Let N and reading ahead follow the order of the list."""
        work = self._session.work
        before = list(work.items)
        work.arrange([(row.image, _status(row)) for row in found.rows])
        if work.items != before:
            self._is_arranging = True
            self._session.work_changed.emit()
            self._is_arranging = False

    def _on_failure(self, message: str) -> None:
        self._found = None
        self._show()
        self.head.setText(message)

    def _show(self) -> None:
        found, wanted = self._found, self.state.currentData()
        rows = () if found is None else found.rows
        work = self._session.work
        shown = None if work.current is None else work.items[work.current].ref
        self.table.lines.show_rows([row for row in rows if wanted in (None, row.state)], shown)
        self.head.setText(_head(found))
        self.foot.setText(_foot(found))
        for number in range(1, self.state.count()):
            state = self.state.itemData(number)
            count = 0 if found is None else found.counts.get(state, 0)
            self.state.setItemText(number, f"{GLYPHS[state]}  {state.value.replace('-', ' ')} ({count})")
        self._show_buttons()

    def _show_buttons(self) -> None:
        chosen = self.table.chosen
        self.open.setEnabled(bool(chosen))
        self.lock.setEnabled(bool(chosen) and all(row.author or row.state is CaseState.LOCKED for row in chosen))
        are_locked = bool(chosen) and all(row.state is CaseState.LOCKED for row in chosen)
        self.lock.setText("Unlock" if are_locked else "Lock")
        self.next.setEnabled(self._session.work.next_open() is not None)


def _status(row: WorkRow) -> Status:
    return Status.OPEN if row.is_open else _STATUS.get(row.state, Status.DONE)


def _head(found: WorkRows | None) -> str:
    if found is None:
        return "There is no project yet. Accept an answer, or ask a model below: its answers begin one."
    n_open = sum(row.is_open for row in found.rows)
    return f"{found.name}: {len(found.rows)} cases, {n_open} wait for you"


def _foot(found: WorkRows | None) -> str:
    if found is None:
        return ""
    effort = found.effort
    cost = "" if effort.s_per_case is None else f"{effort.s_per_case:.0f} s of your time a finished case. "
    return cost + " ".join(found.notes)
