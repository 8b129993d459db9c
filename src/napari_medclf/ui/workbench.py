"""The dock: six tabs and Batch, with one job bar at its foot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari import Viewer
from napari.settings import get_plugin_settings
from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QApplication, QLabel, QTabWidget, QVBoxLayout, QWidget

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.card import Task
from napari_medclf.store.catalogue import default_user_folder
from napari_medclf.ui.adapt.card import VerdictCard
from napari_medclf.ui.adapt.learning import Learning
from napari_medclf.ui.adapt.page import AdaptPage
from napari_medclf.ui.batch.panel import BatchPanel
from napari_medclf.ui.correct.panel import CorrectPanel
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.keys import Handler, KeyBindings
from napari_medclf.ui.layout import scrolled
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.panels.data_tab import DataTab
from napari_medclf.ui.panels.evaluate import EvaluatePanel
from napari_medclf.ui.panels.models import ModelsPanel
from napari_medclf.ui.panels.run import RunPanel
from napari_medclf.ui.panels.train import TrainPanel
from napari_medclf.ui.session import Session
from napari_medclf.ui.warm_up import warm_up

_MIN_WIDTH_PX = 400


class Workbench(QWidget):
    """``Plugins > MedCLF > Workbench``.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        napari gives it.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._window: QWidget | None = None
        self._is_closed = False
        self._learned_in: Path | None = None
        self.setObjectName("medclf-workbench")
        self.setMinimumWidth(_MIN_WIDTH_PX)
        preferences = _preferences()
        self.bar = JobBar(self)
        self.notes = CanvasNotes(
            napari_viewer,
            letters=preferences.get("orientation_letters", True),
            position=preferences.get("position_mm", True),
        )
        self.session = Session(napari_viewer, self.notes, self.bar, default_user_folder(), parent=self)
        self._build()
        self._keys = KeyBindings(napari_viewer, self._handlers())
        self._warms_up = preferences.get("warm_up", True)
        QApplication.instance().aboutToQuit.connect(self.close_down)

    def close_down(self) -> None:
        """Write what is unsaved, stop what runs, and give the viewer back; may be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        self._keys.remove()
        self.data_tab.close_down()
        self.correct.close_down()
        self.batch.close_down()
        self.learning.close_down()
        self.session.close_down()
        self.notes.remove()
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None

    def sizeHint(self) -> QSize:
        """Ask for enough width that no form is cut."""
        return QSize(_MIN_WIDTH_PX + 20, 760)

    def showEvent(self, event: QShowEvent) -> None:
        """List the models, and load the slow libraries, once the dock is on the screen."""
        super().showEvent(event)
        if self._window is None and not self._is_closed:
            self._window = self.window()
            self._window.installEventFilter(self)
            QTimer.singleShot(0, self.session.refresh_models)
            if self._warms_up:
                QTimer.singleShot(500, warm_up)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Write unsaved strokes before the window closes; closing itself is napari's."""
        if event.type() == QEvent.Type.Close and not self._is_closed:
            self.session.autosave.flush_now()
        elif event.type() == QEvent.Type.DeferredDelete:
            self.close_down()
        return False

    def event(self, event: QEvent) -> bool:
        """Close down when napari takes the widget out of its dock, which it does when the dock is closed."""
        if event.type() == QEvent.Type.ParentChange and self._window is not None and self.parent() is None:
            self.close_down()
        return bool(super().event(event))

    def _build(self) -> None:
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setStyleSheet("QTabBar::tab { padding: 5px 7px; }")
        self.data_tab = DataTab(self.session, self)
        self.data = self.data_tab.images
        self.run = RunPanel(self.session, self)
        self.correct = CorrectPanel(self.session, lambda: self.run.models.package, self)
        self.train = TrainPanel(self.session, self)
        self._mount_learning()
        self.evaluate = EvaluatePanel(self.session, self)
        self.models = ModelsPanel(self.session, self)
        self.batch = BatchPanel(self.session, lambda: self.session, self)
        self.batch.triage.model_wanted.connect(self.run.models.choose)
        self.batch.triage.correct_wanted.connect(lambda: self.show_tab("Correct"))
        self.data_tab.dataset.train_wanted.connect(self._train_on)
        self.data_tab.prepare.train_wanted.connect(self._train_on)
        self.data_tab.prepare.augment.wanted = self.train.planned_for
        for name, panel in self.panels.items():
            scrolls_itself = panel in (self.correct, self.batch)
            self.tabs.addTab(panel if scrolls_itself else scrolled(panel), name)
        foot = QLabel("Research use only. Not a medical device.", self)
        foot.setContentsMargins(8, 0, 8, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.bar)
        layout.addWidget(foot)

    def _mount_learning(self) -> None:
        self.learning = Learning(self.session, lambda: self.run.models.package, self)
        self.session.in_use = self.learning.in_use
        self.correct.places["verdict"].addWidget(VerdictCard(self.learning, self.correct))
        self.train.put_first(AdaptPage(self.learning, self.train))
        self.learning.changed.connect(self._on_learning)
        self.session.answered.connect(lambda annotation: self.learning.refresh())
        self.session.models_changed.connect(self.learning.refresh)
        self.session.work_changed.connect(self._refresh_learning)
        self.session.answer_changed.connect(self._refresh_learning)

    def _refresh_learning(self) -> None:
        """Read the revisions of another project, once it is the one that is worked in."""
        if self.learning.folder != self._learned_in:
            self._learned_in = self.learning.folder
            self.learning.refresh()

    def _on_learning(self) -> None:
        if self.learning.result is not None:
            self.correct.scroll_to_top()

    @property
    def panels(self) -> dict[str, QWidget]:
        """Tab name to panel, in order."""
        return {
            "Data": self.data_tab,
            "Run": self.run,
            "Correct": self.correct,
            "Train": self.train,
            "Evaluate": self.evaluate,
            "Models": self.models,
            "Batch": self.batch,
        }

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front."""
        self.tabs.setCurrentIndex(list(self.panels).index(name))

    def _handlers(self) -> dict[str, Handler]:
        accept = self.session.accept
        handlers: dict[str, Handler] = {
            "Space": _always(self.run.run),
            "N": _always(accept),
            "Shift-N": _always(lambda: accept(Status.SKIPPED)),
            "X": self._flag,
            "E": self._explain,
            "Control-Z": self.session.undo,
            "Control-Shift-Z": self.session.redo,
            "R": self.correct.help.here,
            "F": self.learning.quick_adapt,
            "A": self.learning.accept,
            "Z": self.learning.roll_back,
            "L": self.correct.lock.toggle_lock,
            "D": self.correct.lock.next_disagreement,
            "U": self.correct.marks.marking.unsure,
            "C": self.correct.marks.focus_comment,
            "Escape": self._cancel,
            "W": self.data.presets.next,
        }
        for number, preset in enumerate(self.data.presets.names, start=1):
            handlers[f"Alt-{number}"] = lambda preset=preset: self.data.presets.choose(preset)  # type: ignore[misc]
        for number in range(1, 10):
            handlers[str(number)] = lambda number=number: self._press_digit(number)  # type: ignore[misc]
        return handlers

    def _train_on(self, options: Mapping[str, Any]) -> None:
        self.train.show_options(options)
        self.show_tab("Train")

    def _flag(self) -> bool:
        return self.session.image is not None and self.session.accept(Status.FLAGGED)

    def _explain(self) -> bool:
        package = self.run.models.package
        is_classifier = package is not None and package.card.task is Task.CLASSIFY
        if self.session.image is None or not is_classifier:
            return False
        self.run.explain()
        return True

    def _press_digit(self, number: int) -> bool:
        return self.correct.marks.marking.press(number) or self.session.press_class(number)

    def _cancel(self) -> bool:
        if not self.bar.is_running:
            return self.correct.drop()
        self.bar.cancel()
        return True


def _always(action: Any) -> Handler:
    def handler() -> bool:
        action()
        return True

    return handler


def _preferences() -> dict[str, Any]:
    """Read the preferences of the manifest; the defaults where napari does not know the plugin."""
    try:
        settings = get_plugin_settings("napari-medclf")
        return {**dict(settings.display), **dict(settings.running)}
    except (KeyError, AttributeError, TypeError, ValueError):
        return {}
