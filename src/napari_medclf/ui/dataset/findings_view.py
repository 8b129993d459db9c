"""What the check of a data set found, with what is left out because of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_medclf.domain.quality import Finding
from napari_medclf.ui.dataset.exclusions import Exclusions
from napari_medclf.ui.dataset.finding_detail import FindingDetail
from napari_medclf.ui.dataset.findings import FindingList, FindingModel
from napari_medclf.ui.layout import button, note
from napari_medclf.ui.picker.thumbnails import Thumbnails

_NOT_CHECKED = (
    "Not checked yet. Check looks at every image and label: what cannot be read, copies, leaks between splits, "
    "conflicting labels, outliers."
)


class FindingsView(QWidget):
    """Findings by kind; each has a picture, and a box that leaves its cases out.

    Signals
    -------
    opened : str
        The case to open.
    """

    opened = Signal(str)

    def __init__(self, thumbnails: Thumbnails, exclusions: Exclusions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._findings: tuple[Finding, ...] = ()
        self._exclusions = exclusions
        self.summary = note(_NOT_CHECKED, self)
        self.kinds = QComboBox(self)
        self.kinds.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.kinds.currentIndexChanged.connect(lambda index: self._show())
        self.model = FindingModel(thumbnails, exclusions, self)
        self.list = FindingList(self.model, self)
        self.list.opened.connect(self.opened)
        self.list.selectionModel().selectionChanged.connect(lambda *_: self._show_detail())
        self.detail = FindingDetail(thumbnails, self)
        self.detail.opened.connect(self.opened)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.summary)
        layout.addWidget(self.kinds)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.detail)
        layout.addLayout(self._buttons())
        exclusions.changed.connect(self._show_buttons)
        self.forget()

    def forget(self) -> None:
        """Show that nothing was checked, because other data was opened."""
        self._fill((), _NOT_CHECKED)

    def show_findings(self, findings: Sequence[Finding], n_cases: int) -> None:
        """Show what was found."""
        told = f"Nothing was found in {n_cases:,} cases." if not findings else ""
        self._fill(tuple(findings), told)

    @property
    def n_findings(self) -> int:
        """How many findings there are, of all kinds."""
        return len(self._findings)

    def _fill(self, findings: tuple[Finding, ...], told: str) -> None:
        self._findings = findings
        self.summary.setText(told)
        self.summary.setVisible(bool(told))
        counts = Counter(str(one.kind) for one in findings)
        self.kinds.blockSignals(True)
        self.kinds.clear()
        self.kinds.addItem(f"all kinds ({len(findings)})", "")
        for kind, count in counts.items():
            self.kinds.addItem(f"{kind.replace('-', ' ')} ({count})", kind)
        self.kinds.blockSignals(False)
        for widget in (self.kinds, self.list, self.leave_out, self.take_back):
            widget.setVisible(bool(findings))
        self._show()

    def _shown(self) -> tuple[Finding, ...]:
        kind = self.kinds.currentData()
        return tuple(one for one in self._findings if not kind or str(one.kind) == kind)

    def _show(self) -> None:
        self.model.show(self._shown())
        self._show_detail()
        self._show_buttons()

    def _show_detail(self) -> None:
        rows = self.list.selectionModel().selectedIndexes()
        self.detail.show_finding(self.model.finding(rows[0].row()) if rows else None)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.leave_out = button("Leave all out", "Leave out what the listed findings suggest", self._leave_out, self)
        self.take_back = button("Take all back", "Use the cases of the listed findings again", self._take_back, self)
        row.addWidget(self.leave_out, 1)
        row.addWidget(self.take_back, 1)
        return row

    def _leave_out(self) -> None:
        for finding in self._shown():
            self._exclusions.leave_out(finding.exclude, finding.sentence)

    def _take_back(self) -> None:
        self._exclusions.take_back(case_id for finding in self._shown() for case_id in finding.exclude)

    def _show_buttons(self) -> None:
        suggested = {case_id for finding in self._shown() for case_id in finding.exclude}
        left_out = suggested & set(self._exclusions.reasons)
        self.leave_out.setEnabled(len(left_out) < len(suggested))
        self.leave_out.setText(f"Leave all out ({len(suggested):,} cases)" if suggested else "Leave all out")
        self.take_back.setEnabled(bool(left_out))
