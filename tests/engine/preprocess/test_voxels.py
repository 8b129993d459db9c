from __future__ import annotations

import numpy as np

from napari_medclf.engine.preprocess.voxels import Voxels


def voxels(*, is_slicewise: bool = False, **changes) -> Voxels:
    data = np.random.default_rng(0).random((3, 4, 6, 8), dtype=np.float32)
    return Voxels(data, (5.0, 1.0, 0.5), is_slicewise, **changes)


def test_slices_are_changed_apart_and_volumes_as_a_whole():
    for is_slicewise, n_axes in ((True, (1, 2)), (False, (0, 1, 2))):
        changed = voxels(is_slicewise=is_slicewise).map_parts(lambda part: part - part.mean())
        means = changed.mean(axis=tuple(1 + axis for axis in n_axes))
        assert means.size == (12 if is_slicewise else 3)
        np.testing.assert_allclose(means, 0, atol=1e-6)


def test_reach_is_as_many_millimetres_along_every_axis():
    np.testing.assert_allclose(voxels().per_axis(2.0), [0.2, 1.0, 2.0])
    np.testing.assert_allclose(voxels(is_slicewise=True).per_axis(2.0), [1.0, 2.0])


def test_brightness_of_colours_changes_and_their_hue_stays():
    colours = voxels(is_colour=True)
    changed = colours.map_brightness(lambda part: part * 0.5)
    is_within = changed > colours.data.min()
    assert is_within.mean() > 0.99
    np.testing.assert_allclose((changed / colours.data)[is_within], 0.5, rtol=1e-4)
