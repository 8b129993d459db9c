"""People: who you are, whether you read blind, how far the readers agree, and deciding between them."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from napari_medclf.domain.annotation import Annotation
from napari_medclf.domain.dataset import FileRef
from napari_medclf.jobs.people.adjudicate import AdjudicateOptions, Merge
from napari_medclf.jobs.people.agreement import AgreementRow
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.said import Between
from napari_medclf.ui.layout import banner, button, column, heading, note
from napari_medclf.ui.people.tasks import (
    DIFFER_COLOUR,
    READER_COLOURS,
    Compared,
    SideBySide,
    compare_readers,
    decide_case,
    find_case,
    open_answers,
)
from napari_medclf.ui.session import Session
from napari_medclf.ui.tables import ResultsTable
from napari_medclf.ui.tasks import WorkItem

_MERGES = {Merge.MAJORITY: "what most say", Merge.UNION: "all of it", Merge.INTERSECTION: "only what all say"}
_BLIND = "You read blind: answers of other people are not shown, and yours are marked as a blind reader's."


class PeoplePanel(QWidget):
    """The reader's name and blindness, the table of agreement, and the cases that wait for an adjudicator."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._compared: Compared | None = None
        self._shown: SideBySide | None = None
        self._beside: list[Any] = []
        self._wanted = ""
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(heading("Who reads", self))
        layout.addLayout(self._who())
        self.banner = banner("", self)
        layout.addWidget(self.banner)
        layout.addLayout(self._comparing())
        self.agreement = ResultsTable(self)
        layout.addWidget(self.agreement)
        self.sentence = note("", self)
        layout.addWidget(self.sentence)
        layout.addWidget(heading("Decide between readers", self))
        self.disputes = ResultsTable(self)
        self.disputes.setToolTip("Double-click to see the answers side by side; farthest apart first")
        self.disputes.itemActivated.connect(lambda item: self.open_dispute(item.row()))
        self.disputes.itemDoubleClicked.connect(lambda item: self.open_dispute(item.row()))
        layout.addWidget(self.disputes)
        self.said = note("", self)
        layout.addWidget(self.said)
        layout.addLayout(self._deciding())
        layout.addStretch(1)
        session.image_changed.connect(self._on_image)
        self._show()

    @property
    def project(self) -> Path:
        """The project whose readers are compared."""
        answer = self._session.answer
        return self._session.project_folder(None if answer is None else answer.prediction)

    def refresh(self) -> None:
        """Compare the readers anew."""
        project = self.project
        self._session.lane.add("Comparing the readers", lambda: compare_readers(project), self._take)

    def open_dispute(self, row: int) -> None:
        """Open a case with the answers of its readers side by side."""
        if self._session.is_blind:
            notify.warn("You read blind. Leave that before you look at the answers of others.")
            return
        assert self._compared is not None
        dispute, project = self._compared.disputes[row], self.project
        self._session.lane.add(
            f"Opening {dispute.case_id}",
            lambda: find_case(project, dispute.case_id),
            lambda ref: self._open_image(ref, dispute.case_id),
        )

    def _who(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.author = QLineEdit(self._session.settings.get("people", "author") or "", self)
        self.author.setPlaceholderText("your name or a pseudonym")
        self.author.editingFinished.connect(self._set_author)
        self.blind = QCheckBox("I read blind", self)
        self.blind.setToolTip("Hide what other people said; for a second reader")
        self.blind.toggled.connect(self._set_blind)
        row.addWidget(self.author, 1)
        row.addWidget(self.blind)
        self._set_author()
        return row

    def _comparing(self) -> QHBoxLayout:
        row = QHBoxLayout()
        tip = "Kappa of classes and Dice of labels for every pair of readers, with 95 % intervals by patient"
        self.compare = button("Compare", tip, self.refresh, self)
        row.addWidget(heading("How far readers agree", self), 1)
        row.addWidget(self.compare)
        return row

    def _deciding(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.choice = QComboBox(self)
        self.choice.setToolTip("Whose answer it shall be, or how they become one")
        self.why = QLineEdit(self)
        self.why.setPlaceholderText("why (optional)")
        tip = "Save this as your answer, which counts from now on; those of the readers stay"
        self.decide = button("Decide", tip, self._decide, self)
        row.addWidget(QLabel("Take", self))
        row.addWidget(self.choice, 1)
        row.addWidget(self.why, 1)
        row.addWidget(self.decide)
        return row

    def _set_author(self) -> None:
        self._session.author = self.author.text().strip()
        self._session.settings.set("people", author=self._session.author)

    def _set_blind(self, is_blind: bool) -> None:
        self._session.is_blind = is_blind
        self._put_away()
        self._take(None)
        self._session.work_changed.emit()

    def _take(self, compared: Compared | None) -> None:
        self._compared = compared
        self._show()

    def _open_image(self, ref: FileRef, case_id: str) -> None:
        session, self._wanted = self._session, case_id
        index = session.work.index_of(ref)
        if index is None:
            session.work.items.append(WorkItem(ref, case_id))
            index = len(session.work.items) - 1
        if index == session.work.current and session.image is not None:
            self._read_answers()
        else:
            session.open_index(index)

    def _on_image(self) -> None:
        self._put_away()
        self._show_deciding()
        if self._wanted:
            self._read_answers()

    def _read_answers(self) -> None:
        image, case_id, project = self._session.image, self._wanted, self.project
        if image is None:
            return
        self._wanted = ""
        self._session.lane.add(
            f"Opening the answers for {case_id}",
            lambda: open_answers(project, case_id, image),
            lambda shown: self._show_answers(shown, project),
        )

    def _put_away(self) -> None:
        """Take the readers' answers off the viewer, as when the image goes that they are about."""
        viewer, beside = self._session.viewer, self._beside
        self._shown, self._beside, self._session.between = None, [], None
        for layer in beside if viewer is not None else ():
            if layer in viewer.layers:
                viewer.layers.remove(layer)

    def _show_answers(self, shown: SideBySide, project: Path) -> None:
        self._put_away()
        if self._session.is_blind:
            return
        viewer, active = self._session.viewer, self._session.viewer.layers.selection.active
        for described, colour in zip(shown.layers, shown.colours, strict=True):
            added: Any = viewer_link.add_layer(viewer, described)
            added.editable = False
            added.colormap = DirectLabelColormap(color_dict={None: colour, 0: "transparent"})
            added.contour = 0 if colour == DIFFER_COLOUR else 2
            added.opacity = 0.8
            self._beside.append(added)
        viewer.layers.selection.active = active
        self._shown = shown
        self._session.between = Between(project, shown.readers)
        self._show_deciding()

    def _decide(self) -> None:
        if self._shown is None:
            return
        chosen = self.choice.currentData()
        options = AdjudicateOptions(
            self.project,
            case=self._shown.case_id,
            choose=chosen if not isinstance(chosen, Merge) else "",
            merge=chosen if isinstance(chosen, Merge) else Merge.NONE,
            author=self._session.author,
            comment=self.why.text().strip(),
        )
        self._session.lane.add(f"Saving {self._shown.case_id}", lambda: decide_case(options), self._on_decided)

    def _on_decided(self, annotation: Annotation) -> None:
        notify.tell(f"{annotation.case_id}: decided by {annotation.author}.")
        self.why.clear()
        self._session.work_changed.emit()
        self.refresh()

    def _show(self) -> None:
        is_blind, compared = self._session.is_blind, self._compared
        self.banner.setText(_BLIND if is_blind else "")
        self.banner.setVisible(is_blind)
        self.compare.setEnabled(not is_blind)
        rows = [] if compared is None else [_cells(row) for row in compared.agreement.rows]
        self.agreement.show_rows(["what", "readers", "value", "95 %"], rows)
        self.agreement.setVisible(bool(rows))
        self.sentence.setText("" if compared is None else compared.agreement.sentence)
        disputes = () if compared is None else compared.disputes
        self.disputes.show_rows(
            ["case", "apart", "readers", "decided"],
            [
                [one.case_id, f"{100 * one.difference:.0f} %", ", ".join(one.readers), "✓" if one.is_decided else ""]
                for one in disputes
            ],
        )
        self._show_deciding()

    def _show_deciding(self) -> None:
        shown = self._shown
        self.choice.clear()
        for reader in () if shown is None else shown.readers:
            self.choice.addItem(reader, reader)
        for merge, text in _MERGES.items() if shown is not None else ():
            self.choice.addItem(text, merge)
        self.said.setText("" if shown is None else _said(shown))
        for one in (self.choice, self.why, self.decide):
            one.setEnabled(shown is not None)


def _cells(row: AgreementRow) -> list[Any]:
    name = {"cohen": "Cohen κ", "fleiss": "Fleiss κ", "dice": "Dice"}[row.measure]
    value, between = row.metric.value, row.metric.ci95
    told = "–" if value != value else f"{value:.2f}"
    interval = f"{between[0]:.2f} to {between[1]:.2f}" if between and value == value else ""
    return [f"{name} {row.class_name}".strip(), " / ".join(row.readers), told, interval]


def _said(shown: SideBySide) -> str:
    """Who said what, in the colour of their outlines."""
    lines = [f"<b>{escape(shown.case_id)}</b>"]
    for reader, colour in zip(shown.readers, READER_COLOURS, strict=False):
        said = f": {escape(shown.said[reader])}" if reader in shown.said else ""
        lines.append(f'<span style="color:{colour}">■</span> {escape(reader)}{said}')
    if shown.layers:
        lines.append(f'<span style="color:{DIFFER_COLOUR}">■</span> where they differ')
    return "<br>".join(lines)
