"""The phantoms are what they say, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from napari_medclf.testing import phantoms


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def test_fingerprint_input_never_changes():
    # Every embedded card's fingerprint was computed on these samples.
    assert digest(phantoms.fingerprint_input((8, 12), 3)) == "9b21b50ac2f39703"
    assert digest(phantoms.fingerprint_input((6, 8, 10), 1)) == "e9ddc7ed0b095f4c"


def test_fingerprint_input_is_exact_and_bounded():
    samples = phantoms.fingerprint_input((16, 24), 2)
    assert samples.shape == (2, 16, 24)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() <= 1
    assert np.array_equal(samples * 128, np.round(samples * 128))


def test_fingerprint_input_notices_flips_and_swapped_channels():
    samples = phantoms.fingerprint_input((16, 16), 2)
    assert not np.array_equal(samples[0], samples[1])
    for axis in (1, 2):
        assert not np.array_equal(samples, np.flip(samples, axis))
    assert not np.array_equal(samples, samples.swapaxes(1, 2))


@pytest.mark.parametrize("amplitude", [1, 10, 100])
def test_integer_noise_is_even(amplitude):
    noise = phantoms.integer_noise((20_000,), amplitude)
    assert noise.min() == -amplitude
    assert noise.max() == amplitude
    assert abs(noise.mean()) < 0.03 * amplitude
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.03


def test_oblique_phantom_is_lopsided_and_oblique():
    image = phantoms.oblique_phantom()
    assert image.data.shape == (12, 20, 28)
    assert image.geometry.is_oblique
    assert not image.geometry.is_sheared
    assert image.geometry.axis_codes == "SPL"
    np.testing.assert_allclose(image.geometry.spacing, (3.5, 0.75, 0.5))
    assert np.argwhere(image.data == phantoms.MARKED_HU).tolist() == [list(phantoms.MARKED_VOXEL)]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_oblique_phantom_shows_every_flip(axis):
    image = phantoms.oblique_phantom()
    assert not np.array_equal(image.data, np.flip(image.data, axis))


def test_brain_phantom_structures_lie_on_the_left_in_their_order():
    phantom = phantoms.brain_phantom()
    middle = {}
    for name in ("anterior", "posterior"):
        voxels = np.argwhere(phantom.truth.labels == phantom.truth.schema.named(name).value)
        middle[name] = phantom.image.geometry.to_world(voxels.astype(float)).mean(axis=0)
    x_middle = phantom.image.geometry.to_world(np.array([12.0, 24.0, 20.0]))[0]
    assert middle["anterior"][0] > x_middle  # x grows towards Left
    assert middle["anterior"][1] < middle["posterior"][1]  # y grows towards Posterior


def test_chest_opacity_lies_in_the_right_lung():
    healthy, ill = phantoms.chest_phantom(), phantoms.chest_phantom(with_opacity=True)
    columns = np.argwhere(healthy.data != ill.data)[:, 2]
    assert columns.size > 0
    world = ill.geometry.to_world(np.array([[0.0, 0.0, column] for column in columns]))
    centre = ill.geometry.to_world(np.array([0.0, 0.0, ill.geometry.shape[2] / 2]))
    assert (world[:, 0] < centre[0]).all()  # towards the patient's right


def test_chest_phantom_stands_upright():
    assert phantoms.chest_phantom().geometry.axis_codes == "PIL"


def test_cells_phantom_has_two_touching_cells():
    labels = phantoms.cells_phantom().truth.labels[0]
    assert set(np.unique(labels)) == set(range(7))
    pairs = {tuple(sorted(pair)) for pair in zip(labels[:, 1:].ravel(), labels[:, :-1].ravel(), strict=True)}
    assert (3, 4) in pairs


def test_vessels_phantom_is_dark_on_the_disc():
    phantom = phantoms.vessels_phantom()
    green = phantom.image.data[1]
    vessels = phantom.truth.labels == 1
    assert 0.02 < vessels.mean() < 0.2
    assert green[vessels].mean() < 60 < np.median(green[green > 30])


def test_another_call_gives_the_same_samples():
    assert np.array_equal(phantoms.chest_phantom().data, phantoms.chest_phantom().data)
    assert np.array_equal(phantoms.brain_phantom().image.data, phantoms.brain_phantom().image.data)
