"""Say something about a study, an image, a slice or an object of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError, OptionError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.results import Scope

if TYPE_CHECKING:
    from napari_medclf.store.project import Project


@dataclass(frozen=True)
class MarkOptions:
    """What is said about what."""

    project: Path = option(help="folder of the project", positional=True)
    case: str = option(help="case of the project", positional=True)
    classes: tuple[str, ...] = option((), help="classes of it; none says that it has none of them")
    scope: Scope = option(Scope.IMAGE, help="what it is about")
    index: int | None = option(None, help="slice along --axis (from 0), or number of the object", minimum=0)
    axis: int = option(0, help="axis that the slices are counted along: 0 = k, 1 = j, 2 = i", minimum=0, maximum=2)
    unsure: bool = option(False, help="not sure: nothing is learned from it")
    withdraw: bool = option(False, help="take back what was said about it")
    comment: str = option("", help="a remark; name nobody in it")
    author: str = option("", help="who says it; by default the user of this computer")

    def __post_init__(self) -> None:
        check_options(self)
        needs_index = self.scope in (Scope.SLICE, Scope.OBJECT)
        if needs_index != (self.index is not None):
            raise OptionError(
                f"Say with --index which {self.scope} is meant."
                if needs_index
                else f"--index is for slices and objects, not for the whole {self.scope}."
            )


def add_mark(options: MarkOptions) -> Job[Mark]:
    """Keep one mark.

    Raises
    ------
    DatasetError
        If the folder is no project, or the case is not there or locked.
    OptionError
        If the image has no such slice.
    WriteError
        If it cannot be written.
    """
    from napari_medclf.store.authorship import current_author, now_utc
    from napari_medclf.store.project import Project

    yield Progress(0, 0, "saving")
    mark = Mark(
        case_id=options.case,
        scope=options.scope,
        index=options.index,
        axis=options.axis if options.scope is Scope.SLICE else None,
        classes=options.classes,
        is_unsure=options.unsure,
        is_withdrawn=options.withdraw,
        comment=options.comment,
        author=options.author or current_author(),
        created=now_utc(),
    )
    project = Project.open(options.project)
    if options.scope is Scope.SLICE and not options.withdraw:
        _check_slice(project, options)
    project.save_mark(mark)
    return mark


def _check_slice(project: Project, options: MarkOptions) -> None:
    """Refuse a slice that the image does not have; an image that is not at hand cannot be asked."""
    from napari_medclf.io.read import read_image

    image = project.case(options.case).image
    try:
        shape = read_image(image.path, image.member).geometry.shape
    except (MedclfError, OSError):
        return
    if options.index is not None and options.index >= shape[options.axis]:
        raise OptionError(
            f"{options.case}: there is no slice {options.index} along axis {options.axis}; "
            f"the last of its {shape[options.axis]} slices is {shape[options.axis] - 1}."
        )
