"""Learn from a project's corrections, measure before and after on its hold-out, and keep the result as a revision."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import Case, Dataset
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Noted, Progress
from napari_medclf.domain.revision import LearnedBy
from napari_medclf.domain.verdict import Verdict
from napari_medclf.jobs.adapt.holdout import Finished, finished_cases, held_out_cases, learnable_cases, ready_holdout
from napari_medclf.jobs.adapt.instant import refit_last_layer
from napari_medclf.jobs.adapt.judge import Asked, judge, unknown
from napari_medclf.jobs.adapt.measure import Scored, known_cases, measure_holdout
from napari_medclf.jobs.adapt.options import AdaptOptions, AdaptResult, Learns
from napari_medclf.jobs.adapt.parent import Parent, find_parent, recipe_of
from napari_medclf.jobs.adapt.publish import Draft, draft_of, keep
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.dataset.learned import image_digest
from napari_medclf.store.holdout import HoldOut
from napari_medclf.store.holdout_answers import AnswerShelf
from napari_medclf.store.project import Project
from napari_medclf.store.revisions import Revisions

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.engine.adapt.learn import Adapted, Net
    from napari_medclf.engine.adapt.lessons import Lessons
    from napari_medclf.engine.adapt.settings import AdaptSettings

_QUICK_MINUTES = {2: 0.12, 3: 0.4}
"""By the axes of the network's input: with the verdict a person shall wait for 10 s or 30 s at most."""
_MOST_QUICK_CASES = 48
"""Quick learning reads the newest cases only: more would not be drawn in its few steps."""


@dataclass(frozen=True)
class _Course:
    """What one adaptation works with."""

    options: AdaptOptions
    project: Project
    parent: Parent
    holdout: HoldOut | None
    lessons: Sequence[Finished]


def adapt(options: AdaptOptions) -> Job[AdaptResult]:
    """Make a new revision of a project's model; it is in use only once it is accepted.

    Raises
    ------
    DatasetError
        If there is nothing to learn from, or a case to learn from is held out.
    OptionError
        If the model does another thing than the project teaches.
    CardError
        If the model is damaged, or its kind cannot learn here.
    """
    started = time.perf_counter()
    yield Progress(0, 0, f"opening {options.project}")
    course = _prepare(options)
    adapted, images = yield from _learn(course)
    if 0 < adapted.n_steps < _settings(course).n_steps:
        yield Noted(f"{adapted.n_steps} steps were taken: more would not have fitted into the time.")
    draft = draft_of(course.parent, adapted, course.lessons, images, options)
    verdict = yield from _verdict(course, draft)
    revision = keep(course.project, draft, verdict)
    return AdaptResult(
        revision=revision,
        verdict=verdict,
        folder=course.project.folder / revision.package,
        n_cases=len(course.lessons),
        n_moved=adapted.n_moved,
        elapsed_s=time.perf_counter() - started,
    )


def _prepare(options: AdaptOptions) -> _Course:
    project = Project.open(options.project)
    finished = finished_cases(project)
    if not finished:
        raise DatasetError(f"{project.folder}: no case is finished yet; correct or accept some first.")
    parent = find_parent(project, options.model, options.author)
    holdout = ready_holdout(
        project, finished, _learned_from(project), options.hold_out_fraction, options.hold_out, options.author
    )
    lessons = learnable_cases(finished, holdout, options.cases)
    if options.kind is not LearnedBy.FINE_TUNE:
        newest = sorted(lessons, key=lambda one: one.answer.annotation.created)[-_MOST_QUICK_CASES:]
        lessons = [one for one in lessons if one in newest]
    return _Course(options, project, parent, holdout, lessons)


def _learned_from(project: Project) -> set[str]:
    """All cases that any revision has learned from, accepted or not."""
    return {name.rpartition(":")[0] for data in Revisions(project.folder).data().values() for name in data.annotations}


def _learn(course: _Course) -> Job[tuple[Adapted, frozenset[str]]]:
    """Learn; also returns which images were read for it."""
    from napari_medclf.engine.adapt.learn import adapt_network

    recipe, settings = recipe_of(course.parent.package), _settings(course)
    reader = _NotingReader(_dataset(course, [one.as_case for one in course.lessons]))
    if _is_refit(course.options):
        refitted = yield from refit_last_layer(course.parent, reader, settings.device)
        return refitted, frozenset(reader.digests)
    lessons = yield from _read_lessons(course, reader)
    adapted = yield from adapt_network(course.parent.network, course.parent.card, recipe, lessons, settings)
    return adapted, frozenset(reader.digests)


