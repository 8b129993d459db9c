"""Take noise out of images, edges kept as far as each method can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.preprocess.voxels import Voxels

_PATCH_VOX = 3
"""Side of the surroundings that are compared (Buades 2005; 5 and 7 are slower and no better on MR and CT)."""
# Of a normal distribution: from the median of absolute values to the standard deviation.
_MEDIAN_TO_SD = 0.6745


def median(voxels: Voxels, step: PreprocessStep) -> FloatArray:
    """Take the median of a box around every voxel; on thick slices it is flatter."""
    from scipy.ndimage import median_filter

    size = [2 * round(reach) + 1 for reach in voxels.per_axis(step.number("radius_vox"))]
    return voxels.map_parts(lambda part: median_filter(part, size=size, mode="nearest"))


def gaussian(voxels: Voxels, step: PreprocessStep) -> FloatArray:
    """Blur by a Gaussian that is as wide in millimetres along every axis."""
    from scipy.ndimage import gaussian_filter

    sd_vox = voxels.per_axis(step.number("sd_vox"))
    return voxels.map_parts(lambda part: gaussian_filter(part, sd_vox, mode="nearest"))


def non_local_means(voxels: Voxels, step: PreprocessStep) -> FloatArray:
    """Average places whose surroundings look alike."""
    from skimage.restoration import denoise_nl_means

    def clean(part: FloatArray, sd: float) -> Any:
        return denoise_nl_means(
            part,
            patch_size=_PATCH_VOX,
            patch_distance=int(step.number("search_vox")),
            h=step.number("strength") * sd,
            sigma=sd,
            fast_mode=True,
        )

    return voxels.map_parts(_by_noise(clean))


def total_variation(voxels: Voxels, step: PreprocessStep) -> FloatArray:
    """Find the image with little variation that is near by."""
    from skimage.restoration import denoise_tv_chambolle

    def clean(part: FloatArray, sd: float) -> Any:
        return denoise_tv_chambolle(part, weight=step.number("strength") * sd)

    return voxels.map_parts(_by_noise(clean))


def noise_sd(part: FloatArray) -> float:
    """Estimate the standard deviation of white noise in a picture (J, I) or volume (K, J, I).

    Notes
    -----
    In every slice, by a mask that leaves neither planes nor straight edges (Immerkaer 1996), and the median in place
    of the mean, which texture moves less. Where a mask of zeros was laid around a body, it does not count.
    """
    from scipy.ndimage import convolve1d

    second = np.array([1.0, -2.0, 1.0], dtype=np.float32)
    if min(part.shape[-2:]) < 3:
        return 0.0
    left = convolve1d(convolve1d(part, second, axis=-1), second, axis=-2)[..., 1:-1, 1:-1]
    left = np.abs(left[left != 0])
    return float(np.median(left)) / _MEDIAN_TO_SD / 6 if left.size else 0.0


def _by_noise(clean: Callable[[FloatArray, float], Any]) -> Callable[[FloatArray], FloatArray]:
    """Estimate the noise of each part, and leave alone what has none."""

    def change(part: FloatArray) -> FloatArray:
        sd = noise_sd(part)
        return part if sd == 0 else np.asarray(clean(part, sd), dtype=np.float32)

    return change
