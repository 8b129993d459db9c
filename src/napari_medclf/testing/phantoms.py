"""Synthetic images with a known truth: small, lop-sided, the same on every machine.

Only integer arithmetic makes noise and fingerprint input, so that a fingerprint computed on one
platform holds on another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.geometry import Geometry, Shape3
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation

Index3 = tuple[int, int, int]

MARKED_VOXEL: Index3 = (3, 14, 6)
"""Index (k, j, i) of the one bright voxel of `oblique_phantom`; no flip or swap maps it onto itself."""
MARKED_HU = 2000


@dataclass(frozen=True)
class LabelledPhantom:
    """An image and the truth about it."""

    image: MedImage
    truth: Segmentation


def integer_noise(shape: tuple[int, ...], amplitude: int, seed: int = 1) -> FloatArray:
    """Make noise that is the same everywhere: whole numbers in [-amplitude, amplitude].

    Parameters
    ----------
    shape : tuple of int
        Of the array to make.
    amplitude : int
        Largest absolute value.
    seed : int
        Another seed gives another noise.

    Returns
    -------
    array of float32
        Evenly distributed.

    Notes
    -----
    The multiply-xorshift hash of Wang (2007) on the position, in 32-bit integers; `numpy.random`
    promises the same stream only within one version.

    >>> integer_noise((3,), 10).tolist() == integer_noise((3,), 10).tolist()
    True
    """
    mask = np.uint64(0xFFFFFFFF)
    position = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B1)
    x = position & mask
    x = ((x ^ np.uint64(61)) ^ (x >> np.uint64(16))) & mask
    x = (x * np.uint64(9)) & mask
    x = x ^ (x >> np.uint64(4))
    x = (x * np.uint64(0x27D4EB2D)) & mask
    x = x ^ (x >> np.uint64(15))
    whole = (x % np.uint64(2 * amplitude + 1)).astype(np.int64) - amplitude
    return whole.astype(np.float32).reshape(shape)


def fingerprint_input(shape: tuple[int, ...], channels: int) -> FloatArray:
    """Make the network input whose output is a model's fingerprint.

    Parameters
    ----------
    shape : tuple of int
        Spatial shape, 2 or 3 long.
    channels : int
        Input channels of the network.

    Returns
    -------
    (channels, *shape) float32
        In [-1, 1], in steps of 1/128 (exact in float32): stripes of another direction for each
        channel, a bright block off the centre, and noise.
    """
    grid = np.indices(shape, dtype=np.int64)
    planes = []
    for channel in range(channels):
        stripes = sum((axis + channel + 2) * line for axis, line in enumerate(grid)) % 64 - 32
        planes.append(np.asarray(stripes))
    samples = np.stack(planes) + integer_noise((channels, *shape), 24, seed=7).astype(np.int64)
    block = tuple(slice(n // 4, max(n // 2, n // 4 + 1)) for n in shape)
    samples[(slice(None), *block)] += 56
    return np.asarray(np.clip(samples, -128, 128) / 128, dtype=np.float32)


def oblique_phantom() -> MedImage:
    """Make a CT-like volume of 12 x 20 x 28 voxels in which nothing is symmetric.

    The spacing is (3.5, 0.75, 0.5) mm, the axes are rotated by 20 and 10 degrees, the background is
    air, a block is soft tissue with its own gradient a axis, and `MARKED_VOXEL` is bright.
    """
    shape = (12, 20, 28)
    k, j, i = np.indices(shape)
    hu = np.full(shape, -1000, dtype=np.int16)
    body = (k >= 2) & (j >= 4) & (j < 18) & (i >= 3) & (i < 26)
    hu[body] = (40 + 5 * k - 2 * j + i)[body]
    hu[MARKED_VOXEL] = MARKED_HU
    return MedImage(
        data=hu,
        geometry=Geometry(_oblique_affine((3.5, 0.75, 0.5), origin=(-31.5, 12.25, 104.0)), shape),
        name="oblique phantom",
        modality="CT",
        scale=Scale.HU,
        window=(-160.0, 240.0),
    )


def brain_phantom(shape: Shape3 = (24, 48, 40)) -> LabelledPhantom:
    """Make an MR-like head with two structures whose place and volume are known.

    The grid is axial with 1.5 x 1 x 1 mm. A bright ellipsoid (the brain, not labelled) holds an
    ``anterior`` and a ``posterior`` structure left of the mid-line, as a hippocampus would lie.
    """
    brain = _ellipsoid(shape, centre=(0.5, 0.5, 0.5), radius=(0.42, 0.42, 0.4))
    skull = _ellipsoid(shape, centre=(0.5, 0.5, 0.5), radius=(0.49, 0.49, 0.47))
    anterior = _ellipsoid(shape, centre=(0.45, 0.4, 0.66), radius=(0.13, 0.1, 0.11))
    posterior = _ellipsoid(shape, centre=(0.5, 0.62, 0.66), radius=(0.1, 0.13, 0.08)) & ~anterior
    samples = np.full(shape, 20, dtype=np.float32)
    for region, level in ((skull, 90), (brain, 260), (anterior, 420), (posterior, 360)):
        samples[region] = level
    samples += integer_noise(shape, 18, seed=3)
    geometry = Geometry.from_spacing(shape, (1.5, 1.0, 1.0), origin=(-20.0, -24.0, -10.0))
    image = MedImage(samples, geometry, "brain phantom", modality="MR", window=(0.0, 450.0))
    labels = (anterior + 2 * posterior).astype(np.uint8)
    schema = LabelSchema.from_names(["anterior", "posterior"], first_value=1)
    return LabelledPhantom(image, Segmentation(labels, geometry, schema, name="brain phantom truth"))


def chest_phantom(*, with_opacity: bool = False, rows: int = 96, columns: int = 112) -> MedImage:
    """Draw a chest radiograph: bright body, dark lungs, ribs, spine, the heart on the patient's left.

    Parameters
    ----------
    with_opacity : bool
        Add a bright patch in the lower right lung, as a consolidation shows.
    rows, columns : int
        Size of the picture; the spacing is 400 mm over the columns.
    """
    down, across = _fractions(rows, columns)
    samples = np.full((rows, columns), 12.0)
    # A radiograph faces the viewer: the patient's left, where the heart is, is on the right.
    right_lung, left_lung = _lung(down, 0.5 - across), _lung(down, across - 0.5)
    torso = np.abs(across - 0.5) < np.where(down < 0.12, 0.1 + 2.6 * np.maximum(down - 0.04, 0), 0.49)
    samples[torso] = 150
    samples[torso & (down > 0.72)] = 185
    samples[np.abs(across - 0.5) < 0.08] = 185
    lungs = right_lung | left_lung
    samples[lungs] = 45
    samples[lungs & ((down * 11 - 3 * np.abs(across - 0.5)) % 1 < 0.3)] += 22  # ribs
    heart = ((across - 0.575) / 0.135) ** 2 + ((down - 0.62) / 0.165) ** 2
    samples[heart < 1] = 180
    samples[np.abs(across - 0.5) < 0.03] += 20
    if with_opacity:
        distance = ((across - 0.27) / 0.17) ** 2 + ((down - 0.58) / 0.2) ** 2
        samples += np.where(right_lung, 115 * np.maximum(1 - distance, 0), 0)
    samples = _smooth(np.round(samples), max(rows // 64, 1)) + integer_noise((rows, columns), 5, seed=5)
    shape = (1, rows, columns)
    step_mm = 400 / columns
    return MedImage(
        data=np.clip(samples, 0, 255).astype(np.uint8).reshape(shape),
        geometry=_coronal(shape, (1.0, step_mm, step_mm)),
        name="chest phantom with opacity" if with_opacity else "chest phantom",
        modality="CR",
        scale=Scale.DISPLAY,
        window=(0.0, 255.0),
    )


def cells_phantom(rows: int = 120, columns: int = 144) -> LabelledPhantom:
    """Make a fluorescence picture of round nuclei, two of which touch; every object has its number."""
    shape = (1, rows, columns)
    places = [(0.2, 0.2), (0.24, 0.62), (0.55, 0.3), (0.55, 0.43), (0.7, 0.75), (0.85, 0.2)]
    labels = np.zeros(shape, dtype=np.int32)
    for number, (row, column) in enumerate(places, start=1):
        radius = 0.085
        disc = _ellipsoid(shape, centre=(0.5, row, column), radius=(1, radius, radius * rows / columns))
        labels[disc & (labels == 0)] = number
    samples = np.where(labels > 0, 150 + 8 * labels, 18).astype(np.float32) + integer_noise(shape, 6, seed=9)
    geometry = Geometry.flat(rows, columns)
    picture = np.clip(samples, 0, 255).astype(np.uint8)
    image = MedImage(picture, geometry, "cells phantom", scale=Scale.DISPLAY, window=(0.0, 255.0))
    schema = LabelSchema.from_names(["nucleus"], first_value=1)
    truth = Segmentation(labels, geometry, schema, is_instances=True, name="cells phantom truth")
    return LabelledPhantom(image, truth)


def vessels_phantom(rows: int = 96, columns: int = 96) -> LabelledPhantom:
    """Make a colour picture with dark curved lines on a reddish disc, as retinal vessels look."""
    shape = (1, rows, columns)
    _, j, i = np.indices(shape)
    disc = _ellipsoid(shape, centre=(0.5, 0.5, 0.5), radius=(1, 0.47, 0.47))
    distances = [
        np.abs((j - rows // 2) * columns - (i * i // 8) + columns * slope) // columns for slope in (-12, 6, 22)
    ]
    vessels = disc & (np.minimum.reduce(distances) <= 1)
    colour = np.zeros((3, *shape), dtype=np.float32)
    for channel, (background, vessel) in enumerate(((190, 120), (95, 45), (50, 30))):
        colour[channel][disc] = background
        colour[channel][vessels] = vessel
    colour += integer_noise(colour.shape, 6, seed=11)
    geometry = Geometry.flat(rows, columns)
    image = MedImage(
        data=np.clip(colour, 0, 255).astype(np.uint8),
        geometry=geometry,
        name="vessels phantom",
        modality="OP",
        scale=Scale.DISPLAY,
        channel_kind=ChannelKind.COLOUR,
        channel_names=("red", "green", "blue"),
        window=(0.0, 255.0),
    )
    schema = LabelSchema.from_names(["vessel"], first_value=1)
    truth = Segmentation(vessels.astype(np.uint8), geometry, schema, name="vessels phantom truth")
    return LabelledPhantom(image, truth)


def _ellipsoid(shape: Shape3, *, centre: tuple[float, ...], radius: tuple[float, ...]) -> BoolArray:
    """Mark the voxels inside an ellipsoid given in fractions of the shape."""
    grid = np.indices(shape)
    parts = [
        ((line + 0.5) / n - middle) ** 2 / r**2 for line, n, middle, r in zip(grid, shape, centre, radius, strict=True)
    ]
    return np.asarray(sum(parts) <= 1.0, dtype=np.bool_)


def _fractions(rows: int, columns: int) -> tuple[FloatArray, FloatArray]:
    """Give how far down and how far across every pixel's centre lies, in 0..1."""
    down, across = np.indices((rows, columns))
    return (down + 0.5) / rows, (across + 0.5) / columns


