"""The models a person can choose from: embedded ones, installed copies, and trained ones where they lie."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import CardError, WriteError, unknown_choice
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.package import ModelPackage
from napari_medclf.store.bundle import copy_package, is_package, read_package, verify_package
from napari_medclf.store.foreign import copy_foreign, verify_foreign

_EMBEDDED = Path(__file__).parents[1] / "models"
_HOME_VARIABLE = "MEDCLF_HOME"
_NATIVE = "native"


class _Link(BaseModel):
    """A model that stays where it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    folder: str


@dataclass(frozen=True)
class Listing:
    """What a catalogue holds, and what is wrong with the rest, as sentences."""

    packages: tuple[ModelPackage, ...]
    problems: tuple[str, ...] = ()


def default_user_folder() -> Path:
    """Where this program keeps a person's models and settings; ``MEDCLF_HOME`` overrules it."""
    chosen = os.environ.get(_HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("napari-medclf", appauthor=False)


@dataclass(frozen=True)
class Catalogue:
    """The models of one person; reads the disk at every call, so it is never out of date.

    Parameters
    ----------
    user_folder : Path
        Holds ``models/<name>/`` (installed) and ``models/<name>.json`` (trained, registered).
    embedded_folder : Path
        Holds the packages that came with this program.
    """

    user_folder: Path = field(default_factory=default_user_folder)
    embedded_folder: Path = _EMBEDDED

    @property
    def models_folder(self) -> Path:
        """Where installed models are."""
        return self.user_folder / "models"

    def packages(self) -> tuple[ModelPackage, ...]:
        """The usable models, embedded ones first, each name once."""
        return self.listing().packages

    def listing(self) -> Listing:
        """List the usable models and tell what is wrong with the others; nothing raises."""
        found: dict[str, ModelPackage] = {}
        problems: list[str] = []
        for folder, is_embedded in self._folders(problems):
            try:
                package = read_package(folder, is_embedded=is_embedded)
            except CardError as error:
                problems.append(str(error))
                continue
            hidden_by = found.setdefault(package.name.casefold(), package)
            if hidden_by is not package:
                problems.append(
                    f"{folder}: the name {package.name!r} belongs to the model in {hidden_by.folder} already; "
                    "choose this one by its folder."
                )
        return Listing(tuple(found.values()), tuple(problems))

    def named(self, name: str) -> ModelPackage | None:
        """Find a model by its name, ignoring case; None without one."""
        return next((one for one in self.packages() if one.name.casefold() == name.casefold()), None)

    def find(self, name_or_path: str | Path) -> ModelPackage:
        """Find a model by name, ignoring case, or by its folder.

        Raises
        ------
        CardError
            If there is none, with the nearest name; or the folder's package is damaged.
        """
        text = str(name_or_path)
        listing = self.listing()
        for package in listing.packages:
            if package.name.casefold() == text.casefold():
                return package
        path = Path(text).expanduser()
        try:
            is_folder = path.is_dir()
        except OSError:  # too long for a name
            is_folder = False
        if is_folder and (is_package(path) or path.name != text):
            return read_package(path)
        if os.sep in text or "/" in text:
            raise CardError(f"{text}: is no model package, and no model has that name.")
        broken = [problem for problem in listing.problems if f"{os.sep}{text}" in problem]
        if broken:
            raise CardError(broken[0])
        raise CardError(unknown_choice("model", text, [package.name for package in listing.packages]))

    def install(self, package: ModelPackage, source: str = "") -> Job[ModelPackage]:
        """Copy a model of any kind into the catalogue; an installed one of the same name is exchanged.

        Parameters
        ----------
        source : str
            Where it was downloaded from.

        Raises
        ------
        CardError
            If it is damaged, or an embedded model has its name.
        WriteError
            If the catalogue cannot be written.
        """
        folder = self.models_folder / package.name
        if any(package.name.casefold() == one.name.casefold() for one in self._embedded()):
            raise CardError(
                f"The name {package.name!r} belongs to an embedded model; rename yours before installing it."
            )
        if package.folder.resolve() == folder.resolve():
            raise CardError(f"{folder}: is installed already.")
        if package.card.backend == _NATIVE:
            yield Progress(0, 0, f"copying {package.name}")
            installed = copy_package(package, folder)
        else:
            installed = yield from copy_foreign(package, folder, source)
        self._link_path(package.name).unlink(missing_ok=True)
        return installed

    def register(self, folder: Path) -> ModelPackage:
        """Show a model in the catalogue where it lies; used for what was just trained.

        Raises
        ------
        CardError
            If it is damaged.
        WriteError
            If the catalogue cannot be written.
        """
        package = read_package(folder)
        link = _Link(folder=str(Path(folder).resolve()))
        path = self._link_path(package.name)
        try:
            atomic_write(path, link.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error
        return package

    def remove(self, name: str) -> None:
        """Take a model out of the catalogue; an installed copy is deleted, a registered one stays on disk.

        Raises
        ------
        CardError
            If there is none, or it is embedded.
        WriteError
            If it cannot be deleted.
        """
        links = {path.stem.casefold(): path for path in self.models_folder.glob("*.json")}
        copies = {path.name.casefold(): path for path in self._installed()}
        key = name.casefold()
        try:
            if key in copies:
                _delete(copies[key])
            elif key in links:
                links[key].unlink()
            elif any(one.name.casefold() == key for one in self._embedded()):
                raise CardError(f"The model {name!r} came with this program and cannot be removed.")
            else:
                raise CardError(unknown_choice("model", name, [*links, *copies]))
        except OSError as error:
            raise WriteError(f"{name}: cannot be removed ({error.strerror or error}).") from error

    def verify(self) -> tuple[str, ...]:
        """Read the weights of every model; returns what is wrong, as sentences."""
        listing = self.listing()
        problems = list(listing.problems)
        for package in listing.packages:
            try:
                for _ in verify_model(package):
                    pass
            except CardError as error:
                problems.append(str(error))
        return tuple(problems)

    def _folders(self, problems: list[str]) -> Iterator[tuple[Path, bool]]:
        """Every folder that should be a package, and whether it is embedded."""
        yield from ((path, True) for path in _package_folders(self.embedded_folder))
        yield from ((path, False) for path in self._installed())
        for path in sorted(self.models_folder.glob("*.json")):
            try:
                folder = Path(_Link.model_validate_json(path.read_bytes()).folder)
            except (OSError, ValidationError):
                problems.append(f"{path}: is damaged; remove the model {path.stem!r} and register it again.")
                continue
            if folder.is_dir():
                yield folder, False
            else:
                problems.append(f"{folder}: the model {path.stem!r} was there and is gone; remove it from the list.")

    def _installed(self) -> tuple[Path, ...]:
        return _package_folders(self.models_folder)

    def _embedded(self) -> tuple[ModelPackage, ...]:
        return tuple(package for package in self.packages() if package.is_embedded)

    def _link_path(self, name: str) -> Path:
        return self.models_folder / f"{name}.json"


def verify_model(package: ModelPackage) -> Job[None]:
    """Read a model's files and compare them with its card, or with their digests at the time of installing.

    Raises
    ------
    CardError
        If they are damaged or others.
    """
    if package.card.backend == _NATIVE:
        yield Progress(0, 0, f"reading {package.name}")
        verify_package(package)
    else:
        yield from verify_foreign(package)


def _package_folders(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    visible = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    return tuple(sorted(visible))


def _delete(folder: Path) -> None:
    """Rename first, so that a kill in between leaves no half package under the name."""
    aside = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    folder.rename(aside)
    shutil.rmtree(aside)
