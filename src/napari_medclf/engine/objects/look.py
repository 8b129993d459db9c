"""How bright objects are, how they are textured, and what lies around them."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Vector3
from napari_medclf.engine.objects.voxels import ObjectVoxels

_POINTS = (0.05, 0.25, 0.5, 0.75, 0.95)
_RING_VOX = 3.0
_SIGMAS_VOX = (1.0, 2.0)
_NEIGHBOURS = (1, 3)

BRIGHTNESS_NAMES = ("mean", "sd", *(f"percentile {round(100 * point)}" for point in _POINTS), "ring", "contrast")
TEXTURE_NAMES = tuple(
    f"{what} at {sigma:g} vox" for sigma in _SIGMAS_VOX for what in ("gradient", "spots mean", "spots sd")
)
NEIGHBOUR_NAMES = tuple(f"distance to neighbour {number}" for number in _NEIGHBOURS)


def brightness(samples: FloatArray, voxels: ObjectVoxels, ring: ObjectVoxels) -> FloatArray:
    """Describe the samples (K, J, I) of objects (N, len(BRIGHTNESS_NAMES)); contrast is mean - ring."""
    inside = samples.ravel()[voxels.at].astype(np.float64)
    mean = voxels.mean(inside)
    sd = np.sqrt(np.maximum(voxels.mean(inside**2) - mean**2, 0))
    around = _ring_means(samples, voxels, ring, mean)
    return np.column_stack([mean, sd, voxels.quantiles(inside, _POINTS), around, mean - around])


def texture(samples: FloatArray, voxels: ObjectVoxels) -> FloatArray:
    """Describe edges and spots (N, len(TEXTURE_NAMES)) of samples (K, J, I): filters of two widths."""
    from scipy.ndimage import gaussian_gradient_magnitude

    columns = []
    for sigma in _SIGMAS_VOX:
        widths = [sigma if size > 1 else 0.0 for size in samples.shape]
        edges = gaussian_gradient_magnitude(samples, widths).ravel()[voxels.at]
        spots = _spots(samples, widths).ravel()[voxels.at]
        mean = voxels.mean(spots)
        columns += [voxels.mean(edges), mean, np.sqrt(np.maximum(voxels.mean(spots**2) - mean**2, 0))]
    return np.column_stack(columns)


def neighbours(centres_vox: FloatArray, spacing_mm: Vector3) -> FloatArray:
    """Distance in mm (N, len(NEIGHBOUR_NAMES)) to the next objects; that to the last one where there are fewer."""
    from scipy.spatial import cKDTree

    n_objects = len(centres_vox)
    if n_objects < 2:
        return np.zeros((n_objects, len(_NEIGHBOURS)))
    places = centres_vox * np.asarray(spacing_mm)
    distances = cKDTree(places).query(places, k=min(max(_NEIGHBOURS) + 1, n_objects))[0]
    return np.stack([distances[:, min(number, n_objects - 1)] for number in _NEIGHBOURS], 1)


def ring_around(objects: LabelArray) -> ObjectVoxels:
    """Sort the voxels that are at most 3 voxels outside of an object and in no other."""
    from skimage.segmentation import expand_labels

    wider = expand_labels(objects, _RING_VOX)
    return ObjectVoxels.of(np.where(objects == 0, wider, 0))


def _spots(samples: FloatArray, widths: list[float]) -> FloatArray:
    """Laplacian of a Gaussian, in the plane where there is one slice."""
    from scipy.ndimage import gaussian_laplace

    if all(widths):
        return np.asarray(gaussian_laplace(samples, widths))
    return np.asarray(gaussian_laplace(samples[0], widths[1:]))[None]


def _ring_means(samples: FloatArray, voxels: ObjectVoxels, ring: ObjectVoxels, otherwise: FloatArray) -> FloatArray:
    """Mean of the samples around each object; its own where nothing is free around it."""
    found = otherwise.copy()
    rows = np.searchsorted(voxels.numbers, ring.numbers)
    found[rows] = ring.mean(samples.ravel()[ring.at].astype(np.float64))
    return found
