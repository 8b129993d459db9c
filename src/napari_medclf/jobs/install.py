"""Bring a model of any kind into the catalogue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage


def install(model: str, card: Path | None = None, name: str = "") -> Job[ModelPackage]:
    """Copy a model's file or folder into the catalogue; one of the same name is exchanged.

    Parameters
    ----------
    card : Path or None
        JSON file that says about the model what its own files do not.
    name : str
        In place of the model's own; empty keeps it.

    Raises
    ------
    CardError
        If there is no such model, or it is damaged.
    WriteError
        If the catalogue cannot be written.
    """
    from napari_medclf.store.catalogue import Catalogue

    yield Progress(0, 0, f"reading {Path(model).name}")
    package = _open(Path(model).expanduser(), card, name)
    return (yield from Catalogue().install(package))


def _open(path: Path, card: Path | None, name: str) -> ModelPackage:
    from napari_medclf.backends.registry import open_model
    from napari_medclf.store.sidecar import read_card_file

    package = open_model(path, None if card is None else read_card_file(card))
    return _renamed(package, name) if name else package


def _renamed(package: ModelPackage, name: str) -> ModelPackage:
    from pydantic import ValidationError

    from napari_medclf.domain.card import ModelCard

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
