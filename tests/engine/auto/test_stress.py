from __future__ import annotations

import numpy as np
import pytest
from tiny_trainings import shade_cases

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.auto.stress import stressed

CASES = shade_cases(70)


def test_without_changes_of_intensity_images_stay_as_they_are():
    for one, other in zip(CASES, stressed(CASES, AugmentSettings(rotate_deg=90, cutout=1.0), 0), strict=True):
        assert np.array_equal(one.sample.image, other.sample.image)


def test_every_image_is_changed_by_half_of_what_training_may_change():
    found = stressed(CASES, AugmentSettings(bias=0.4), 0)
    moves = [other.sample.image - one.sample.image for one, other in zip(CASES, found, strict=True)]
    assert all(np.ptp(move) < 1e-5 for move in moves)
    assert 0.15 < max(abs(float(move.mean())) for move in moves) <= 0.2
    assert [one.case_id for one in found] == [one.case_id for one in CASES]
    assert [one.sample.target for one in found] == [one.sample.target for one in CASES]


def test_same_seed_gives_the_same_images():
    settings = AugmentSettings(noise_sd=0.2, gamma=0.4, blur_vox=1.0)
    first, second, third = (stressed(CASES[:3], settings, seed)[2].sample.image for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert first != pytest.approx(third)
