"""A model goes on making the steps that it was trained with."""

from __future__ import annotations

import numpy as np
import pytest

import napari_medclf
from napari_medclf.domain.errors import OptionError
from napari_medclf.jobs.api import train


def test_steps_travel_from_training_to_the_answer_on_the_images_own_grid(vessels_folder, tmp_path):
    texts = ("crop-foreground:margin_vox=0", "median:radius_vox=1")
    quick = {"epochs": 1, "set": ("samples_per_epoch=4",), "baselines": False, "register": False, "device": "cpu"}
    model = train(vessels_folder, tmp_path / "m", class_names=("vessel",), step=texts, **quick).package
    assert tuple(step.text for step in model.card.input.steps) == texts
    assert "First, on the image's own grid: crop-foreground" in (model.folder / "docs" / "README.md").read_text()

    picture = vessels_folder / "images" / "eye_0.png"
    said = napari_medclf.predict(picture, model)
    image = napari_medclf.read_image(picture)
    assert said.segmentation.geometry.same_grid(image.geometry)
    assert said.segmentation.labels.shape == image.geometry.shape
    outside = np.asarray(image.data).max(axis=0) < 3
    assert not said.segmentation.labels[outside].all()


def test_unknown_step_is_refused_before_the_training(vessels_folder, tmp_path):
    with pytest.raises(OptionError, match="Did you mean 'median'"):
        train(vessels_folder, tmp_path / "m", epochs=1, register=False, step=("medain",))
    assert not (tmp_path / "m").exists()
