"""Put an ensemble and its members, which may lie anywhere, into one folder that can be sent."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.jobs.runs.cluster.manifest import paths_of

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage

_MEMBERS = "members"


def pack(package: ModelPackage, folder: Path) -> ModelPackage:
    """Give a model that needs nothing beside its own folder.

    Parameters
    ----------
    folder : Path
        Where an ensemble is put together; on the disk of the models, files are linked and not copied.

    Returns
    -------
    ModelPackage
        Of an ensemble, one in `folder` whose list names members below it; any other model as it is.

    Raises
    ------
    CardError
        If a member is not there, or has other weights than when the ensemble was made.
    WriteError
        If it cannot be put together.
    """
    if package.card.backend != "ensemble":
        return package
    from napari_medclf.backends.ensemble.file import check_nesting

    check_nesting(package.files[0])
    try:
        return _pack(package, folder / package.folder.name)
    except OSError as error:
        raise WriteError(f"{folder}: the ensemble cannot be put together there ({error.strerror or error}).") from error


def _pack(package: ModelPackage, folder: Path) -> ModelPackage:
    from napari_medclf.backends.ensemble.file import find_member, read_ensemble, write_ensemble

    content = read_ensemble(package.files[0])
    members = []
    for position, entry in enumerate(content.members):
        member = find_member(entry, package.folder)
        place = folder / _MEMBERS / f"{position:02d}" / member.folder.name
        is_nested = member.card.backend == "ensemble"
        where = _pack(member, place).files[0] if is_nested else _copied(member, place)
        members.append(entry.model_copy(update={"model": where.relative_to(folder).as_posix()}))
    listed = folder / package.files[0].name
    write_ensemble(content.model_copy(update={"members": tuple(members)}), listed)
    others = sorted(path for path in (folder / _MEMBERS).rglob("*") if path.is_file())
    return replace(package, folder=folder, files=(listed, *others))


def _copied(member: ModelPackage, folder: Path) -> Path:
    """Bring a member's files below a folder; gives the path by which it is opened there."""
    for path in paths_of(member):
        new = folder / path.relative_to(member.folder)
        new.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, new)
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, new)
    return _opened_by(member, folder)


def _opened_by(member: ModelPackage, folder: Path) -> Path:
    """Find out whether a kind of model is opened by its folder or by one of its files."""
    from napari_medclf.backends.registry import open_model

    for path in (folder, *(folder / one.relative_to(member.folder) for one in member.files)):
        try:
            if open_model(path).card == member.card:
                return path
        except CardError:
            continue
    raise CardError(f"The member {member.name!r} cannot be opened in another folder, and so not be sent to workers.")
