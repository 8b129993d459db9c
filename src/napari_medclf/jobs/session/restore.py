"""Go back to any moment of painting: the labels as they were, as one more version of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.store.project import Project
from napari_medclf.store.strokes.history import Replayed, StrokeHistory
from napari_medclf.store.strokes.journal import StrokeJournal
from napari_medclf.store.strokes.moment import Moment, Step

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage

_MS_IN_NS = 1_000_000


@dataclass(frozen=True)
class RestoreOptions:
    """Whose labels, of which moment."""

    project: Path = option(help="folder of the project", positional=True)
    case: str = option(help="case that was painted on", positional=True)
    at: str = option(
        "",
        help="number of a stroke (0: before the first), or a time in UTC such as 2026-11-21T10:15:07; "
        "without it the strokes are listed",
    )
    out: Path | None = option(None, help="write the labels to this file; by default they become the newest answer")
    layer: str = option("", help="which labels, where a case has several that are painted apart", advanced=True)
    author: str = option("", help="who says it; by default the user of this computer")
    status: Status = option(Status.DONE, help="status of the restored answer", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Restored:
    """What can be gone back to, and what was gone back to.

    Parameters
    ----------
    steps : tuple of Step
        Every stroke, oldest first; its number is its place, from 1 on.
    n_strokes : int or None
        How many of them are in the restored labels; None where only the list was asked for.
    annotation : Annotation or None
        The new answer; None with `out`.
    """

    case_id: str
    steps: tuple[Step, ...]
    n_strokes: int | None = None
    annotation: Annotation | None = None
    out: Path | None = None
    notes: tuple[str, ...] = ()


def restore(options: RestoreOptions) -> Job[Restored]:
    """Restore labels, or list the moments that there are; nothing is ever overwritten.

    Raises
    ------
    DatasetError
        If there is no such case, or nobody painted on it.
    OptionError
        If the moment is not understood.
    ReadError
        If what the strokes lie on is not on the disk.
    """
    project = Project.open(options.project)
    case = project.case(options.case)
    history = StrokeHistory(project.folder, case.image_digest, options.layer)
    yield Progress(0, 0, f"reading the strokes on {case.case_id}")
    steps = history.moments()
    if not steps:
        raise DatasetError(f"{project.folder}: nobody painted on {case.case_id!r}.")
    if not options.at:
        return Restored(case.case_id, steps, notes=history.files.notes())  # what is lost moves the numbers
    until = moment_of(options.at, steps)
    replayed = history.replay(until=until)
    n_strokes = sum(step.moment <= until for step in steps)
    return (yield from _keep(options, project, replayed, Restored(case.case_id, steps, n_strokes)))


def moment_of(text: str, steps: tuple[Step, ...]) -> Moment:
    """Understand what a person typed: the number of a stroke, or a time.

    Raises
    ------
    OptionError
        If it is neither, or there is no such stroke.
    """
    if text.isdigit():
        number = int(text)
        if number > len(steps):
            raise OptionError(f"There is no stroke {number}; the last one is {len(steps)}.")
        return steps[number - 1].moment if number else Moment.end_of(steps[0].moment.t_ns - 1)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise OptionError(f"{text!r} is neither a stroke's number nor a time such as 2026-11-21T10:15:07.") from None
    return Moment.end_of(nanoseconds(when) + _MS_IN_NS - 1)  # all of the millisecond that a list shows


def nanoseconds(when: datetime) -> int:
    """Nanoseconds since 1970; a time that names no zone is UTC."""
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def _keep(options: RestoreOptions, project: Project, replayed: Replayed, found: Restored) -> Job[Restored]:
    from napari_medclf.io.read import read_image
    from napari_medclf.io.write import write_segmentation

    case = project.case(found.case_id)
    yield Progress(0, 0, f"reading {case.image.path.name}")
    image = read_image(case.image.path, case.image.member)
    base = replayed.base
    segmentation = Segmentation(
        replayed.labels,
        image.geometry,
        base.classes if base is not None and base.classes is not None else project.info.classes,
        is_instances=base.is_instances if base is not None else False,
        source_digest=case.image_digest,
        name=base.name if base is not None else "",
    )
    if options.out is not None:
        write_segmentation(segmentation, options.out)
        return Restored(case.case_id, found.steps, found.n_strokes, out=options.out, notes=replayed.notes)
    annotation = yield from _save(options, project, image, segmentation, replayed)
    return Restored(case.case_id, found.steps, found.n_strokes, annotation, notes=replayed.notes)


def _save(
    options: RestoreOptions, project: Project, image: MedImage, segmentation: Segmentation, replayed: Replayed
) -> Job[Annotation]:
    """Save the labels as an answer, and put them under the strokes that come."""
    from dataclasses import replace

    from napari_medclf.jobs.correct import Answer, save_answer

    base, said = replayed.base, None
    if base is not None and base.model and replayed.model_labels is not None:
        before = replace(segmentation, labels=replayed.model_labels)
        said = Prediction(base.model, base.model_version, image.name, before, weights_sha256=base.weights_sha256)
    answer = Answer(segmentation, base=said, author=options.author, status=options.status, schema=segmentation.schema)
    annotation = yield from save_answer(project.folder, image, answer)
    _go_on_from(options, annotation, replayed)
    return annotation


def _go_on_from(options: RestoreOptions, annotation: Annotation, replayed: Replayed) -> None:
    """Let painting go on from the restored labels; the later strokes stay in the journal."""
    journal = StrokeJournal.open(options.project, annotation.image_digest, layer=options.layer)
    try:
        if replayed.base is not None:
            changes = {"is_empty": False, "is_checkpoint": False, "label_digest": annotation.label_digest}
            changes["dtype"] = replayed.labels.dtype.str
            seen = journal.history.replay().seen
            base_id = journal.begin_base(replayed.base.model_copy(update=changes), seen)
            journal.save_base(base_id, replayed.labels, replayed.origin, replayed.model_labels)
        journal.append_saved(annotation.label_digest)
    finally:
        journal.close()
