"""A network that is trained with clicks says more of what is right when it is told, and answers by itself, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.engine.clicks.person import clicks_on_errors
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.prompts import Click, answer_prompt
from napari_medclf.io.read import read_image
from napari_medclf.jobs.api import run, train
from napari_medclf.jobs.instant import begin_head
from napari_medclf.jobs.predict import RunOptions, predict_image

_SMALL = (
    "network.arguments.features=[8,8,16,16,16,8]",
    "optimiser.lr=0.01",
    "augment.rotate_deg=0",
    "augment.scale=0",
)


def _picture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two bright discs, of which one is meant: only a person can know which."""
    j, i = np.mgrid[:32, :48]
    middles = [(rng.integers(9, 23), rng.integers(9, 15)), (rng.integers(9, 23), rng.integers(33, 39))]
    discs = [np.hypot(j - a, i - b) <= rng.uniform(5, 7) for a, b in middles]
    samples = 40 + 120 * (discs[0] | discs[1]) + rng.normal(0, 12, (32, 48))
    return samples.clip(0, 255).astype(np.uint8), discs[rng.integers(2)]


def _save(folder: Path, name: str, samples: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(samples).save(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("discs"), np.random.default_rng(0)
    for number in range(30):
        samples, truth = _picture(rng)
        _save(folder / "images", f"disc-{number:02d}.png", samples)
        _save(folder / "labels", f"disc-{number:02d}.png", truth.astype(np.uint8))
    options = {"epochs": 5, "register": False, "device": "cpu", "baselines": False, "class_names": ("disc",)}
    return train(folder, folder / "model", recipe="click-unet", set=_SMALL, **options).package


def _dice(answer: np.ndarray, truth: np.ndarray) -> float:
    return 2 * float((answer & truth).sum()) / max(int(answer.sum() + truth.sum()), 1)


def test_clicks_on_mistakes_raise_dice(package, tmp_path):
    rng = np.random.default_rng(7)
    alone, told = [], []
    for number in range(10):
        samples, truth = _picture(rng)
        image = read_image(_save(tmp_path, f"{number}.png", samples))
        head, said = run(begin_head(image, package)), Corrections.none()
        own = run(predict_image(image, package, RunOptions(device="cpu"))).segmentation.labels
        np.testing.assert_array_equal(head.labels(), own)
        alone.append(_dice(own[0] > 0, truth))
        for _ in range(2):
            places, classes = clicks_on_errors(head.labels()[0], truth.astype(int), np.ones_like(truth), 1)
            for (j, i), value in zip(places.tolist(), classes.tolist(), strict=True):
                said = answer_prompt(head, Click((0, j, i), value), said).corrections
        told.append(_dice(head.labels()[0] > 0, truth))
    assert package.card.input.clicks == (0, 1)
    assert np.mean(alone) < 0.8
    assert np.mean(told) > np.mean(alone) + 0.15
