"""Display colours as DICOM keeps them: CIELab in sixteen bits, and ``#RRGGBB`` here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import FloatArray

# sRGB to CIE XYZ under D65 (IEC 61966-2-1). DICOM's CIELab is that of ICC profiles, whose white is D50 (PS3.3
# C.10.7.1.1), but highdicom 0.28 and DCMTK, which dcmqi and 3D Slicer use, reckon with D65, and so do their files.
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _TO_XYZ.sum(axis=1)
_LIMIT = 6 / 29
_LAB_RANGE = np.array([100, 255, 255])
_LAB_OFFSET = np.array([0, 128, 128])
_HIGHEST = 65535


def lab_from_hex(colour: str) -> tuple[int, int, int]:
    """Turn ``#RRGGBB`` into DICOM's CIELab: L of 0-100 and a, b of -128-127, each as 0-65535.

    >>> lab_from_hex("#000000")
    (0, 32896, 32896)
    """
    coded = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    x, y, z = _to_cube_root(_TO_XYZ @ linear / _WHITE)
    lab = np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
    scaled = np.rint((lab + _LAB_OFFSET) / _LAB_RANGE * _HIGHEST)
    lightness, a, b = np.clip(scaled, 0, _HIGHEST).astype(int).tolist()
    return (lightness, a, b)


def hex_from_lab(values: Sequence[int]) -> str:
    """Turn DICOM's CIELab into the nearest ``#RRGGBB``.

    >>> hex_from_lab(lab_from_hex("#E69F00"))
    '#E69F00'
    """
    lightness, a, b = np.asarray(values, dtype=np.float64) / _HIGHEST * _LAB_RANGE - _LAB_OFFSET
    y = (lightness + 16) / 116
    linear = np.linalg.solve(_TO_XYZ, _from_cube_root(np.array([y + a / 500, y, y - b / 200])) * _WHITE)
    linear = np.clip(linear, 0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = np.rint(coded * 255).astype(int)
    return f"#{red:02X}{green:02X}{blue:02X}"


def _to_cube_root(ratio: FloatArray) -> FloatArray:
    """Apply f of CIE 15:2004, 8.2.1."""
    return np.where(ratio > _LIMIT**3, np.cbrt(ratio), ratio / (3 * _LIMIT**2) + 4 / 29)


def _from_cube_root(root: FloatArray) -> FloatArray:
    return np.where(root > _LIMIT, root**3, 3 * _LIMIT**2 * (root - 4 / 29))
