"""Splits of a data set: drawn by patient, frozen in a file, and from then on the same in every training."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.jobs.dataset.split import SplitOptions, SplitResult, split_data
from napari_medclf.ui import notify
from napari_medclf.ui.dataset.opening import folder_of
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import button, note
from napari_medclf.ui.session import Session

if TYPE_CHECKING:
    from napari_medclf.jobs.data import DataChoice

_EXPLANATION = (
    "Cases of one patient never come into two splits, and classes stay in proportion. What is drawn is written to a "
    "file with its hash, which every model keeps; a file is never overwritten."
)


class SplitView(QWidget):
    """How to split, and the button that draws and freezes.

    Parameters
    ----------
    choice : callable
        Returns which data is meant, None while none is.

    Signals
    -------
    frozen : Path
        The file of the splits; of several, the first.
    """

    frozen = Signal(object)

    def __init__(
        self, session: Session, choice: Callable[[], DataChoice | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._choice = session, choice
        self.form = OptionsForm(
            SplitOptions,
            FormLook(
                hidden=("data", "out", "task", "exclude", "split", "group_pattern", "class_names", "label_columns"),
                labels={
                    "val_fraction": "Validation",
                    "test_fraction": "Test",
                    "near_copies": "Keep alike together",
                    "again": "Draw all anew",
                },
                folded=("folds", "repeats"),
            ),
            parent=self,
        )
        self.draw = button("Split and freeze", "Draw the splits, and write them to a file", self.freeze, self)
        self.message = note(_EXPLANATION, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.form)
        layout.addWidget(self.draw)
        layout.addWidget(self.message)
        layout.addStretch(1)
        session.bar.running_changed.connect(lambda is_running: self.draw.setEnabled(not is_running))

    def freeze(self) -> bool:
        """Draw the splits that the form describes."""
        choice = self._choice()
        if choice is None:
            return False
        folder = folder_of(choice.path, self._session.user_folder)
        name, values = f"splits-{datetime.now():%Y%m%d-%H%M%S}", self.form.values()
        decided: dict[str, Any] = {
            "data": choice.path,
            "task": choice.task,
            "out": folder / (name if values["folds"] or values["repeats"] else f"{name}.json"),
            "split": None if values["again"] else choice.split_file,
            "group_pattern": choice.group_pattern,
            "class_names": choice.class_names,
            "label_columns": choice.label_columns,
        }
        try:
            options = self.form.read(**decided)
        except MedclfError as error:
            notify.complain(str(error))
            return False
        return self._session.bar.start(f"Splitting {choice.path.name}", lambda: split_data(options), self._take)

    def _take(self, result: SplitResult) -> None:
        several = f" and {len(result.files) - 1} more beside it" if len(result.files) > 1 else ""
        self.message.setText(f"Frozen in {result.files[0]}{several}. Hash {result.sha256[0][:16]}.")
        self.frozen.emit(result.files[0])
