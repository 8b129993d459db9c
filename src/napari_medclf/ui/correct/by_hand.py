"""Begin labels by hand, without a model."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.ui import notify
from napari_medclf.ui.layout import button
from napari_medclf.ui.session import Session


class ByHand(QWidget):
    """Names of classes, and a button that adds an empty labels layer with them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.names = QLineEdit(self)
        self.names.setPlaceholderText("class names, separated by commas")
        self.names.setText(str(session.settings.get("correct", "names", "")))
        row.addWidget(self.names, 1)
        row.addWidget(button("New labels", "Add an empty labels layer with these classes", self._begin, self))

    def _begin(self) -> None:
        names = [name.strip() for name in self.names.text().split(",") if name.strip()]
        if not names:
            notify.warn("Name the classes first, such as: liver, spleen.")
            return
        try:
            schema = LabelSchema.from_names(names, first_value=1)
        except (MedclfError, ValueError):
            notify.complain("Each class name may stand once.")
            return
        self._session.settings.set("correct", names=", ".join(names))
        self._session.begin_labels(schema)
