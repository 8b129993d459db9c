"""Make a model package of a fitted network."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.jobs.data import SPLITS_IN_PACKAGE, splits_json
from napari_medclf.jobs.dataset.learned import LEARNED_IN_PACKAGE, describe_learned

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.engine.train.fit import Fitted


def publish(fitted: Fitted, dataset: Dataset, spec: RunSpec, folder: Path, licence_text: str) -> Job[ModelPackage]:
    """Write the package of a fitted network, with its fingerprint, its splits and its history."""
    from safetensors.torch import save

    from napari_medclf.store.bundle import write_package

    learned = yield from describe_learned(dataset)
    yield Progress(0, 0, f"writing {folder.name}")
    card = fitted.card.model_copy(update={"fingerprint": _fingerprint(fitted)})
    files = {
        SPLITS_IN_PACKAGE: splits_json(dataset),
        LEARNED_IN_PACKAGE: learned,
        "docs/history.json": (json.dumps(fitted.history, indent=1) + "\n").encode(),
    }
    if fitted.transfer is not None:
        files["docs/transfer.json"] = (json.dumps(asdict(fitted.transfer), indent=1) + "\n").encode()
    return write_package(folder, card, save(fitted.state_dict), spec, licence_text or _licence_text(card), files)


def with_card(package: ModelPackage, card: ModelCard) -> ModelPackage:
    """Write a package again with another card; everything else stays as it is."""
    from napari_medclf.store.bundle import extra_files, read_run_spec, write_package

    files = extra_files(package)
    licence_text = (package.folder / "LICENSE").read_text(encoding="utf-8")
    weights = package.weights_path.read_bytes()
    return write_package(package.folder, card, weights, read_run_spec(package), licence_text, files)


def move_package(package: ModelPackage, folder: Path) -> ModelPackage:
    """Give a package its final place in one rename.

    Raises
    ------
    WriteError
        If the place is taken by now, or cannot be written.
    """
    from napari_medclf.store.bundle import read_package

    try:
        package.folder.rename(folder)
    except OSError as error:
        raise WriteError(
            f"{folder}: the finished model could not be moved there ({error.strerror}). It is in {package.folder}."
        ) from error
    return read_package(folder)


def _fingerprint(fitted: Fitted) -> object:
    from napari_medclf.engine.fingerprint import compute_fingerprint
    from napari_medclf.engine.networks import build_network

    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)
    return compute_fingerprint(fitted.card, network)


def _licence_text(card: ModelCard) -> str:
    sources = [f"{one.name}: {one.licence}. {one.attribution}".rstrip() for one in card.data]
    return "\n".join([f"Licence of this model: {card.licence}.", "", "It was trained on:", *sources, ""])
