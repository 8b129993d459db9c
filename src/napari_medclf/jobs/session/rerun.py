"""Do a project's session again: labels from their base and the strokes, models from what they learned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.annotation import Annotation
from napari_medclf.domain.errors import MedclfError, ReadError
from napari_medclf.domain.events import CaseDone, CaseFailed, Job, Progress
from napari_medclf.domain.revision import LearnedBy
from napari_medclf.jobs.session.restore import nanoseconds
from napari_medclf.store.project import Project, ProjectCase
from napari_medclf.store.revisions import Revisions
from napari_medclf.store.strokes.history import StrokeHistory, painted_images
from napari_medclf.store.strokes.moment import Moment, View

_KINDS = ("u1", "u2", "i2", "u4", "i4", "u8", "i8")


@dataclass(frozen=True)
class AgainAnswer:
    """Labels that were made again from what a journal holds.

    Parameters
    ----------
    digest : str
        What the answer was saved with.
    n_strokes : int
        Strokes that lead to it from its base.
    reason : str
        Why they are not the same; empty where they are.
    """

    case_id: str
    author: str
    created: str
    digest: str
    n_strokes: int = 0
    reason: str = ""

    @property
    def is_same(self) -> bool:
        """Whether every voxel is as it was saved."""
        return not self.reason


@dataclass(frozen=True)
class AgainModel:
    """A revision that learned again.

    Parameters
    ----------
    expected, found : str
        SHA-256 of the weights then and now; `found` is empty where it could not learn again.
    """

    revision_id: str
    learned_by: str
    expected: str
    found: str = ""
    reason: str = ""

    @property
    def is_same(self) -> bool:
        """Whether every weight is as it was."""
        return self.expected == self.found


@dataclass(frozen=True)
class SessionRerun:
    """All that was done again, and how many answers nobody painted on in a window: those have no strokes."""

    answers: tuple[AgainAnswer, ...]
    models: tuple[AgainModel, ...]
    n_without_strokes: int


def rerun_session(folder: Path, out: Path) -> Job[SessionRerun]:
    """Replay every painted answer and every adaptation of a project; each that differs is a failure.

    Parameters
    ----------
    out : Path
        Folder for the models that learn again.

    Raises
    ------
    DatasetError
        If it is no project, or of a newer version.
    """
    project = Project.open(folder)
    answers: list[AgainAnswer] = []
    layers: dict[str, list[str]] = {}
    for start, layer in painted_images(folder):
        layers.setdefault(start, []).append(layer)
    n_without = 0
    for case in project.cases():
        histories = [StrokeHistory(folder, case.image_digest, one) for one in layers.get(case.image_digest[:16], [])]
        labelled = [one.annotation for one in case.versions if one.annotation.label_digest]
        n_without += 0 if histories else len(labelled)
        for annotation in labelled if histories else []:
            yield Progress(len(answers), 0, f"painting {case.case_id} again")
            again = _again(histories, annotation)
            if not again.is_same and _is_from_file(histories, annotation):
                n_without += 1
                continue
            answers.append(again)
            yield _told(case, again)
    models = yield from _learn_again(project, out)
    return SessionRerun(tuple(answers), models, n_without)


def _is_from_file(histories: list[StrokeHistory], annotation: Annotation) -> bool:
    """Whether an answer was made elsewhere, though somebody painted on its image, too."""
    digest = annotation.label_digest
    return not annotation.n_strokes and all(
        one.label_digest != digest for history in histories for one in history.saved()
    )


def _told(case: ProjectCase, again: AgainAnswer) -> CaseDone | CaseFailed:
    if again.is_same:
        return CaseDone(case.case_id, case.image.path, again)
    return CaseFailed(case.case_id, case.image.path, again.reason)


def _again(histories: list[StrokeHistory], annotation: Annotation) -> AgainAnswer:
    """Replay to the moment at which the answer was saved."""
    about = (annotation.case_id, annotation.author, annotation.created, annotation.label_digest)
    reason = "no moment of its strokes was saved with these labels"
    for history in histories:
        for moment, view in _moments(history, annotation):
            try:
                replayed = history.replay(until=moment, view=view)
            except ReadError as error:
                reason = str(error)
                continue
            if _has_digest(replayed.labels, annotation.label_digest):
                return AgainAnswer(*about, replayed.n_strokes)
            reason = "the strokes lead to other labels than were saved"
    return AgainAnswer(*about, reason=reason)


def _moments(history: StrokeHistory, annotation: Annotation) -> list[tuple[Moment, View | None]]:
    """Where the answer may have been saved: as the journal says, or else by the clock."""
    told = [(one.moment, one.view) for one in history.saved() if one.label_digest == annotation.label_digest]
    created_ns = nanoseconds(datetime.fromisoformat(annotation.created))  # to the second
    by_clock: list[tuple[Moment, View | None]] = [
        (Moment.end_of(created_ns), None),
        (Moment.end_of(created_ns + 10**9), None),
    ]
    return told or by_clock  # a kill may have come before the journal was told


def _has_digest(labels: NDArray[Any], digest: str) -> bool:
    """Whether labels have a digest in any type that holds them: replaying takes the smallest one it can."""
    from napari_medclf.io.digest import array_digest

    most = int(labels.max(initial=0))
    fitting = [labels.dtype, *(np.dtype(kind) for kind in _KINDS if np.iinfo(kind).max >= most)]
    return any(array_digest(labels.astype(kind)) == digest for kind in dict.fromkeys(fitting))


def _learn_again(project: Project, out: Path) -> Job[tuple[AgainModel, ...]]:
    from napari_medclf.jobs.session.learn_again import learn_again

    models: list[AgainModel] = []
    for revision in Revisions(project.folder).models():
        if revision.learned_by is LearnedBy.IMPORT:
            continue
        about = (revision.revision_id, revision.learned_by.value, revision.weights_sha256)
        yield Progress(len(models), 0, f"learning {revision.revision_id} again")
        try:
            found = yield from learn_again(project, revision, out / revision.revision_id)
        except MedclfError as error:
            again = AgainModel(*about, reason=str(error))
        else:
            same = found == revision.weights_sha256
            again = AgainModel(*about, found, "" if same else "learning led to other weights than were kept")
        models.append(again)
        if again.reason:
            yield CaseFailed(revision.revision_id, project.folder / revision.package, again.reason)
    return tuple(models)
