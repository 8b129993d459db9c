"""Make a data set of marks, so that a classifier learns what people said about slices, objects, images or studies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import DatasetError, MedclfError, OptionError
from napari_medclf.domain.events import CaseFailed, Job, Progress
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.options import option
from napari_medclf.domain.results import Scope

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.store.project import Project, ProjectCase

TABLE = "labels.csv"


@dataclass(frozen=True)
class LearnableOptions:
    """Which marks become a data set, and where."""

    project: Path = option(help="folder of the project", positional=True)
    out: Path = option(help="new folder for the data set")
    scope: Scope = option(Scope.SLICE, help="marks of what: study, image, slice or object")
    multi: bool = option(False, help="one column a class, for classes that do not exclude each other")


@dataclass(frozen=True)
class Learnable:
    """A data set that was made.

    Parameters
    ----------
    n_unsure, n_disputed : int
        Things that were left out: nobody was sure, or authors said different classes.
    """

    folder: Path
    n_cases: int
    classes: tuple[str, ...]
    n_unsure: int = 0
    n_disputed: int = 0
    failed: tuple[CaseFailed, ...] = field(default=())


def make_learnable(options: LearnableOptions) -> Job[Learnable]:
    """Write the images that marks are about, and a table of their classes, to be learned from.

    Raises
    ------
    OptionError
        If the folder is there already.
    DatasetError
        If the folder is no project, or there is nothing to learn from.
    """
    from napari_medclf.jobs.dataset.writers.base import write_table
    from napari_medclf.store.project import Project

    if options.out.exists():
        raise OptionError(f"{options.out} is there already. Choose another folder for the data set.")
    yield Progress(0, 0, "reading the project")
    project = Project.open(options.project)
    said, n_unsure, n_disputed = _agreed(project.marks(), options.scope)
    if not said:
        raise DatasetError(
            f"{options.project}: no {options.scope} has classes that all authors agree on; {n_unsure} are unsure, "
            f"{n_disputed} disputed."
        )
    classes = tuple(sorted({name for mark in said for name in mark.classes}))
    if not options.multi and any(len(mark.classes) != 1 for mark in said):
        raise DatasetError("Some marks have no class, or several. Give --multi to learn each class for itself.")
    rows: list[dict[str, Any]] = []
    failed: list[CaseFailed] = []
    by_case: dict[str, list[Mark]] = defaultdict(list)
    for mark in said:
        by_case[mark.case_id].append(mark)
    for number, (case_id, marks) in enumerate(by_case.items()):
        yield Progress(number, len(by_case), f"cutting out of {case_id}")
        case = project.case(case_id)
        try:
            for mark, name, image in _parts(project, case, marks):
                rows.append(_row(mark, name, image, case, options, classes))
        except (MedclfError, OSError) as error:  # the marks of the other cases are still learned from
            failed.append(CaseFailed(case_id, case.image.path, str(error)))
            yield failed[-1]
    if not rows:
        raise DatasetError(f"{options.project}: none of the images could be read; {failed[0].reason}")
    write_table(options.out / TABLE, rows)
    return Learnable(options.out, len(rows), classes, n_unsure, n_disputed, tuple(failed))


def _agreed(marks: tuple[Mark, ...], scope: Scope) -> tuple[list[Mark], int, int]:
    """One mark of each thing that all authors say the same of; then how many are unsure, and disputed."""
    about: dict[Any, list[Mark]] = defaultdict(list)
    for mark in marks:
        if mark.scope is scope:
            about[mark.about].append(mark)
    kept, n_unsure, n_disputed = [], 0, 0
    for each in about.values():
        sure = [mark for mark in each if not mark.is_unsure]
        n_unsure += not sure
        if sure and len({frozenset(mark.classes) for mark in sure}) == 1:
            kept.append(sure[-1])
        else:
            n_disputed += bool(sure)
    return kept, n_unsure, n_disputed


def _parts(project: Project, case: ProjectCase, marks: list[Mark]) -> Iterator[tuple[Mark, str, MedImage]]:
    """Each mark of a case with a name and the part of the image it is about."""
    from napari_medclf.io.labels import read_label_map
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.marks.cut import cut_object, cut_slice, usual_side_vox

    image = read_image(case.image.path, case.image.member)
    objects = None
    for mark in marks:
        if mark.scope is Scope.SLICE:
            assert mark.axis is not None
            assert mark.index is not None
            yield mark, f"{case.case_id}-{'kji'[mark.axis]}{mark.index:04d}", cut_slice(image, mark.axis, mark.index)
        elif mark.scope is Scope.OBJECT:
            assert mark.index is not None
            if objects is None:
                answer = case.answer
                if answer is None or answer.label_map is None:
                    raise DatasetError(f"{project.folder}: {case.case_id!r} has no accepted labels with objects.")
                objects = read_label_map(answer.label_map.path).labels
                side_vox = usual_side_vox(objects)
            name = f"{case.case_id}-object{mark.index:05d}"
            yield mark, name, cut_object(image, objects, mark.index, side_vox)
        else:
            yield mark, case.case_id, image


def _row(
    mark: Mark, name: str, image: MedImage, case: ProjectCase, options: LearnableOptions, classes: tuple[str, ...]
) -> dict[str, Any]:
    from napari_medclf.jobs.dataset.writers.base import save_image

    path = save_image(image, options.out / "images", name)
    row = {"case_id": name, "path": path.relative_to(options.out).as_posix(), "group": case.group_id}
    if options.multi:
        return row | {one: int(one in mark.classes) for one in classes}
    return row | {"label": mark.classes[0]}
