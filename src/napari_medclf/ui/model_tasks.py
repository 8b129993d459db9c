"""The jobs behind the Models panel: on a worker, they list, install, verify and trust models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.package import ModelPackage

if TYPE_CHECKING:
    from napari_medclf.jobs.models import ModelsResult
    from napari_medclf.store.zoo.entry import Zoo


def list_online() -> Job[Zoo]:
    """Read the list of models that can be downloaded; it needs no network."""
    from napari_medclf.store.zoo.entry import read_zoo

    yield Progress(0, 0)
    return read_zoo()


def install(model: str, card: Path | None = None, name: str = "", mirror: str = "") -> Job[ModelPackage]:
    """Install a file, folder or zip file, or a model of the online list."""
    from napari_medclf.jobs.install import install as start

    return (yield from start(model, card, name, mirror))


def remove(name: str) -> Job[str]:
    """Take a model out of the catalogue; returns its name."""
    from napari_medclf.store.catalogue import Catalogue

    yield Progress(0, 0, f"removing {name}")
    Catalogue().remove(name)
    return name


def verify(name: str) -> Job[ModelsResult]:
    """Read a model's files, compare them with what was installed, and load it."""
    from napari_medclf.jobs.models import ModelsOptions, models

    return (yield from models(ModelsOptions("verify", name)))


def look_at(package: ModelPackage) -> Job[ModelPackage]:
    """Ask a model's files what would run now."""
    from napari_medclf.backends.registry import what_would_run

    yield Progress(0, 0)
    return replace(package, trust=what_would_run(package))


def trust(package: ModelPackage) -> Job[str]:
    """Write down that a model's code may run; returns its name."""
    from napari_medclf.store.trust import remember_trust

    yield Progress(0, 0)
    if package.trust is not None:
        remember_trust(package.trust, package.name)
    return package.name


def forget(package: ModelPackage) -> Job[str]:
    """Take back that a model's code may run; returns its name."""
    from napari_medclf.store.trust import forget_trust

    yield Progress(0, 0)
    if package.trust is not None:
        forget_trust(package.trust)
    return package.name
