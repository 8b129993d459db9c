"""Movement that was planted in a real volume is found, the volume itself passes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.quality.motion import NO_MOTION, motion_of
from napari_medclf.io.read import read_image


@pytest.fixture(scope="module")
def brain(shared_data):
    path = shared_data / "nrrd_pyradiomics" / "brain1_image.nrrd"
    if not path.is_file():
        pytest.skip("the brain is not here")
    image = read_image(path)
    return np.asarray(image.data, dtype=np.float32), image.geometry.spacing


def test_volume_without_movement_passes(brain):
    volume, spacing = brain
    assert motion_of(volume, spacing).score < 0.8


def test_movement_between_two_passes_makes_slices_alternate(brain):
    volume, spacing = brain
    moved = volume.copy()
    moved[::2] = np.roll(moved[::2], 9, axis=1)
    found = motion_of(moved, spacing)
    assert found.score > 1
    assert "alternate" in str(found)


def test_single_spoilt_slice_is_named(brain):
    volume, spacing = brain
    spoilt = volume.copy()
    spoilt[11] = np.roll(spoilt[11], 12, axis=1) * 0.5
    found = motion_of(spoilt, spacing)
    assert found.score > 1
    assert found.at == 11
    assert "slice 11" in str(found)


def test_ghost_half_a_picture_away_is_found(brain):
    volume, spacing = brain
    found = motion_of(volume + 0.25 * np.roll(volume, volume.shape[1] // 2, axis=1), spacing)
    assert found.score > 1
    assert "ghost" in str(found)


def test_pictures_and_few_slices_tell_nothing():
    rng = np.random.default_rng(0)
    assert motion_of(rng.normal(size=(1, 40, 50)).astype(np.float32), (1, 1, 1)) == NO_MOTION
    assert motion_of(rng.normal(size=(5, 40, 50)).astype(np.float32), (5, 1, 1)) == NO_MOTION
    assert motion_of(np.zeros((12, 20, 28), np.float32), (3, 1, 1)).score == 0
