"""Running a model on the image that is meant: what is seen while it runs, and its answer as layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_medclf.bridge.layer_info import METADATA_KEY, LayerInfo, layer_info
from napari_medclf.bridge.layers import LayerTuple
from napari_medclf.domain.events import JobEvent, Noted, Outcome
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.violation import Violation
from napari_medclf.store.trust import NotTrusted
from napari_medclf.ui import explain_tasks, notify, run_tasks, viewer_link
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.opening import Opening
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.tasks import Answer


class Running(Opening):
    """Models that run on the open image, and the layers that they add.

    Signals
    -------
    noted : what a running model tells about its plan, as one line.
    trust_wanted : ModelPackage that would run code of its own, which nobody has allowed yet.
    """

    noted = Signal(str)
    trust_wanted = Signal(object)

    def __init__(self, viewer: Any, notes: CanvasNotes, bar: JobBar, user_folder: Path, parent: QObject) -> None:
        super().__init__(viewer, notes, bar, user_folder, parent)
        self._cache = run_tasks.ModelCache()
        self._explainers = explain_tasks.ExplainerCache()
        self._preview: Any = None

    def close_down(self) -> None:
        """Write what is unsaved, stop what runs, and let go of the viewer."""
        super().close_down()
        self._preview = None

    def run(self, package: ModelPackage, options: Any, *, tells_warnings: bool = True) -> bool:
        """Run a model on the image that is meant; False when it could not be started."""
        layer, image = self.image_layer, self.image
        if layer is None or image is None:
            notify.warn("Open an image first: drop a file on the window, or use the Data tab.")
            return False
        package = self.in_use(package)
        cache, focus = self._cache, viewer_link.visible_slice(self.viewer, layer)
        info = viewer_link.info_of(layer)
        return self.bar.start(
            f"Running {package.name}",
            lambda: run_tasks.run_model(image, package, options, cache, focus),
            lambda answer: self.take_answer(layer, answer) if self._shows(layer, info) else None,
            on_event=lambda event: self._on_run_event(layer, info, event),
            on_end=self._on_run_end,
            tells_warnings=tells_warnings,
            asks_for=NotTrusted,
        )

    def explain(self, package: ModelPackage, device: str, class_name: str = "") -> bool:
        """Show what in the image that is meant speaks for a class, or for the one that the model decides for."""
        layer, image = self.image_layer, self.image
        if layer is None or image is None:
            notify.warn("Open an image first: drop a file on the window, or use the Data tab.")
            return False
        package, cache, info = self.in_use(package), self._explainers, viewer_link.info_of(layer)
        return self.bar.start(
            f"Explaining {package.name}",
            lambda: explain_tasks.explain_answer(image, package, device, class_name, cache),
            lambda described: self._exchange(described) if self._shows(layer, info) else None,
            on_end=self._on_run_end,
            asks_for=NotTrusted,
        )

    def mend(self, package: ModelPackage, violation: Violation) -> None:
        """Put an image above the one that is meant, changed so that the model fits it; that one is hidden."""
        layer, image = self.image_layer, self.image
        if layer is not None and image is not None:
            info = viewer_link.info_of(layer)
            shown = None if layer.rgb else (float(layer.contrast_limits[0]), float(layer.contrast_limits[1]))
            self.lane.add(
                f"Mending {image.name}",
                lambda: run_tasks.mend(image, package.card, violation, shown),
                lambda described: self._show_mended(layer, described) if self._shows(layer, info) else None,
            )

    @property
    def doubt_layer(self) -> Any:
        """The map of uncertainty of the last answer about the image, None without one."""
        described = None if self.answer is None else self.answer.doubt
        if described is None or self.viewer is None:
            return None
        return next((layer for layer in self.viewer.layers if layer.name == described[1]["name"]), None)

    def take_answer(self, layer: Any, answer: Answer) -> None:
        """Show what a model said about an image layer; labels a person painted on stay."""
        if layer not in self.viewer.layers:
            return
        if answer.layer is not None:
            self._show_labels(answer.layer)
        for described in answer.boxes:
            self._exchange(described)
        if answer.doubt is not None:
            self._exchange(answer.doubt, is_visible=False)
        self.put_answer(layer, answer)

    def _shows(self, layer: Any, info: LayerInfo | None) -> bool:
        """Whether a layer is in the viewer and shows the image that it did; the next case may be shown in it."""
        return layer in self.viewer.layers and viewer_link.info_of(layer) is info

    def _on_run_event(self, layer: Any, info: LayerInfo | None, event: JobEvent) -> None:
        if isinstance(event, Noted):
            self.noted.emit(event.message)
        elif isinstance(event, run_tasks.PreviewShown) and event.layer is not None and self._shows(layer, info):
            self._remove_preview()
            active = self.viewer.layers.selection.active
            self._preview = viewer_link.add_layer(self.viewer, event.layer)
            self.viewer.layers.selection.active = active

    def _on_run_end(self, outcome: Outcome[Answer]) -> None:
        self._remove_preview()
        if isinstance(outcome.error, NotTrusted):
            self.trust_wanted.emit(outcome.error.package)

    def _remove_preview(self) -> None:
        preview, self._preview = self._preview, None
        if preview is not None and self.viewer is not None and preview in self.viewer.layers:
            self.viewer.layers.remove(preview)

    def _show_mended(self, layer: Any, described: LayerTuple) -> None:
        mended = self._add_opened(described)
        layer.visible = False
        self.viewer.layers.selection.active = mended

    def _show_labels(self, described: LayerTuple) -> None:
        name = described[1]["name"]
        for old in [layer for layer in self.viewer.layers if layer.name == name and viewer_link.is_our_labels(layer)]:
            if self.painting.is_dirty(old) and self._take_anew(old, described):
                return
            if not self.painting.is_dirty(old):
                self.viewer.layers.remove(old)
        self._add_opened(described)

    def _take_anew(self, painted: Any, described: LayerTuple) -> bool:
        """Give painted labels a model's new answer wherever no person has spoken; False where it does not fit."""
        info, fresh = viewer_link.info_of(painted), layer_info(described[1]["metadata"])
        if info is None or fresh is None or fresh.segmentation is None or info.schema != fresh.schema:
            return False
        painted.metadata[METADATA_KEY] = replace(info, prediction=fresh.prediction)
        painted.features = described[1]["features"]
        self.painting.take_prediction(painted, fresh.segmentation.labels, None, "run")
        return True

    def _exchange(self, described: LayerTuple, *, is_visible: bool = True) -> None:
        """Add a layer in place of the one of the same name, and leave the choice of the active layer alone."""
        active = self.viewer.layers.selection.active
        for old in [layer for layer in self.viewer.layers if layer.name == described[1]["name"]]:
            self.viewer.layers.remove(old)
        self._add_opened(described).visible = is_visible
        if active in self.viewer.layers:
            self.viewer.layers.selection.active = active
