"""Decide between two readers: take one's answer or merge them, and save it as the adjudicator's own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError, OptionError, unknown_choice
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.results import Segmentation
from napari_medclf.domain.voxel_origin import VoxelOrigin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.domain.voxel_origin import OriginMap
    from napari_medclf.jobs.people.readings import Reading
    from napari_medclf.store.project import Project, ProjectCase, SavedAnnotation

_ORIGIN = LabelSchema.from_names(["person", "both"], first_value=1)


class Merge(StrEnum):
    """How answers become one."""

    NONE = "none"
    UNION = "union"
    """Foreground where one of them found some; where classes differ, the first reader's."""
    INTERSECTION = "intersection"
    """Only what all found alike."""
    MAJORITY = "majority"
    """What most found; background, or the first reader's class, where votes are even."""


@dataclass(frozen=True)
class AdjudicateOptions:
    """Between whom to decide about which case, and how; without a case, what has to be decided is listed."""

    project: Path = option(help="folder of the project", positional=True)
    case: str = option("", help="the case to decide about; without one the cases are listed, farthest apart first")
    choose: str = option("", help="take this reader's answer")
    merge: Merge = option(Merge.NONE, help="make one answer of all readers'")
    reader: tuple[str, ...] = option((), help="only between these people; by default all who answered")
    author: str = option("", help="who decides; by default the user of this computer")
    comment: str = option("", help="why")

    def __post_init__(self) -> None:
        check_options(self)
        if self.case and bool(self.choose) == (self.merge is not Merge.NONE):
            raise OptionError("Give either --choose READER or --merge union, intersection or majority.")


@dataclass(frozen=True)
class Dispute:
    """A case that two or more people read.

    Parameters
    ----------
    difference : float
        Of the two readers who are farthest apart, from 0 (the same) to 1.
    is_decided : bool
        Whether an adjudicator's answer counts.
    """

    case_id: str
    readers: tuple[str, ...]
    difference: float
    is_decided: bool


@dataclass(frozen=True)
class Adjudicated:
    """What was decided, or what has to be."""

    disputes: tuple[Dispute, ...] = ()
    annotation: Annotation | None = None


def adjudicate(options: AdjudicateOptions) -> Job[Adjudicated]:
    """Decide about one case, or list what has to be decided; no model is needed.

    Raises
    ------
    DatasetError
        If there is no such project, case or reader, or the case is locked.
    OptionError
        If objects shall be merged, whose numbers mean nothing to each other.
    WriteError
        If the answer cannot be written.
    """
    from napari_medclf.store.project import Project

    project = Project.open(options.project)
    if not options.case:
        return Adjudicated((yield from list_disputes(project, options.reader)))
    yield Progress(0, 2, f"opening the answers for {options.case}")
    case = project.case(options.case)
    readings = _open(case, options)
    yield Progress(1, 2, "saving")
    saved = decide(project, case, readings, options)
    return Adjudicated(annotation=saved.annotation)


def list_disputes(project: Project, readers: Sequence[str] = ()) -> Job[tuple[Dispute, ...]]:
    """List the cases that two or more people read, undecided and farthest apart first."""
    from napari_medclf.jobs.people.readings import difference, readings_of

    cases = [case for case in project.cases() if len(set(case.readers) & set(readers or case.readers)) > 1]
    found = []
    for number, case in enumerate(cases):
        yield Progress(number, len(cases), case.case_id)
        readings = readings_of(case, readers)
        apart = max((difference(a, b, project.info) for a, b in combinations(readings, 2)), default=0.0)
        is_decided = case.answer is not None and bool(case.answer.adjudicates)
        found.append(Dispute(case.case_id, tuple(one.reader for one in readings), apart, is_decided))
    return tuple(sorted(found, key=lambda one: (one.is_decided, -one.difference)))


