"""The rules of nnU-Net, against plans that it made and its own code where that is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_medclf.engine.recipes.topology import fit_patch, plan_topology


def test_hippocampus_is_halved_three_times():
    # Isensee 2021, supplement: Task04, 3D full resolution, patch 40 x 56 x 40.
    topology = plan_topology((40, 56, 40), (1.0, 1.0, 1.0))
    assert topology.strides == ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2))
    assert set(topology.kernels) == {(3, 3, 3)}
    assert topology.patch_vox == (40, 56, 40)


def test_long_voxels_of_the_prostate_are_halved_in_the_plane_first():
    # Isensee 2021, supplement: Task05, 3D full resolution, patch 20 x 320 x 256.
    topology = plan_topology((20, 320, 256), (3.6, 0.625, 0.625))
    assert topology.strides[1:] == ((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2))
    assert topology.kernels[:3] == ((1, 3, 3), (1, 3, 3), (3, 3, 3))


@pytest.mark.parametrize("seed", range(20))
def test_depth_equals_nnunets(seed):
    theirs = pytest.importorskip("nnunetv2.experiment_planning.experiment_planners.network_topology")
    random = np.random.default_rng(seed)
    dims = int(random.integers(2, 4))
    patch = random.integers(4, 200, dims).tolist()
    spacing = random.uniform(0.5, 5, dims).tolist()
    _, strides, kernels, padded, _ = theirs.get_pool_and_conv_props(spacing, patch, 4, 999999)
    ours = plan_topology(patch, spacing)
    assert [list(one) for one in ours.strides] == [list(one) for one in strides]
    assert [list(one) for one in ours.kernels] == [list(one) for one in kernels]
    assert list(ours.patch_vox) == list(padded)


@pytest.mark.parametrize(("size", "spacing"), [((35, 50, 35), (1, 1, 1)), ((26, 166, 164), (5, 0.8, 0.8))])
def test_patch_stays_within_its_budget_and_the_image(size, spacing):
    topology = fit_patch(size, spacing, 96_000)
    assert math.prod(topology.patch_vox) <= 96_000
    for side, full, step in zip(topology.patch_vox, size, topology.divisors, strict=True):
        assert side < full + step
        assert side % step == 0


def test_patch_is_a_cube_in_millimetres():
    patch = fit_patch((133, 400, 400), (3.0, 1.0, 1.0), 128**3).patch_vox
    lengths = [side * mm for side, mm in zip(patch, (3.0, 1.0, 1.0), strict=True)]
    assert max(lengths) / min(lengths) < 1.6


def test_padding_step_divides_the_patch():
    for size, spacing in (((128, 128, 128), (1, 1, 1)), ((20, 320, 256), (3.6, 0.6, 0.6)), ((37, 50), (1, 1))):
        topology = plan_topology(size, spacing)
        assert all(side % topology.step_vox == 0 for side in topology.patch_vox)
