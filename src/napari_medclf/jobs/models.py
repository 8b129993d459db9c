"""The models a person can choose from: list, show, install, remove, verify, trust."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import BackendUnavailable, CardError, OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.store.catalogue import Catalogue
    from napari_medclf.store.zoo.entry import ZooEntry

ACTIONS = ("list", "show", "install", "remove", "verify", "trust")
_ABOUT_ONE = ("show", "install", "remove", "trust")


@dataclass(frozen=True)
class ModelsOptions:
    """What to do with which model."""

    action: str = option("list", help="list, show, install, remove, verify or trust", choices=ACTIONS, positional=True)
    model: str = option(
        "",
        help="name of a model, or its file, folder or zip file; install also takes a name of the online list; verify "
        "without one checks all",
        positional=True,
    )
    online: bool = option(False, help="list: the models that can be downloaded, in place of those that are here")
    mirror: str = option(
        "",
        help="install: address or folder to download from, in place of the authors' servers; without it, that of "
        "MEDCLF_MODELS_MIRROR, if any",
    )
    card: Path | None = option(
        None, help="install: JSON file that says about the model what its own files do not", advanced=True
    )
    name: str = option("", help="install: name for the model, in place of its own", advanced=True)
    forget: bool = option(False, help="trust: take back that the model's code may run", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)
        if not self.model and self.action in _ABOUT_ONE:
            raise OptionError(f"`medclf models {self.action}` needs the name of a model, or its file or folder.")
        if self.action != "install" and (self.card is not None or self.name or self.mirror):
            raise OptionError("--card, --name and --mirror are for `medclf models install`.")
        if self.action != "list" and self.online:
            raise OptionError("--online is for `medclf models list`.")
        if self.action != "trust" and self.forget:
            raise OptionError("--forget is for `medclf models trust`.")


@dataclass(frozen=True)
class ModelsResult:
    """The models it was about, and what is wrong with others, as sentences.

    Parameters
    ----------
    trusted : tuple of str
        Names of those whose code a person has allowed to run.
    online : tuple of ZooEntry
        What can be downloaded, where that was asked for.
    """

    action: str
    packages: tuple[ModelPackage, ...] = ()
    problems: tuple[str, ...] = ()
    removed: str = ""
    trusted: tuple[str, ...] = ()
    online: tuple[ZooEntry, ...] = ()


def find_model(name_or_path: str) -> ModelPackage:
    """Find a model by its name in the catalogue, or by its file or folder of any kind.

    Raises
    ------
    CardError
        If there is none, with the nearest name; or it is damaged.
    """
    from napari_medclf.backends.registry import open_model
    from napari_medclf.store.catalogue import Catalogue

    catalogue = Catalogue()
    package = catalogue.named(name_or_path)
    if package is None and is_model_path(name_or_path):
        return open_model(Path(name_or_path).expanduser())
    return package or catalogue.find(name_or_path)


def is_model_path(text: str) -> bool:
    """Tell whether a text means a place on disk; a bare word does so only where a model of that name lies here."""
    from napari_medclf.backends.registry import list_backends
    from napari_medclf.store.bundle import is_package

    path = Path(text).expanduser()
    try:
        if not path.exists():
            return False
    except OSError:  # too long for a name
        return False
    return (
        path.name != text or path.is_file() or is_package(path) or any(one.recognises(path) for one in list_backends())
    )


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
        from napari_medclf.jobs.install import install

        installed = yield from install(options.model, options.card, options.name, options.mirror)
        return _about(options.action, installed)
    if options.action == "show":
        return _about(options.action, _as_it_is(find_model(options.model)))
    if options.action == "trust":
        return _about(options.action, _trust(options.model, forget=options.forget))
    if options.action == "verify":
        return (yield from _verify(options.model))
    if options.online:
        from napari_medclf.store.zoo.entry import read_zoo

        return replace(_about("list", *catalogue.packages()), online=read_zoo().models)
    return (yield from _list(catalogue))


def _list(catalogue: Catalogue) -> Job[ModelsResult]:
    from napari_medclf.backends.registry import list_broken

    listing = catalogue.listing()
    problems = (*listing.problems, *list_broken())
    for problem in problems:
        yield Warned(problem)
    return replace(_about("list", *listing.packages), problems=problems)


def _about(action: str, *packages: ModelPackage) -> ModelsResult:
    from napari_medclf.store.trust import is_trusted

    trusted = tuple(one.name for one in packages if one.trust is not None and is_trusted(one.trust))
    return ModelsResult(action, packages, trusted=trusted)


def _as_it_is(package: ModelPackage) -> ModelPackage:
    """Say of a model what would run now, rather than what was written down when it was installed."""
    from napari_medclf.backends.registry import what_would_run

    return replace(package, trust=what_would_run(package))


def _trust(model: str, *, forget: bool) -> ModelPackage:
    from napari_medclf.store.trust import forget_trust, remember_trust

    package = _as_it_is(find_model(model))
    if package.trust is None:
        raise CardError(f"{package.name} runs no code of its own, so there is nothing to trust.")
    if forget:
        forget_trust(package.trust)
    else:
        remember_trust(package.trust, package.name)
    return package


def _verify(model: str) -> Job[ModelsResult]:
    """Read the weights, compare them with the card, and let the network answer to its fingerprint."""
    from napari_medclf.store.catalogue import Catalogue

    listing = Catalogue().listing()
    packages = (find_model(model),) if model else listing.packages
    problems = [] if model else list(listing.problems)
    good: list[ModelPackage] = []
    for position, package in enumerate(packages):
        yield Progress(position, len(packages), package.name)
        try:
            yield from _verify_one(package)
            good.append(package)
        except CardError as error:
            problems.append(str(error))
    return ModelsResult("verify", tuple(good), tuple(problems))


def _verify_one(package: ModelPackage) -> Job[None]:
    from napari_medclf.backends.registry import load
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.store.catalogue import verify_model
    from napari_medclf.store.trust import NotTrusted

    for _ in verify_model(package):
        yield Progress(0, 0, package.name)
    try:
        load(package, LoadSettings("cpu"))
    except (NotTrusted, BackendUnavailable) as error:
        yield Warned(f"{package.name}: the files are whole, but the model was not loaded. {error}")
