"""Bring a model of any kind into the catalogue: from a file, a folder, a zip file, or the online list."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.domain.events import Job, Progress, Warned

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.store.zoo.entry import ZooEntry

_DEEPEST = 3


def install(model: str, card: Path | None = None, name: str = "", mirror: str = "") -> Job[ModelPackage]:
    """Copy a model into the catalogue; one of the same name is exchanged.

    Parameters
    ----------
    model : str
        A file, folder or zip file, or a name of the online list.
    card : Path or None
        JSON file that says about the model what its own files do not.
    name : str
        In place of the model's own; empty keeps it.
    mirror : str
        Address or folder to download from, in place of the authors' servers.

    Raises
    ------
    CardError
        If there is no such model, or it is damaged.
    ServerError
        If it cannot be downloaded.
    WriteError
        If the catalogue cannot be written.
    """
    from napari_medclf.store.catalogue import Catalogue

    path = Path(model).expanduser()
    catalogue = Catalogue()
    if not path.exists():
        return (yield from _install_online(_entry_named(model), card, name, mirror))
    yield Progress(0, 0, f"reading {path.name}")
    if path.is_file() and zipfile.is_zipfile(path) and path.suffix.lower() == ".zip":
        return (yield from _install_zip(path, card, name))
    return (yield from catalogue.install(_open(path, card, name)))


def _install_zip(path: Path, card: Path | None, name: str) -> Job[ModelPackage]:
    from napari_medclf.store.catalogue import Catalogue
    from napari_medclf.store.zoo.entry import read_zoo
    from napari_medclf.store.zoo.fetch import work_folder
    from napari_medclf.store.zoo.pins import check_file
    from napari_medclf.store.zoo.unpack import unpack

    catalogue = Catalogue()
    listed = read_zoo().of_file(path.name)
    if listed is not None:
        yield from check_file(path, listed[1], catalogue.user_folder)
    with work_folder(catalogue.user_folder) as folder:
        yield from unpack(path, folder / "content")
        entry = None if listed is None else listed[0]
        package = _open_inside(folder / "content", path.name, card, name, entry)
        return (yield from catalogue.install(package, "" if listed is None else listed[1].url))


def _install_online(entry: ZooEntry, card: Path | None, name: str, mirror: str) -> Job[ModelPackage]:
    from napari_medclf.store.catalogue import Catalogue
    from napari_medclf.store.zoo.fetch import chosen_mirror, fetch, work_folder

    _check_usable(entry, card)
    catalogue = Catalogue()
    yield Warned(f"{entry.name} {entry.version} is offered under the licence {entry.licence}; see {entry.page}.")
    with work_folder(catalogue.user_folder) as folder:
        yield from fetch(entry, folder, catalogue.user_folder, chosen_mirror(mirror))
        package = _open_inside(folder / "content", entry.name, card, name, entry)
        return (yield from catalogue.install(package, entry.files[0].url))


def _check_usable(entry: ZooEntry, card: Path | None) -> None:
    """Refuse before the download what could not be used after it."""
    from napari_medclf.backends.registry import find_backend

    if not entry.is_runnable:
        raise CardError(f"{entry.name}: this program cannot run it; its task is {entry.task}. See {entry.page}.")
    if entry.needs_card and card is None:
        raise CardError(
            f"{entry.name}: does not say all that is needed to run it; write a card and name it with --card. What its "
            f"author says is at {entry.page}."
        )
    reason = find_backend(entry.backend).unavailable_because()
    if reason:
        raise BackendUnavailable(reason)


def _entry_named(name: str) -> ZooEntry:
    import difflib

    from napari_medclf.store.zoo.entry import read_zoo

    zoo = read_zoo()
    entry = zoo.named(name)
    if entry is not None:
        return entry
    near = difflib.get_close_matches(name, [one.name for one in zoo.models], n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise CardError(
        f"{name}: is no file or folder, and no model of the online list has that name.{guess} "
        "`medclf models list --online` lists them."
    )


def _open_inside(folder: Path, shown: str, card: Path | None, name: str, entry: ZooEntry | None) -> ModelPackage:
    """Open the model in an unpacked folder; archives often hold it a few folders down.

    Raises
    ------
    CardError
        If there is none, or what is there is damaged.
    """
    from napari_medclf.backends.registry import find_backend, list_backends
    from napari_medclf.store.sidecar import has_sidecar, read_card_file

    backends = list_backends() if entry is None else (find_backend(entry.backend),)
    folders = list(_folders(folder))
    files = [one for place in folders for one in sorted(place.iterdir()) if one.is_file()]
    for place in (*folders, *files):
        if has_sidecar(place):
            return _open(place, card, name or ("" if entry is None else entry.name))
        for backend in backends:
            if backend.recognises(place):
                package = backend.read(place, None if card is None else read_card_file(card))
                described = package if entry is None else _described(package, entry)
                return _renamed(described, name or (package.name if entry is None else entry.name))
    kinds = "; ".join(one.title for one in backends)
    raise CardError(f"{shown}: holds no model that this program knows. Known are: {kinds}.")


def _described(package: ModelPackage, entry: ZooEntry) -> ModelPackage:
    """Take from the list what a model's own files leave open: a short title, its version, its licence."""
    card = package.card
    changes = {"title": entry.title}
    if card.version in ("", "0"):
        changes["version"] = entry.version
    if card.licence.startswith("not "):
        changes["licence"] = entry.licence
    return replace(package, card=card.model_copy(update=changes))


def _folders(folder: Path) -> Iterator[Path]:
    """A folder and those inside of it, the upper ones first."""
    level = [folder]
    for _ in range(_DEEPEST):
        yield from level
        level = sorted(one for above in level for one in above.iterdir() if one.is_dir())


def _open(path: Path, card: Path | None, name: str) -> ModelPackage:
    from napari_medclf.backends.registry import open_model
    from napari_medclf.store.sidecar import read_card_file

    package = open_model(path, None if card is None else read_card_file(card))
    return _renamed(package, name or package.name)


def _renamed(package: ModelPackage, name: str) -> ModelPackage:
    from pydantic import ValidationError

    from napari_medclf.domain.card import ModelCard

    if name == package.name:
        return package
    if package.card.backend == "native":
        raise CardError(f"{package.folder}: has its name in its card; only models of other kinds can be renamed.")
    try:
        card = ModelCard.model_validate(package.card.model_copy(update={"name": name}).model_dump(by_alias=True))
    except ValidationError:
        raise CardError(
            f"{name!r} is no name for a model: up to 80 letters, digits, dots, dashes and underscores, the first of "
            "them a letter or a digit."
        ) from None
    return replace(package, card=card)
