"""Where a NIfTI image lies: sform, qform, or neither, and what is odd about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.volume.affine import check_affine

_MM_PER_UNIT = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
_SAME_PLACE_MM = 0.1


def world_affine(path: Path, header: Any, warnings: list[str]) -> FloatArray:
    """Affine of (i, j, k) to RAS millimetres; the sform counts before the qform.

    What is odd is said in `warnings`: forms that disagree (in millimetres and degrees), no form at all, lengths that
    are no millimetres.

    Raises
    ------
    ReadError
        If the only form is damaged or the unit is unknown.
    """
    sform_code, qform_code = int(header["sform_code"]), int(header["qform_code"])
    qform = _qform(header) if qform_code > 0 else None
    if sform_code > 0:  # nifti1.h: only then; a negative code is damage
        affine = sform = header.get_sform()
        if qform_code > 0:
            _compare_forms(sform, qform, header.get_data_shape(), warnings)
    elif qform_code > 0:
        if qform is None:
            raise ReadError(path, "has no sform, and its qform is no rotation", "Its place in the patient is lost.")
        affine = qform
    else:
        affine = header.get_base_affine()
        warnings.append("It has neither an sform nor a qform: where left and right are is a guess (LAS).")
    return _to_millimetres(path, np.asarray(affine, dtype=np.float64), header, warnings)


def _qform(header: Any) -> FloatArray | None:
    """None where the quaternion is none."""
    header = header.copy()
    if header["pixdim"][0] == 0:
        header["pixdim"][0] = 1  # nifti1.h: 0 should not occur, and is taken for 1
    for axis in range(int(header["dim"][0]) + 1, 4):
        header["pixdim"][axis] = header["pixdim"][axis] or 1  # of an axis that is not there, any size will do
    try:
        qform = np.asarray(header.get_qform(), dtype=np.float64)
    except Exception:  # noqa: BLE001  # nibabel raises its own and ValueError, and both mean the same
        return None
    return qform if np.isfinite(qform).all() and abs(np.linalg.det(qform[:3, :3])) > 0 else None


def _compare_forms(sform: FloatArray, qform: FloatArray | None, shape: tuple[int, ...], warnings: list[str]) -> None:
    if qform is None:
        warnings.append("Its qform is damaged; the sform is used.")
        return
    last = np.array([*(n - 1 for n in (*shape, 1, 1)[:3])], dtype=np.float64)
    corners = np.array(np.meshgrid(*[(0.0, n) for n in last])).reshape(3, -1)
    apart = np.linalg.norm((sform - qform)[:3, :3] @ corners + (sform - qform)[:3, 3:], axis=0).max()
    if np.isfinite(sform).all() and apart > _SAME_PLACE_MM:
        turned = _angle_deg(sform[:3, :3], qform[:3, :3])
        warnings.append(
            f"Its sform and qform place it up to {apart:.1f} mm apart, turned by {turned:.1f} degrees. The sform is "
            "used, as it can hold any place; a program that reads the qform shows it elsewhere."
        )


def _angle_deg(one: FloatArray, other: FloatArray) -> float:
    """Largest angle between two axes of the same name."""
    lengths = np.linalg.norm(one, axis=0) * np.linalg.norm(other, axis=0)
    cosines = np.sum(one * other, axis=0) / np.where(lengths > 0, lengths, 1.0)
    return float(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))).max())


def _to_millimetres(path: Path, affine: FloatArray, header: Any, warnings: list[str]) -> FloatArray:
    try:
        unit = str(header.get_xyzt_units()[0])
    except KeyError:
        raise ReadError(path, f"has the unknown unit code {int(header['xyzt_units'])}") from None
    factor = _MM_PER_UNIT[unit]
    if factor != 1.0:
        warnings.append(f"Its lengths were converted from {unit}s to millimetres.")
    in_mm = np.diag([factor, factor, factor, 1.0]) @ affine
    check_affine(path, in_mm)
    return in_mm
