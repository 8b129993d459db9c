"""Ensembles and automatic training from a folder to a package that answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.recipe import Way
from napari_medclf.engine.auto.join import TARGET
from napari_medclf.jobs.api import run
from napari_medclf.jobs.train import TrainOptions, train


@pytest.fixture
def shades(tmp_path):
    """Dark and bright pictures, one folder a class."""
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("bright", 180)):
        folder = tmp_path / "shades" / name
        folder.mkdir(parents=True)
        for number in range(20):
            picture = random.normal(level, 20, (16, 20)).clip(0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / f"{name}-{number}.png")
    return tmp_path / "shades"


def trained(shades, **options):
    always = {"epochs": 2, "device": "cpu", "register": False, "baselines": False}
    return run(train(TrainOptions(data=shades, out=shades.parent / "model", **(always | options)))).package


def test_folds_become_one_model(shades):
    package = trained(shades, ensemble=Way.FOLDS, members=2)
    assert package.card.network.target == TARGET
    assert len(package.card.network.arguments["members"]) == 2
    assert package.card.metrics["val/auc"].value > 0.9


def test_automatic_training_ends_with_one_model_of_folds(shades, monkeypatch):
    monkeypatch.setattr("napari_medclf.engine.auto.auto.seconds_an_epoch", lambda *_: 0.03)
    package = trained(shades, recipe="auto", epochs=None, max_minutes=0.2, baselines=True)
    assert package.card.metrics["val/auc"].value > 0.9
    assert len(package.card.network.arguments["members"]) >= 3
    # Judged by folds: no classic model on what networks see, as they have seen the validation cases.
    rows = json.loads((package.folder / "docs" / "baselines.json").read_text())["rows"]
    assert {row["features"] for row in rows} == {"counted"}
