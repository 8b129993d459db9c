"""The samples that a step works on, as volumes or as slices on their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray

# ITU-R BT.601: how bright red, green and blue look.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Voxels:
    """Samples and what a step has to know of them.

    Parameters
    ----------
    data : (C, K, J, I) float32
    spacing : (k, j, i)
        Size of a voxel, in millimetres or pixels.
    is_slicewise : bool
        Whether slices are pictures of their own: for a 2D network, and where there is one only.
    is_colour : bool
        Whether the channels are red, green and blue.
    is_hu : bool
        Whether the samples are Hounsfield units.
    """

    data: FloatArray
    spacing: tuple[float, float, float]
    is_slicewise: bool
    is_colour: bool = False
    is_hu: bool = False

    def map_parts(self, change: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Change every channel's volume (K, J, I), or every slice (J, I), by itself."""
        changed = np.empty_like(self.data)
        for channel, volume in enumerate(self.data):
            if self.is_slicewise:
                for k, picture in enumerate(volume):
                    changed[channel, k] = change(picture)
            else:
                changed[channel] = change(volume)
        return changed

    def map_brightness(self, change: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Change the brightness of colours and leave their hue; other channels as `map_parts` does."""
        if not self.is_colour:
            return self.map_parts(change)
        before = np.tensordot(_LUMA, self.data, axes=1)[np.newaxis]
        after = Voxels(before, self.spacing, self.is_slicewise).map_parts(change)
        gain = after / np.maximum(before, 1e-6)
        return np.clip(self.data * gain, self.data.min(), self.data.max())

    def per_axis(self, reach_vox: float) -> Sequence[float]:
        """Say a reach, given in voxels of the finest axis, in voxels of each axis of a part."""
        spacing = self.spacing[1:] if self.is_slicewise else self.spacing
        return [reach_vox * min(spacing) / one for one in spacing]