def decide(
    project: Project, case: ProjectCase, readings: Sequence[Reading], options: AdjudicateOptions
) -> SavedAnnotation:
    """Save one answer between readers.

    Every voxel of it is vouched for where a reader had painted; where readers differ, the adjudicator vouches.

    Raises
    ------
    DatasetError, OptionError, WriteError
        As `adjudicate`.
    """
    from napari_medclf.io.digest import array_digest
    from napari_medclf.io.write import write_segmentation
    from napari_medclf.store.project import current_author, now_utc

    if options.merge is not Merge.NONE and project.info.task is Task.INSTANCES:
        raise OptionError("Numbered objects of two readers cannot be merged; choose one of them.")
    labels = _labels(readings, options)
    schema, is_instances = project.info.classes, project.info.task is Task.INSTANCES
    geometry = next((one.geometry for one in readings if one.geometry is not None), None)
    painted = origin = None
    if labels is not None and geometry is not None:
        painted = Segmentation(labels, geometry, schema, is_instances)
        origin = Segmentation(_origin(readings), geometry, _ORIGIN)
    annotation = Annotation(
        case_id=case.case_id,
        group_id=case.group_id,
        image_digest=case.image_digest,
        label_digest="" if labels is None else array_digest(labels),
        classes=_classes(readings, options),
        origin=Origin.MANUAL,
        author=options.author or current_author(),
        n_edited_vox=0 if origin is None else int(np.count_nonzero(origin.labels)),
        comment=options.comment,
        created=now_utc(),
    )
    return project.save_annotation(
        annotation,
        write_labels=None if painted is None else lambda path: write_segmentation(painted, path),
        write_edited=None if origin is None else lambda path: write_segmentation(origin, path),
        adjudicates=tuple(one.reader for one in readings),
    )


def merge_labels(maps: Sequence[LabelArray], merge: Merge) -> LabelArray:
    """Make one label image of several on one grid.

    >>> merge_labels([np.array([1, 1, 0]), np.array([1, 2, 2])], Merge.UNION).tolist()
    [1, 1, 2]
    """
    first, stack = maps[0], np.stack(maps)
    if merge is Merge.INTERSECTION:
        return np.where((stack == first).all(axis=0), first, 0).astype(first.dtype)
    if merge is Merge.UNION:
        merged = first.copy()
        for other in maps[1:]:
            merged = np.where(merged == 0, other, merged)
        return merged
    values = np.unique(stack)
    votes = np.stack([(stack == value).sum(axis=0) for value in values])
    most = votes.max(axis=0)
    is_first = np.take_along_axis(votes, np.searchsorted(values, first)[None], axis=0)[0] == most
    return np.where(is_first & (first != 0), first, values[votes.argmax(axis=0)]).astype(first.dtype)


def merge_classes(said: Sequence[frozenset[str]], merge: Merge) -> frozenset[str]:
    """Make one set of classes of several.

    >>> sorted(merge_classes([frozenset({"a", "b"}), frozenset({"b"})], Merge.INTERSECTION))
    ['b']
    """
    everything = frozenset[str]().union(*said)
    at_least = {Merge.UNION: 1, Merge.INTERSECTION: len(said)}.get(merge, len(said) // 2 + 1)
    return frozenset(name for name in everything if sum(name in one for one in said) >= at_least)


def _open(case: ProjectCase, options: AdjudicateOptions) -> tuple[Reading, ...]:
    from napari_medclf.jobs.people.readings import readings_of

    readings = readings_of(case, options.reader)
    names = [one.reader for one in readings]
    if len(names) < 2:
        raise DatasetError(f"{case.case_id}: was read by {len(names)} of them; there is nothing to decide between.")
    if options.choose and options.choose not in names:
        raise DatasetError(f"{case.case_id}: {unknown_choice('reader', options.choose, names)}")
    return readings


def _labels(readings: Sequence[Reading], options: AdjudicateOptions) -> LabelArray | None:
    chosen = next((one for one in readings if one.reader == options.choose), None)
    if chosen is not None:
        return chosen.labels
    maps = [one.labels for one in readings if one.labels is not None]
    return merge_labels(maps, options.merge) if maps else None


def _classes(readings: Sequence[Reading], options: AdjudicateOptions) -> tuple[str, ...] | None:
    chosen = next((one for one in readings if one.reader == options.choose), None)
    if chosen is not None:
        return chosen.classes
    said = [frozenset(one.classes) for one in readings if one.classes is not None]
    return tuple(sorted(merge_classes(said, options.merge))) if said else None


def _origin(readings: Sequence[Reading]) -> OriginMap:
    """Where a reader vouched for a voxel it stays so; where readers differ a person decides now."""
    from napari_medclf.io.labels import read_label_map

    maps = [one.labels for one in readings if one.labels is not None]
    origin = np.zeros(maps[0].shape, dtype=np.uint8)
    for one in readings:
        if one.saved.edited_mask is not None:
            edited = read_label_map(one.saved.edited_mask.path, one.saved.edited_mask.member).labels
            origin = np.maximum(origin, edited.astype(np.uint8))
    stack = np.stack(maps)
    origin[(stack != stack[0]).any(axis=0)] = VoxelOrigin.PERSON
    return origin