def _settings(course: _Course) -> AdaptSettings:
    from napari_medclf.engine.adapt.settings import Part, usual_settings
    from napari_medclf.engine.device import choose_device

    options = course.options
    usual = usual_settings(options.kind.value, course.parent.card.task)
    is_quick = options.kind is not LearnedBy.FINE_TUNE
    usual_minutes = _QUICK_MINUTES[course.parent.card.input.spatial_dims] if is_quick else None
    minutes = options.max_minutes or (usual_minutes if options.steps is None else None)
    return replace(
        usual,
        part=usual.part if options.learns is Learns.BY_KIND else Part(options.learns.value),
        n_steps=options.steps or usual.n_steps,
        lr=options.lr or usual.lr,
        max_s=None if minutes is None else minutes * 60,
        seed=options.seed,
        device=str(choose_device(options.device)),
    )


def _is_refit(options: AdaptOptions) -> bool:
    """Whether the last layer is solved for; asked for steps, or another part, it is learned step by step."""
    return options.kind is LearnedBy.INSTANT and options.steps is None and options.learns is Learns.BY_KIND


class _NotingReader(CaseReader):
    """Notes the digests of all images that it reads."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        self.digests: set[str] = set()

    def image(self, case: Case) -> MedImage:
        image = super().image(case)
        self.digests.add(image_digest(image))
        return image


def _read_lessons(course: _Course, reader: CaseReader) -> Job[Lessons]:
    """Read and prepare what is learned from; what the parent has not learned from yet is fresh."""
    from napari_medclf.engine.adapt.lessons import Lessons
    from napari_medclf.jobs.load_cases import load_cases

    data = Revisions(course.project.folder).data().get(course.parent.revision.data_revision_id)
    old = {one.case.case_id for one in course.lessons if data is not None and one.data_key in data.annotations}
    loaded = yield from load_cases(reader, reader.dataset.cases, course.parent.card.input)
    is_old = [one.case_id.partition("/")[0] in old for one in loaded]
    fresh = tuple(one for one, known in zip(loaded, is_old, strict=True) if not known)
    replayed = tuple(one for one, known in zip(loaded, is_old, strict=True) if known)
    return Lessons(fresh, replayed) if fresh else Lessons(replayed)


def _verdict(course: _Course, draft: Draft) -> Job[Verdict]:
    """Measure the parent and the new weights on the hold-out, and compare them."""
    if course.holdout is None:
        return unknown("nobody is held out yet; that begins with four finished patients.")
    task, parent = course.project.info.task, course.parent
    before = yield from _measured(course, course.holdout, parent.package, parent.network)
    after = yield from _measured(course, course.holdout, draft.package, draft.network)
    contaminated = known_cases([*before, *after], draft.learned)
    return (yield from judge(Asked(task, before, after, tuple(dict.fromkeys(contaminated)))))


def _measured(course: _Course, holdout: HoldOut, package: ModelPackage, network: Net) -> Job[list[Scored]]:
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.engine.model import place_model

    device = _settings(course).device
    loaded = place_model(package, copy.deepcopy(network), LoadSettings(device, "float32", "torch"))
    dataset = _dataset(course, held_out_cases(course.project, holdout))
    shelf = AnswerShelf(course.project.folder, package.card.weights_sha256)
    return (yield from measure_holdout(loaded, dataset, holdout, shelf))


def _dataset(course: _Course, cases: Sequence[Case]) -> Dataset:
    """Describe cases in the model's classes; those of the project are matched by name."""
    info, known = course.project.info, course.parent.card.schema_
    values = {one.value: known.named(one.name).value for one in info.classes.foreground if one.name in known.names}
    return Dataset(
        name=info.name,
        task=info.task,
        schema=known,
        cases=tuple(cases),
        path=course.project.folder,
        label_to_value=values if any(found != value for found, value in values.items()) else {},
        is_exclusive=course.parent.card.output.activation == "softmax",
    )
