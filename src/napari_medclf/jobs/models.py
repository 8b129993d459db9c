"""The models a person can choose from: list, show, install, remove, verify."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import CardError, OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage

ACTIONS = ("list", "show", "install", "remove", "verify")


@dataclass(frozen=True)
class ModelsOptions:
    """What to do with which model."""

    action: str = option("list", help="list, show, install, remove or verify", choices=ACTIONS, positional=True)
    model: str = option("", help="name of a model, or its folder; verify without one checks all", positional=True)

    def __post_init__(self) -> None:
        check_options(self)
        if not self.model and self.action in ("show", "install", "remove"):
            raise OptionError(f"`medclf models {self.action}` needs the name or the folder of a model.")


@dataclass(frozen=True)
class ModelsResult:
    """The models it was about, and what is wrong with others, as sentences."""

    action: str
    packages: tuple[ModelPackage, ...] = ()
    problems: tuple[str, ...] = ()
    removed: str = ""


def find_model(name_or_path: str) -> ModelPackage:
    """Find a model by name or folder.

    Raises
    ------
    CardError
        If there is none, with the nearest name.
    """
    from napari_medclf.store.catalogue import Catalogue

    return Catalogue().find(name_or_path)


def models(options: ModelsOptions) -> Job[ModelsResult]:
    """Carry out one action on the catalogue.

    Raises
    ------
    CardError
        If there is no such model, or it is damaged.
    """
    from napari_medclf.store.catalogue import Catalogue

    catalogue = Catalogue()
    if options.action == "remove":
        catalogue.remove(options.model)
        return ModelsResult(options.action, removed=options.model)
    if options.action == "install":
        return ModelsResult(options.action, (catalogue.install(Path(options.model)),))
    if options.action == "show":
        return ModelsResult(options.action, (catalogue.find(options.model),))
    if options.action == "verify":
        return (yield from _verify(options.model))
    listing = catalogue.listing()
    for problem in listing.problems:
        yield Warned(problem)
    return ModelsResult(options.action, listing.packages, listing.problems)


def _verify(model: str) -> Job[ModelsResult]:
    """Read the weights, compare them with the card, and let the network answer to its fingerprint."""
    from napari_medclf.backends.registry import load
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.store.bundle import verify_package
    from napari_medclf.store.catalogue import Catalogue

    listing = Catalogue().listing()
    packages = (Catalogue().find(model),) if model else listing.packages
    problems = [] if model else list(listing.problems)
    good: list[ModelPackage] = []
    for position, package in enumerate(packages):
        yield Progress(position, len(packages), package.name)
        try:
            verify_package(package)
            load(package, LoadSettings("cpu"))
            good.append(package)
        except CardError as error:
            problems.append(str(error))
    return ModelsResult("verify", tuple(good), tuple(problems))
