"""Copies are found, and nothing else is called one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.engine.quality.alike import find_copies, find_near_copies
from napari_medclf.engine.quality.look import look_at


def _picture(seed: int, shape: tuple[int, int] = (60, 52)) -> MedImage:
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 4)
    data = ((noise - noise.min()) / np.ptp(noise) * 255).astype(np.uint8)
    return MedImage(data[np.newaxis], Geometry.flat(*shape), f"picture-{seed}")


def _changed(image: MedImage, data: np.ndarray) -> MedImage:
    return replace(image, data=np.clip(data, 0, 255).astype(np.uint8))


def test_same_picture_is_a_copy_whatever_its_name():
    looks = [look_at(one) for one in (_picture(1), _picture(2), replace(_picture(1), name="other"))]

    assert find_copies([one.sha256 for one in looks]) == [(0, 2)]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data * 0.9 + 10,
        lambda data: data + np.random.default_rng(0).integers(-3, 4, data.shape),
        lambda data: np.roll(data, 0),
    ],
    ids=["brightness", "noise", "none"],
)
def test_changed_copy_is_nearly_the_same_and_others_are_not(change):
    first = _picture(1)
    images = [first, *(_picture(seed) for seed in range(2, 12)), _changed(first, change(first.data.astype(float)))]
    looks = [look_at(one) for one in images]
    digests = [one.sha256 for one in looks]

    pairs = find_near_copies([one.thumbnail for one in looks], digests)

    is_exact = digests[0] == digests[11]
    assert [pair[:2] for pair in pairs] == ([] if is_exact else [(0, 11)])


def test_volumes_that_share_one_slice_only_are_not_alike():
    rng = np.random.default_rng(3)
    volumes = [rng.normal(size=(14, 20, 24)).astype(np.float32) for _ in range(2)]
    volumes[1][7] = volumes[0][7]
    looks = [look_at(MedImage(one, Geometry.from_spacing(one.shape, (2, 1, 1)), "volume")) for one in volumes]

    assert find_near_copies([one.thumbnail for one in looks], [one.sha256 for one in looks], 0.9) == []


def test_colour_picture_and_blank_one_are_looked_at():
    colour = MedImage(
        np.zeros((3, 1, 9, 7), np.uint8),
        Geometry.flat(9, 7),
        "blank",
        channel_kind=ChannelKind.COLOUR,
        channel_names=("red", "green", "blue"),
    )

    look = look_at(colour)

    assert look.is_blank
    assert not look.thumbnail.any()


def test_blur_lowers_sharpness_and_noise_is_measured():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(5)
    grain = gaussian_filter(rng.normal(size=(64, 64)), 1) * 60 + 128
    plain = _changed(_picture(1, (64, 64)), grain[np.newaxis])
    blurred = _changed(plain, gaussian_filter(grain, 2)[np.newaxis])
    flat = np.full((1, 64, 64), 100.0) + rng.normal(0, 5, (1, 64, 64))
    flat[:, :, 32:] += 80

    assert look_at(blurred).sharpness < 0.3 * look_at(plain).sharpness
    noisy = look_at(_changed(plain, flat))
    assert noisy.noise * noisy.spread == pytest.approx(5, rel=0.25)


def test_colour_picture_is_no_inverted_xray():
    from napari_medclf.testing.phantoms import chest_phantom

    chest = chest_phantom().data
    inverted = replace(chest_phantom(), data=chest.max() - chest)
    colour = replace(
        inverted,
        data=np.repeat(inverted.data[np.newaxis], 3, axis=0),
        channel_kind=ChannelKind.COLOUR,
        channel_names=("red", "green", "blue"),
        modality="",
    )

    assert not look_at(colour).is_inverted
