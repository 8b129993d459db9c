"""Learning in the background: what runs, which verdict waits for a person, and which revision is in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_medclf.domain.events import FinishReason, JobEvent, Outcome, Progress, Warned
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.revision import LearnedBy
from napari_medclf.jobs.adapt.options import AdaptOptions, AdaptResult
from napari_medclf.ui import notify
from napari_medclf.ui.adapt.tasks import Worth, accept_revision, go_back, read_worth
from napari_medclf.ui.session import Session
from napari_medclf.ui.worker import JobFactory, JobWorker

_TITLES = {
    LearnedBy.INSTANT: "Learning the last layer",
    LearnedBy.ADAPT: "Learning from corrections",
    LearnedBy.FINE_TUNE: "Fine-tuning all weights",
}


class Learning(QObject):
    """Lets the project's model learn while a person goes on, and holds the verdict until it is decided.

    Parameters
    ----------
    model_of : callable
        The model that is chosen in the Run tab, or None.

    Signals
    -------
    changed : what runs, the verdict, or the revision in use is another one.
    told : Progress of what runs.
    """

    changed = Signal()
    told = Signal(object)

    def __init__(self, session: Session, model_of: Callable[[], ModelPackage | None], parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._model_of = session, model_of
        self._worker: JobWorker | None = None
        self._folder: Path | None = None
        self.title = ""
        self.result: AdaptResult | None = None
        self.is_accepted = False
        self.asks_again = False
        self.worth = Worth()

    @property
    def is_running(self) -> bool:
        """Whether the model is learning."""
        return self._worker is not None

    @property
    def folder(self) -> Path:
        """The project whose corrections count."""
        return self._session.current_project

    def quick_adapt(self) -> bool:
        """Learn for some seconds (key F)."""
        return self.learn(LearnedBy.ADAPT)

    def fine_tune(self) -> bool:
        """Let all weights learn."""
        return self.learn(LearnedBy.FINE_TUNE)

    def learn(self, kind: LearnedBy) -> bool:
        """Begin to learn; what is painted and not accepted yet is not learned from.

        Returns
        -------
        bool
            False where nothing could be begun; a sentence says why.
        """
        if self.is_running:
            notify.warn(f"{self.title} is still going on.")
            return True
        folder, model = self.folder, self._model()
        if not model:
            notify.warn("Choose the model that shall learn in the Run tab, and run it.")
            return False
        author = self._session.author
        self._forget()
        self._folder, self.title = folder, _TITLES[kind]

        def make() -> Any:
            from napari_medclf.jobs.adapt.adapt import adapt

            return adapt(AdaptOptions(model=model, project=folder, kind=kind, author=author))

        self._start(make)
        return True

    def cancel(self) -> None:
        """Stop learning at the next step; nothing is kept."""
        if self._worker is not None:
            self._worker.cancel()

    def accept(self) -> bool:
        """Use the new revision (key A); one that is worse somewhere is asked about once more."""
        if self.result is None or self.is_accepted:
            return False
        if not self.result.verdict.may_be_accepted and not self.asks_again:
            self.asks_again = True
            self.changed.emit()
            return True
        folder, revision, author = self._folder, self.result.revision.revision_id, self._session.author
        assert folder is not None
        is_confirmed = self.asks_again
        self._session.lane.add(
            "Taking the new revision into use",
            lambda: accept_revision(folder, revision, author, is_confirmed=is_confirmed),
            self._on_accepted,
        )
        return True

    def roll_back(self) -> bool:
        """Go back to the revision before, or leave one that was not accepted (key Z); False without a verdict."""
        if self.result is None:
            return False
        if not self.is_accepted:
            notify.tell(f"{self.result.revision.revision_id} is not used; the model is what it was.")
            self._forget()
            self.changed.emit()
            return True
        return self.go_back()

    def go_back(self) -> bool:
        """Use the revision that was used before."""
        folder, author = self._folder or self.folder, self._session.author
        self._session.lane.add("Going back", lambda: go_back(folder, author), self._on_gone_back)
        return True

    def refresh(self) -> None:
        """Read the project's revisions anew, in the background."""
        folder = self.folder
        self._session.lane.add("", lambda: read_worth(folder), self._take, lambda sentence: None)

    def in_use(self, package: ModelPackage) -> ModelPackage:
        """Return the accepted revision of a model in place of the model it came from."""
        learned = self.worth.package
        return learned if learned is not None and learned.name == package.name else package

    def close_down(self) -> None:
        """Stop what runs, for when the window closes."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker.wait(3.0)

    def _model(self) -> str:
        if self.worth.package is not None:
            return "current"
        package = self._model_of()
        return "" if package is None else str(package.folder)

    def _start(self, factory: JobFactory) -> None:
        self._worker = JobWorker(factory, self)
        self._worker.reported.connect(self._on_event)
        self._worker.ended.connect(self._on_ended)
        self._worker.start()
        self.changed.emit()

    def _on_event(self, event: JobEvent) -> None:
        if isinstance(event, Progress):
            self.told.emit(event)
        elif isinstance(event, Warned):
            notify.warn(event.message)

    def _on_ended(self, outcome: Outcome[AdaptResult]) -> None:
        if self._worker is not None:
            self._worker.deleteLater()
        self._worker = None
        if outcome.reason is FinishReason.COMPLETED:
            self.result = outcome.result
            self.refresh()
        elif outcome.reason is FinishReason.FAILED:
            notify.complain(outcome.message)
        self.changed.emit()

    def _on_accepted(self, worth: Worth) -> None:
        self.is_accepted, self.asks_again = True, False
        notify.tell("The new revision is in use from the next run on. Z goes back.")
        self._take(worth)

    def _on_gone_back(self, worth: Worth) -> None:
        self._forget()
        notify.tell("The revision before is in use again.")
        self._take(worth)

    def _take(self, worth: Worth) -> None:
        self.worth = worth
        self.changed.emit()

    def _forget(self) -> None:
        self.result, self.is_accepted, self.asks_again = None, False, False
