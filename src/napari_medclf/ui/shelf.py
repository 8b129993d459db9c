"""What every panel needs, with or without a viewer: the models, the jobs, the settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui import tasks
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.settings import Settings


class Shelf(QObject):
    """The models that can be chosen, the bar that runs long jobs, and the lane for small ones.

    Signals
    -------
    models_changed : the list of models was read anew.
    """

    models_changed = Signal()

    def __init__(self, bar: JobBar, user_folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.bar = bar
        self.user_folder = user_folder
        self.settings = Settings(user_folder / "window.json")
        self.lane = Lane(self)
        self.lane.busy.connect(bar.show_note)
        self.in_use: Callable[[ModelPackage], ModelPackage] = lambda package: package
        """The revision of a model that is run in its place, where one was accepted."""
        self.packages: tuple[ModelPackage, ...] = ()
        self.model_problems: tuple[str, ...] = ()
        self._is_closed = False

    def refresh_models(self) -> None:
        """Read the list of models anew; does nothing after closing down."""
        if not self._is_closed:
            self.lane.add("", tasks.list_models, self._take_models)

    def close_down(self) -> None:
        """Stop what runs, and wait for it."""
        self._is_closed = True
        self.bar.close_down()
        self.lane.finish_all()

    def _take_models(self, listing: Any) -> None:
        self.packages, self.model_problems = listing.packages, listing.problems
        self.models_changed.emit()
