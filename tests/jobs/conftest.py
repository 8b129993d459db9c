"""Small data sets and models of two epochs, made once a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.package import ModelPackage
from napari_medclf.testing.phantoms import cells_phantom, chest_phantom, vessels_phantom

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.events import Job
    from napari_medclf.jobs.compare import Comparison


@pytest.fixture(scope="session")
def vessels_folder(tmp_path_factory) -> Path:
    """Eight colour pictures of 48 x 48 with label images beside them."""
    folder = tmp_path_factory.mktemp("data") / "vessels"
    phantom = vessels_phantom(48, 48)
    for number, (picture, labels) in enumerate(_rolled(phantom.image.data, phantom.truth.labels, 8)):
        _save(np.moveaxis(picture[:, 0], 0, -1), folder / "images" / f"eye_{number}.png")
        _save(labels[0].astype(np.uint8), folder / "labels" / f"eye_{number}.png")
    return folder


@pytest.fixture(scope="session")
def chest_folder(tmp_path_factory) -> Path:
    """One folder a class, twelve gray pictures of 32 x 40 in each."""
    folder = tmp_path_factory.mktemp("data") / "chests"
    for name, with_opacity in (("clear", False), ("opacity", True)):
        picture = chest_phantom(with_opacity=with_opacity, rows=32, columns=40).data
        for number, (rolled, _) in enumerate(_rolled(picture, picture, 12)):
            _save(rolled[0], folder / name / f"{name}_{number}.png")
    return folder


@pytest.fixture(scope="session")
def cells_folder(tmp_path_factory) -> Path:
    """Six gray pictures with numbered objects."""
    folder = tmp_path_factory.mktemp("data") / "cells"
    phantom = cells_phantom(48, 56)
    for number, (picture, labels) in enumerate(_rolled(phantom.image.data, phantom.truth.labels, 6)):
        _save(picture[0], folder / "images" / f"field_{number}.png")
        _save(labels[0].astype(np.uint16), folder / "labels" / f"field_{number}.png")
    return folder


@pytest.fixture(scope="session")
def vessel_model(vessels_folder, tmp_path_factory) -> ModelPackage:
    """A segmenter of two epochs."""
    return _train(vessels_folder, tmp_path_factory.mktemp("models") / "vessels-small", class_names=("vessel",))


@pytest.fixture(scope="session")
def chest_model(chest_folder, tmp_path_factory) -> ModelPackage:
    """A classifier of two epochs."""
    return _train(chest_folder, tmp_path_factory.mktemp("models") / "chest-small")


@pytest.fixture(scope="session")
def cell_model(cells_folder, tmp_path_factory) -> ModelPackage:
    """A model of objects, of two epochs."""
    from napari_medclf.domain.card import Task

    out = tmp_path_factory.mktemp("models") / "cells-small"
    return _train(cells_folder, out, task=Task.INSTANCES, class_names=("cell",))


def _train(data: Path, out: Path, **options) -> ModelPackage:
    from napari_medclf.jobs.api import train

    return train(data, out, epochs=2, register=False, device="cpu", baselines=False, **options).package


def _rolled(picture: np.ndarray, labels: np.ndarray, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Move the columns, so that no two pictures are the same."""
    for number in range(n):
        yield np.roll(picture, 3 * number, axis=-1), np.roll(labels, 3 * number, axis=-1)


def _save(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture(scope="session")
def card_of() -> Callable[..., ModelCard]:
    """Make the card of a model that tells the named classes apart; nothing is trained."""
    return _card_of


@pytest.fixture(scope="session")
def classified() -> Callable[..., list[Comparison]]:
    """Score cases of a made-up classifier that is right more often than not."""
    return _classified


@pytest.fixture(scope="session")
def finished() -> Callable[[Job[Any]], Any]:
    """Run a job to its end and give its result."""
    from napari_medclf.jobs.api import run

    return run


def _card_of(*names: str, task: str = "classify", **output: Any) -> ModelCard:
    from napari_medclf.domain.card import ModelCard, NetworkSpec
    from napari_medclf.domain.input_spec import InputSpec, Intensity
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.output_spec import OutputSpec

    schema = LabelSchema.from_names(names, first_value=0 if task == "classify" else 1)
    scaled = Intensity(kind="zscore", low=0, high=100)
    return ModelCard(
        name="lungs",
        version="1.2.0",
        task=task,
        title="Lungs of phantoms",
        description="Tells lungs apart.",
        input=InputSpec(spatial_dims=2, channels=("gray",), intensity=scaled, patch_vox=(32, 32)),
        output=OutputSpec(schema=schema, **output),
        network=NetworkSpec(target="monai.networks.nets.ResNet"),
        licence="MIT",
        weights_sha256="ab" * 32,
    )


def _classified(
    n: int,
    names: tuple[str, ...] = ("clear", "opacity"),
    *,
    seed: int = 0,
    gain: float = 1.5,
    n_images: int = 1,
    has_facts: bool = False,
) -> list[Comparison]:
    from napari_medclf.domain.results import Classification
    from napari_medclf.jobs.compare import Comparison

    rng = np.random.default_rng(seed)
    cases = []
    for number in range(n):
        truth = int(rng.integers(len(names)))
        logits = rng.normal(size=len(names))
        logits[truth] += gain
        scores = np.exp(logits) / np.exp(logits).sum()
        said = Classification(dict(zip(names, scores.tolist(), strict=True)), (names[int(scores.argmax())],))
        facts = {"sex": "FM"[number % 2], "age": str(20 + number % 60)} if has_facts else {}
        cases.append(Comparison(f"case_{number}", f"p{number // n_images}", (names[truth],), said, facts=facts))
    return cases
