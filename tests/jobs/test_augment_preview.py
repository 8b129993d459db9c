from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.errors import OptionError
from napari_medclf.io.write import write_image
from napari_medclf.jobs.augment_preview import AugmentOptions, draw_augmentation
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import oblique_phantom


@pytest.fixture
def volume(tmp_path):
    write_image(oblique_phantom(), tmp_path / "volume.nii.gz")
    return tmp_path / "volume.nii.gz"


def run(*arguments, **settings):
    outcome = drive(draw_augmentation(AugmentOptions(*arguments, **settings)))
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def test_picture_shows_the_changes_and_the_same_seed_the_same_ones(volume, tmp_path):
    pictures = []
    for name, seed in (("a", 1), ("again", 1), ("b", 2)):
        sheet = run(
            volume, tmp_path / f"{name}.png", set=("rotate_deg=30", "augment.noise_sd=0.3"), seed=seed, number=3
        )
        assert sheet.settings["rotate_deg"] == 30
        assert sheet.settings["noise_sd"] == 0.3
        pictures.append(np.asarray(Image.open(sheet.out)))
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_changes_that_break_the_label_are_told(volume, tmp_path):
    names = ("left kidney", "right kidney")
    sheet = run(volume, tmp_path / "a.png", set=("flip_axes=[2]",), class_names=names, number=1)
    assert "Flips of axis 2 break the label" in sheet.warnings[0]


def test_recipe_brings_its_input_and_changes(volume, tmp_path):
    sheet = run(volume, tmp_path / "a.png", recipe="hippocampus-mr", set=("mr_bias=0.3",), number=1)
    assert sheet.settings["rotate_deg"] == 15
    assert sheet.settings["mr_bias"] == 0.3


def test_unknown_setting_is_refused_with_the_nearest(volume, tmp_path):
    with pytest.raises(OptionError, match=r"Did you mean 'augment\.rotate_deg'"):
        run(volume, tmp_path / "a.png", set=("rotate=30",))
    assert not (tmp_path / "a.png").exists()