def _lung(down: FloatArray, outwards: FloatArray) -> BoolArray:
    """Mark a lung: narrow at its apex, wider below, ending on the dome of the diaphragm."""
    middle = 0.16 + 0.11 * down
    half_width = 0.155 * np.sqrt(np.maximum(1 - ((down - 0.72) / 0.62) ** 2, 0))
    diaphragm = 0.76 + 3.5 * (outwards - middle) ** 2
    return np.asarray((np.abs(outwards - middle) < half_width) & (down < diaphragm), dtype=np.bool_)


def _smooth(picture: FloatArray, radius: int) -> FloatArray:
    """Average whole numbers over a square, twice, as a focal spot and an intensifier would."""
    width = 2 * radius + 1
    for axis in (0, 1, 0, 1):
        padding = [(radius, radius) if one == axis else (0, 0) for one in (0, 1)]
        lines = np.lib.stride_tricks.sliding_window_view(np.pad(picture, padding, mode="edge"), width, axis=axis)
        picture = lines.sum(axis=-1) // width
    return picture


def _oblique_affine(spacing: tuple[float, float, float], origin: tuple[float, float, float]) -> FloatArray:
    """Tilt an axial grid by 20 degrees about x and then by 10 degrees about z."""
    about_x, about_z = np.radians(20), np.radians(10)
    tilt = np.array([[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]])
    turn = np.array([[np.cos(about_z), -np.sin(about_z), 0], [np.sin(about_z), np.cos(about_z), 0], [0, 0, 1]])
    axial = Geometry.from_spacing((1, 1, 1), spacing).affine[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ axial
    affine[:3, 3] = origin
    return affine


def _coronal(shape: Shape3, spacing: tuple[float, float, float]) -> Geometry:
    """Face the patient from the front: rows go to Inferior, columns to Left."""
    affine = np.zeros((4, 4))
    affine[1, 0], affine[2, 1], affine[0, 2] = spacing[0], -spacing[1], spacing[2]
    affine[3, 3] = 1
    return Geometry(affine, shape)
