"""How an image is cut into windows."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

from napari_medclf.domain.geometry import Shape3


@dataclass(frozen=True)
class Window:
    """How an image is cut into tiles.

    Parameters
    ----------
    patch_vox : (j, i) or (k, j, i)
        Two numbers for a 2D network, which then sees every slice by itself.
    overlap : float
        Part of a patch that neighbours share, in [0, 1).
    divisible_by : int
        The patch is enlarged to a multiple of this.
    batch : int
        Tiles that go through the network at once; 0 fits it to the patch and the device.
    mirror_axes : tuple of int
        Spatial axes to flip (test-time augmentation): the mean over all combinations is returned.
    blending, tiling : str
        As in `InputSpec`.
    """

    patch_vox: tuple[int, ...]
    overlap: float = 0.25
    divisible_by: int = 1
    batch: int = 0
    mirror_axes: tuple[int, ...] = ()
    blending: Literal["gaussian", "constant"] = "gaussian"
    tiling: Literal["monai", "nnunet"] = "monai"

    @property
    def spatial_dims(self) -> int:
        """Dimensions the network sees."""
        return len(self.patch_vox)

    @property
    def tile(self) -> Shape3:
        """Voxels (k, j, i) of a tile."""
        sizes = [math.ceil(size / self.divisible_by) * self.divisible_by for size in self.patch_vox]
        k, j, i = (1,) * (3 - len(sizes)) + tuple(sizes)
        return (k, j, i)

    @property
    def flips(self) -> list[tuple[int, ...]]:
        """Every combination of the mirrored axes, as axes of (N, C, *spatial); none of them comes first."""
        axes = [axis + 2 for axis in self.mirror_axes]
        return [chosen for n in range(len(axes) + 1) for chosen in itertools.combinations(axes, n)]
