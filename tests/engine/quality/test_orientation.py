"""Images that lie otherwise than the rest are found; where nothing has a way up, nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.engine.quality.orientation import cube_of, find_turned
from napari_medclf.testing.phantoms import chest_phantom


def _chests(n: int = 20) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [
        chest_phantom(rows=60, columns=60, with_opacity=number % 3 == 0).data.astype(np.float32)
        + rng.normal(0, 8, (1, 60, 60)).astype(np.float32)
        for number in range(n)
    ]


def _flat_cubes(pictures: list[np.ndarray]) -> list[np.ndarray]:
    return [cube_of(one.astype(np.float32), Geometry.flat(*one.shape[1:])) for one in pictures]


@pytest.mark.parametrize(
    ("turn", "way"),
    [
        (lambda one: one[:, ::-1], "upside down"),
        (lambda one: np.rot90(one, axes=(1, 2)), "turned by 90 degrees"),
        (lambda one: one[:, ::-1, ::-1], "turned by 180 degrees"),
    ],
)
def test_turned_xray_is_found_among_upright_ones(turn, way):
    pictures = _chests()
    assert find_turned(_flat_cubes(pictures)) == []
    pictures[6] = turn(pictures[6])
    (found,) = find_turned(_flat_cubes(pictures))
    assert found.position == 6
    # the phantom is nearly as wide left as right, so that two ways may fit
    assert found.way.split()[0] == way.split()[0] or "turned" in found.way
    assert found.after > found.before + 0.25


def test_volume_whose_header_lies_is_found_and_another_order_of_axes_is_not():
    rng = np.random.default_rng(5)
    shape = (12, 20, 28)
    k, j, i = np.mgrid[:12, :20, :28]
    body = np.exp(-((k - 3) ** 2 / 20 + (j - 6) ** 2 / 60 + (i - 8) ** 2 / 90)).astype(np.float32) * 100
    volumes = [body + rng.normal(0, 3, shape).astype(np.float32) for _ in range(12)]
    upright = Geometry.from_spacing(shape, (3.0, 1.0, 1.0))
    cubes = [cube_of(one, upright) for one in volumes]
    other_order = upright.permuted((2, 0, 1), (True, False, False))
    stored = np.flip(volumes[0].transpose(2, 0, 1), axis=0)
    cubes.append(cube_of(stored, other_order))
    assert find_turned(cubes) == []
    cubes.append(cube_of(volumes[1][::-1], upright))
    (found,) = find_turned(cubes)
    assert found.position == len(cubes) - 1
    assert found.way == "flipped head to foot"


def test_pictures_without_a_way_up_are_left_alone():
    rng = np.random.default_rng(1)
    assert find_turned(_flat_cubes([rng.normal(size=(1, 40, 40)) for _ in range(30)])) == []
    assert find_turned(_flat_cubes(_chests(5))) == []
