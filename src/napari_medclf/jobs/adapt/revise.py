"""Take a revision into use, go back to the one before, and list them all with their scores."""

from __future__ import annotations

from dataclasses import dataclass

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.revision import DataRevision, LearnedBy, ModelRevision
from napari_medclf.domain.verdict import Change
from napari_medclf.store.authorship import current_author
from napari_medclf.store.project import Project
from napari_medclf.store.revisions import Revisions


@dataclass(frozen=True)
class Moment:
    """A revision on the time line.

    Parameters
    ----------
    data : DataRevision or None
        What it learned from; None for the model that the project began with.
    is_current : bool
        Whether it is the one in use.
    """

    revision: ModelRevision
    data: DataRevision | None
    is_current: bool

    @property
    def main(self) -> Change | None:
        """The main number of its verdict; None where there is none."""
        verdict = self.revision.verdict
        return verdict.changes[0] if verdict is not None and verdict.changes else None


def accept(project: Project, revision_id: str, author: str = "", *, is_confirmed: bool = False) -> ModelPackage:
    """Take a revision into use.

    Parameters
    ----------
    is_confirmed : bool
        A person has seen the verdict and wants it all the same. Without that, a revision that is worse anywhere, or
        of which nothing is known, is refused.

    Raises
    ------
    OptionError
        If the verdict asks for a second thought.
    CardError
        If the package was changed since it was kept.
    """
    revisions = Revisions(project.folder)
    revision = revisions.find(revision_id)
    verdict = revision.verdict
    is_first = revision.learned_by is LearnedBy.IMPORT
    if not is_first and not is_confirmed and (verdict is None or not verdict.may_be_accepted):
        said = verdict.sentence if verdict is not None else "It was not measured."
        raise OptionError(f"{revision.revision_id} was not accepted. {said} Confirm it to use it all the same.")
    return revisions.use(revision, "import" if is_first else "accept", author or current_author())


def roll_back(project: Project, author: str = "") -> ModelPackage:
    """Go back to the revision that was in use before; its package is the one that was kept, to the bit.

    Raises
    ------
    OptionError
        If there is none before.
    CardError
        If its package was changed since.
    """
    revisions = Revisions(project.folder)
    earlier = revisions.earlier()
    if earlier is None:
        raise OptionError(f"{project.folder}: there is no earlier revision to go back to.")
    return revisions.use(earlier, "roll-back", author or current_author())


def current_package(project: Project) -> ModelPackage | None:
    """Return the model in use; None where the project has none of its own."""
    revisions = Revisions(project.folder)
    current = revisions.current()
    return None if current is None else revisions.package(current)


def time_line(project: Project) -> tuple[Moment, ...]:
    """List all revisions, oldest first, with what they learned from."""
    revisions = Revisions(project.folder)
    data, current = revisions.data(), revisions.current()
    return tuple(
        Moment(one, data.get(one.data_revision_id), current is not None and one.revision_id == current.revision_id)
        for one in revisions.models()
    )
