"""Preprocessing steps, tried on the image that is shown."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_medclf.bridge.layers import LayerTuple
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.layer_book import same_layer
from napari_medclf.ui.layout import button, note
from napari_medclf.ui.prepare.step_editor import StepEditor
from napari_medclf.ui.prepare.tasks import prepared_layer
from napari_medclf.ui.session import Session


class StepsView(QWidget):
    """The steps, and the button that shows what they make of the image.

    The image itself stays; what came out is a layer above it, and a second button changes between both.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._before: Any = None
        self._after: Any = None
        self.explanation = note("", self)
        self.editor = StepEditor(self)
        saved = session.settings.get("prepare", "steps", ())
        self.editor.show_steps(tuple(PreprocessStep.parse(text) for text in saved))
        self.editor.changed.connect(self._on_steps)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.explanation)
        layout.addWidget(self.editor)
        layout.addLayout(self._buttons())
        session.image_changed.connect(self._show)
        session.bar.running_changed.connect(lambda is_running: self._show())
        self._show()

    def show_prepared(self) -> bool:
        """Take the shown image through the steps; False when it could not be started."""
        layer = self._original()
        if layer is None:
            notify.warn("Open an image first: the steps are shown on it.")
            return False
        try:
            image = viewer_link.image_of(layer)
        except MedclfError as error:
            notify.complain(str(error))
            return False
        steps = self.editor.steps
        return self._session.bar.start(
            f"Preparing {image.name}",
            lambda: prepared_layer(image, steps),
            lambda described: self._take(layer, image, described),
        )

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.show_button = button("Show on the image", "Compute the steps on the shown image", self.show_prepared, self)
        self.compare = button("Show before", "Change between the image and what the steps made", self._compare, self)
        self.compare.setCheckable(True)
        row.addWidget(self.show_button, 1)
        row.addWidget(self.compare, 1)
        return row

    def _original(self) -> Any:
        """The image that is meant; not what the steps made of one."""
        layer = self._session.image_layer
        return self._before if self._is_shown() and same_layer(layer, self._after) else layer

    def _is_shown(self) -> bool:
        viewer = self._session.viewer
        return viewer is not None and all(
            one is not None and one in viewer.layers for one in (self._before, self._after)
        )

    def _take(self, layer: Any, image: MedImage, described: LayerTuple) -> None:
        viewer = self._session.viewer
        info = viewer_link.info_of(layer)
        if layer not in viewer.layers or (info is not None and info.image is not image):
            return  # the next case is shown by now, perhaps in the same layer
        if self._is_shown():
            viewer.layers.remove(self._after)
        self._before, self._after = layer, viewer_link.add_layer(viewer, described)
        self.compare.setChecked(False)
        self._compare()
        self._show()

    def _compare(self) -> None:
        if self._is_shown():
            shows_before = self.compare.isChecked()
            self._before.visible, self._after.visible = shows_before, not shows_before

    def _on_steps(self) -> None:
        self._session.settings.set("prepare", steps=[step.text for step in self.editor.steps])
        self._show()

    def _show(self) -> None:
        layer, n_steps = self._original(), len(self.editor.steps)
        if layer is None:
            told = "Open an image to see on it what steps do."
        elif not n_steps:
            told = "Add steps, and see what they make of the shown image. A model that is trained with them keeps them."
        else:
            told = ""
        self.explanation.setText(told)
        self.explanation.setVisible(bool(told))
        self.show_button.setEnabled(layer is not None and n_steps > 0 and not self._session.bar.is_running)
        self.compare.setEnabled(self._is_shown())
