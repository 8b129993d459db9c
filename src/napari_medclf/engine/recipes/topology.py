"""How deep a U-Net goes, and where it halves, for a patch and its voxels (Isensee 2021, nnU-Net's rules)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_SMALLEST_VOX = 4
"""No axis is halved below so many voxels."""
_ALIKE = 2.0
"""Axes whose voxels differ by less than this are halved, and convolved, together."""

_START = 8
"""A patch is fitted downwards from so many times its budget (nnU-Net: 256 x 256 x 256, of which 128 are left)."""


@dataclass(frozen=True)
class Topology:
    """The levels of a U-Net.

    Parameters
    ----------
    strides, kernels : tuple of tuple of int
        Of each level, a number an axis; the top's stride is 1.
    patch_vox : tuple of int
        The patch, enlarged so that every halving comes out even.
    """

    strides: tuple[tuple[int, ...], ...]
    kernels: tuple[tuple[int, ...], ...]
    patch_vox: tuple[int, ...]

    @property
    def divisors(self) -> tuple[int, ...]:
        """What each side of the patch is a multiple of."""
        return tuple(math.prod(steps) for steps in zip(*self.strides, strict=True))

    @property
    def step_vox(self) -> int:
        """What every side of an image can be padded to a multiple of, leaving the patch as it is.

        The first common divisor of its sides that gives the deepest level two voxels along each axis, if there is one.
        """
        common, deepest = math.gcd(*self.patch_vox), max(self.divisors)
        suitable = (one for one in range(2 * deepest, common + 1, deepest) if common % one == 0)
        return next(suitable, common)


def plan_topology(patch_vox: Sequence[int], spacing_mm: Sequence[float]) -> Topology:
    """Halve the finest axes until voxels are alike, then all, as long as an axis keeps four voxels."""
    n_dims = len(patch_vox)
    size, spacing = list(map(float, patch_vox)), list(map(float, spacing_mm))
    kernel = [1] * n_dims
    strides, kernels = [(1,) * n_dims], []
    while True:
        halved = _axes_to_halve(size, spacing)
        if not halved:
            break
        kernel = _kernel(kernel, spacing)
        kernels.append(tuple(kernel))
        strides.append(tuple(2 if axis in halved else 1 for axis in range(n_dims)))
        for axis in halved:
            spacing[axis] *= 2
            size[axis] = math.ceil(size[axis] / 2)
    kernels.append((3,) * n_dims)
    divisors = np.prod(strides, axis=0)
    patch = tuple(int(math.ceil(one / step) * step) for one, step in zip(patch_vox, divisors, strict=True))
    return Topology(tuple(strides), tuple(kernels), patch)


def start_patch(size_vox: Sequence[float], spacing_mm: Sequence[float], most_vox: int) -> tuple[int, ...]:
    """Begin with a patch that is a cube in millimetres, no larger than the median image, well above the budget."""
    budget = (most_vox * _START) ** (1 / len(size_vox))
    each = np.array([1 / one for one in spacing_mm])
    patch = each * budget / float(np.prod(each)) ** (1 / len(each))
    return tuple(max(int(min(round(one), math.ceil(most))), 1) for one, most in zip(patch, size_vox, strict=True))


def fit_patch(size_vox: Sequence[float], spacing_mm: Sequence[float], most_vox: int) -> Topology:
    """Shrink the side that covers most of the image until the patch is within the budget."""
    patch = list(start_patch(size_vox, spacing_mm, most_vox))
    topology = plan_topology(patch, spacing_mm)
    while math.prod(topology.patch_vox) > most_vox:
        shares = [one / size for one, size in zip(patch, size_vox, strict=True)]
        axis = int(np.argmax(shares))
        step = topology.divisors[axis]
        if patch[axis] <= step:
            break
        patch[axis] = max(patch[axis] - step, step)
        topology = plan_topology(patch, spacing_mm)
    return topology


def _axes_to_halve(size: Sequence[float], spacing: Sequence[float]) -> list[int]:
    large = [axis for axis, one in enumerate(size) if one >= 2 * _SMALLEST_VOX]
    if not large:
        return []
    finest = min(spacing[axis] for axis in large)
    alike = [axis for axis in large if spacing[axis] / finest < _ALIKE]
    if len(alike) == 1 and size[alike[0]] < 3 * _SMALLEST_VOX:
        return []
    return alike


def _kernel(before: Sequence[int], spacing: Sequence[float]) -> list[int]:
    """Look along an axis once its voxels are like the finest; then always."""
    finest = min(spacing)
    return [3 if size == 3 or one / finest < _ALIKE else 1 for size, one in zip(before, spacing, strict=True)]
