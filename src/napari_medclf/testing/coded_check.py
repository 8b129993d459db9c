"""Is a coded series where it belongs? Says what is wrong in words, with millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.image import MedImage
from napari_medclf.testing.coded_series import CodedSeries, Expected

EXACT_MM = 1e-3
"""As far as a voxel may be off in memory."""
THROUGH_TEXT_MM = 1e-4
"""As far as DICOM's decimal strings of 16 characters may move it."""
_LONGEST_REASON = 600  # the path in front included


@dataclass(frozen=True, eq=False)
class View:
    """What somebody made of a series, or of a part of it.

    Parameters
    ----------
    samples : (..., K, J, I)
    affine : (4, 4)
        Index (k, j, i) to LPS millimetres, as claimed.
    is_placed : bool
        Whether a place in the patient is claimed at all.
    acquired_k : tuple of float
        Where the acquired slices lie along k, where others were filled in.
    """

    samples: PixelArray
    affine: FloatArray
    warnings: tuple[str, ...] = ()
    is_placed: bool = True
    acquired_k: tuple[float, ...] = ()

    @classmethod
    def of(cls, image: MedImage) -> View:
        """Take an image as it is."""
        is_placed = image.geometry.unit.value == "mm"
        data = np.asarray(image.data)
        return cls(data, image.geometry.affine, image.warnings, is_placed, image.source.acquired_k)


@dataclass(frozen=True)
class Verdict:
    """What came of the check.

    Parameters
    ----------
    worst_mm : float
        Largest distance of a voxel from its true place; 0 where nothing was read.
    complaint : str
        Why the series counts as silently wrong, or wrongly refused; empty for what is right.
    """

    worst_mm: float
    complaint: str = ""
    n_read: int = 0


def judge(series: CodedSeries, views: Sequence[View], refusals: Sequence[str]) -> Verdict:
    """Compare every voxel with the truth.

    Right is: every voxel in its place; or a sentence with numbers for the part that is not read.

    Parameters
    ----------
    refusals : sequence of str
        Sentences about what was not read.
    """
    try:
        errors_mm = [_error_mm(series, view) for view in views if view.is_placed]
    except ValueError as error:
        return Verdict(np.inf, f"samples are not those of the files: {error}", len(views))
    worst_mm = max(errors_mm, default=0.0)
    complaints = [_wrong_place(series, worst_mm), _lost(series, views, refusals), _unsaid(series, views, refusals)]
    return Verdict(worst_mm, "; ".join(filter(None, complaints)), len(views))


def places_of(view: View) -> FloatArray:
    """Where a view claims its voxels lie, (K, J, I, 3) in LPS millimetres."""
    index = np.moveaxis(np.indices(view.samples.shape[-3:]), 0, -1).astype(np.float64)
    return np.asarray(index @ view.affine[:3, :3].T + view.affine[:3, 3])


def _error_mm(series: CodedSeries, view: View) -> float:
    samples, places = view.samples, places_of(view)
    if view.acquired_k:
        rows = [round(k) for k in view.acquired_k if abs(k - round(k)) < 1e-6]
        samples, places = samples[..., rows, :, :], places[rows]
    off = series.true_world(series.codes_of(samples)) - places
    return float(np.linalg.norm(off, axis=-1).max(initial=0.0))


def _wrong_place(series: CodedSeries, worst_mm: float) -> str:
    if series.expected is Expected.UNPLACED and worst_mm > EXACT_MM:
        return f"claims a place in the patient that the files do not tell, {worst_mm:.3g} mm off"
    if worst_mm <= series.stray_mm + EXACT_MM:
        return ""
    return f"wrong by {worst_mm:.4g} mm"


def _lost(series: CodedSeries, views: Sequence[View], refusals: Sequence[str]) -> str:
    """Voxels that are in no view need a sentence; voxels of several times may not share a volume."""
    seen = np.zeros(series.n_voxels, dtype=np.int64)
    for view in views:
        rows = [round(k) for k in view.acquired_k] if view.acquired_k else slice(None)
        codes = series.codes_of(view.samples[..., rows, :, :])
        seen += np.bincount(codes.ravel(), minlength=series.n_voxels)
        times = series.times_of(codes).reshape(-1, int(np.prod(codes.shape[-3:])))
        if (times != times[:, :1]).any():
            return "mixes times in one volume"
        if len(times) > 1 and (np.diff(times[:, 0]) <= 0).any():
            return f"puts the times in the order {times[:, 0].tolist()}"
    if seen.max(initial=0) > 1:
        return f"shows {int((seen > 1).sum())} voxels more than once"
    n_lost = int((seen == 0).sum())
    return f"loses {n_lost} of {series.n_voxels} voxels without a word" if n_lost and not refusals else ""


def _unsaid(series: CodedSeries, views: Sequence[View], refusals: Sequence[str]) -> str:
    odd = [one for one in refusals if "\n" in one or len(one) > _LONGEST_REASON]
    if odd:
        return f"a refusal that is not one sentence: {odd[0][:80]!r}"
    if series.expected is Expected.REFUSED and refusals and not any(map(_has_numbers, refusals)):
        return f"a refusal without numbers: {refusals[0]!r}"
    needs_warning = series.needs_warning or series.expected is Expected.UNPLACED
    if needs_warning and any(not view.warnings for view in views):
        return "no warning says what is odd"
    return ""


def _has_numbers(sentence: str) -> bool:
    return any(one.isdigit() for one in sentence)
