"""What can be told of one image by looking at it: size, brightness, sharpness, noise, and what it resembles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3, Unit, Vector3
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.engine.contract.looks import is_inverted_xray
from napari_medclf.engine.quality.motion import Motion, motion_of
from napari_medclf.engine.quality.orientation import cube_of
from napari_medclf.engine.quality.text import text_slice

_THUMB = 24
# Computed and digital radiography, mammography; pictures from files tell no modality.
_XRAYS = ("", "CR", "DX", "MG", "RG")
# Statistics need no more voxels than this.
_MOST_VOX = 2_000_000


@dataclass(frozen=True, eq=False)
class Look:
    """One image, in numbers.

    Parameters
    ----------
    shape : (K, J, I)
    spacing : (k, j, i)
        In mm, or pixels where the image has no scale.
    low, high : float
        1st and 99th percentile of the samples.
    spread : float
        Standard deviation of the samples.
    sharpness : float
        Variance of the Laplacian within slices, over the variance of the samples (Pech-Pacheco 2000); blur lowers it.
    noise : float
        Standard deviation of the noise (Immerkaer 1996) over that of the samples.
    floor, ceiling : float
        Part of the samples that are exactly the smallest, and exactly the largest.
    is_inverted : bool
        Whether a single slice looks like an inverted X-ray.
    sha256 : str
        Of samples, shape and dtype; equal for the same picture in another file.
    thumbnail : (n,) float32
        Middle slices of all axes, small, with mean 0 and length 1: the product of two says how alike images are.
    cube : (1, 24, 24) or (12, 12, 12) float32
        The whole image, small, a volume in the patient's axes.
    axis_codes : str
        Where the axes (k, j, i) point, such as ``SPL``.
    not_finite : float
        Part of the samples that are not a finite number.
    letters : int
        How many letters stand in lines of text in slice `letters_at`.
    means : (red, green, blue)
        Mean of the first three channels; the same three times where there is one.
    """

    shape: Shape3
    spacing: Vector3
    unit: Unit
    modality: str
    low: float
    high: float
    spread: float
    sharpness: float
    noise: float
    floor: float
    ceiling: float
    is_inverted: bool
    sha256: str
    thumbnail: FloatArray
    cube: FloatArray
    axis_codes: str
    not_finite: float
    letters: int
    letters_at: int
    motion: Motion
    means: tuple[float, ...]

    @property
    def features(self) -> FloatArray:
        """Numbers (m,) float32 that a quick model can learn from; equally many for pictures, and for volumes."""
        plain = (self.low, self.high, self.spread, self.sharpness, self.noise, self.floor, self.ceiling, *self.means)
        return np.concatenate([self.thumbnail * 10, np.asarray(plain)]).astype(np.float32)

    @property
    def is_blank(self) -> bool:
        """Whether all samples are the same."""
        return self.spread == 0


def look_at(image: MedImage) -> Look:
    """Look at all samples of an image once; colours and channels are averaged."""
    stored = np.asarray(image.data)
    gray = _to_gray(stored, image)
    thinned = gray.reshape(-1)[:: -(-gray.size // _MOST_VOX)]
    low, high = np.percentile(thinned, (1, 99))
    letters_at, letters = text_slice(gray)
    lowest, highest = gray.min(), gray.max()
    spread = float(thinned.std())
    slices = gray[:: max(1, len(gray) // 16)]
    return Look(
        shape=image.geometry.shape,
        spacing=image.geometry.spacing,
        unit=image.geometry.unit,
        modality=image.modality,
        low=float(low),
        high=float(high),
        spread=spread if highest > lowest else 0.0,
        sharpness=_sharpness(slices, spread),
        noise=_noise(slices, spread),
        floor=float(np.mean(thinned == lowest)),
        ceiling=float(np.mean(thinned == highest)),
        is_inverted=_may_be_xray(image) and is_inverted_xray(gray[0]),
        sha256=_digest(stored),
        thumbnail=_thumbnail(gray),
        cube=cube_of(gray, image.geometry),
        axis_codes=image.geometry.axis_codes,
        not_finite=_share_not_finite(stored),
        letters=letters,
        letters_at=letters_at,
        motion=motion_of(gray, image.geometry.spacing),
        means=_channel_means(stored, image),
    )


def _share_not_finite(stored: np.ndarray) -> float:
    return 0.0 if stored.dtype.kind in "biu" else float(1 - np.isfinite(stored).mean())


def _channel_means(stored: np.ndarray, image: MedImage) -> tuple[float, ...]:
    channels = stored.reshape(-1, *image.geometry.shape)
    chosen = [channels[min(number, len(channels) - 1)] for number in range(3)]
    means = [float(np.nan_to_num(np.mean(one, dtype=np.float64), posinf=0.0, neginf=0.0)) for one in chosen]
    return tuple(means)


def _may_be_xray(image: MedImage) -> bool:
    return image.is_flat and image.channel_kind is ChannelKind.NONE and image.modality in _XRAYS


def _to_gray(stored: np.ndarray, image: MedImage) -> FloatArray:
    samples = stored.astype(np.float32)
    samples = samples.reshape(-1, *image.geometry.shape).mean(axis=0)
    return np.nan_to_num(samples, copy=False)


def _digest(stored: np.ndarray) -> str:
    digest = hashlib.sha256(f"{stored.dtype.str} {stored.shape}".encode())
    digest.update(np.ascontiguousarray(stored).data)
    return digest.hexdigest()


def _sharpness(slices: FloatArray, spread: float) -> float:
    from scipy.ndimage import laplace

    if spread == 0:
        return 0.0
    return float(np.mean([laplace(one).var() for one in slices])) / spread**2


def _noise(slices: FloatArray, spread: float) -> float:
    """Apply the mask that leaves neither planes nor edges along rows and columns."""
    from scipy.ndimage import convolve

    if spread == 0 or min(slices.shape[1:]) < 3:
        return 0.0
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    inner = [np.abs(convolve(one, mask)[1:-1, 1:-1]).mean() for one in slices]
    return float(np.mean(inner) * np.sqrt(np.pi / 2) / 6) / spread


def _thumbnail(gray: FloatArray) -> FloatArray:
    from napari_medclf.engine.grid.resize import resize_samples

    middle = [n // 2 for n in gray.shape]
    views = [gray[middle[0]], gray[:, middle[1]], gray[:, :, middle[2]]]
    chosen = [one for one in views if min(one.shape) > 1] or views[:1]
    size = _THUMB if len(chosen) == 1 else _THUMB * 2 // 3
    small = [resize_samples(np.ascontiguousarray(one[np.newaxis]), (1, size, size)).ravel() for one in chosen]
    joined = np.concatenate([part - part.mean() for part in small])
    length = float(np.linalg.norm(joined))
    return (joined / length if length > 0 else joined).astype(np.float32)
