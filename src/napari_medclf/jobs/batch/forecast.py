"""Foresee the time and the memory that the images of a plan will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.run import CaseStatus, RunRecord
from napari_medclf.jobs.background import awaited
from napari_medclf.jobs.batch.planned import BatchPlan, PlannedCase
from napari_medclf.jobs.batch.rates import Rates, fit_rates

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.run_settings import RunSettings
    from napari_medclf.engine.planning.outlook import Look
    from napari_medclf.jobs.batch.options import BatchOptions
    from napari_medclf.store.speeds import Speeds, Times

_MOST_REMEMBERED = 64
_STEP = 20
"""Images between two looks for a stop."""


@dataclass(frozen=True)
class _Foreseen:
    """What is known of one image."""

    expected_s: float | None = None
    expected_bytes: int | None = None
    notes: tuple[str, ...] = ()


def with_forecast(plan: BatchPlan, package: ModelPackage, options: BatchOptions) -> Job[BatchPlan]:
    """Add to a plan what its images will take, and what is odd with them for this model.

    Times come from earlier runs of the model on this computer, else from one window that is timed now. The memory of
    each image is planned as for the run itself. Where the model cannot be loaded, the plan says so and stands without.
    """
    from napari_medclf.free_memory import available_bytes
    from napari_medclf.jobs.predict import load_package, settings_of

    rows = plan.to_run
    if not rows:
        return plan
    settings = settings_of(options)
    try:
        loading = Progress(0, 0, f"loading {package.name}")
        loaded = yield from awaited(partial(load_package, package, options), loading)
    except MedclfError as error:
        return replace(plan, notes=(*plan.notes, f"The model cannot be loaded here: {error}"))
    times = speeds_of(package, options).read()
    rates, basis = yield from _rates(loaded, settings, times, rows)
    foreseen = yield from _foresee_all(rows, loaded, settings, rates)
    by_place = {row.record.source: _with(row, foreseen[_look_of(row)]) for row in rows}
    rows = tuple(by_place.values())
    expected = None if options.scheduler else _filled_in([row.expected_s for row in rows])
    peaks = [row.expected_bytes for row in rows if row.expected_bytes is not None]
    return replace(
        plan,
        rows=tuple(by_place.get(row.record.source, row) for row in plan.rows),
        expected_s=None if expected is None else expected * _overlap(times, options),
        basis=f"{basis} How long a scheduler's workers take is not known." if options.scheduler else basis,
        peak_bytes=max(peaks, default=None),
        free_bytes=available_bytes(),
    )


def sample_of(rows: Sequence[PlannedCase]) -> tuple[PlannedCase, ...]:
    """Choose the images of a run whose times are kept, evenly among all that are to be run."""
    to_run = [row for row in rows if row.is_to_run]
    return tuple(to_run[:: max(len(to_run) // _MOST_REMEMBERED, 1)])


def remember(package: ModelPackage, options: BatchOptions, sample: Sequence[PlannedCase], record: RunRecord) -> None:
    """Keep what some cases of a run took, for the plan of the next one.

    Parameters
    ----------
    sample : sequence of PlannedCase
        From `sample_of`, of a run in which nothing was done before.
    """
    from napari_medclf.engine.planning.outlook import network_vox
    from napari_medclf.jobs.predict import settings_of
    from napari_medclf.store.speeds import CaseTime

    elapsed_s = {one.case_id: one.elapsed_s for one in record.cases if one.status is CaseStatus.DONE}
    settings = settings_of(options)
    cases = []
    for row in sample:
        look, seconds = _look_of(row), elapsed_s.get(row.record.case_id, 0.0)
        if look is None or not seconds > 0:
            continue
        try:
            vox = network_vox(look, package.card, settings)
        except MedclfError:
            continue
        cases.append(CaseTime(network_vox=vox, source_vox=look.source_vox, elapsed_s=seconds))
    part = sum(case.elapsed_s for case in cases) / max(sum(elapsed_s.values()), 1e-9)
    speeds_of(package, options).add(cases, record.elapsed_s * part)


def speeds_of(package: ModelPackage, options: BatchOptions) -> Speeds:
    """Where the times of a model, run this way, are kept."""
    from napari_medclf.store.catalogue import default_user_folder
    from napari_medclf.store.speeds import Speeds

    card = package.card
    model = card.weights_sha256 or f"{card.name} {card.version}"
    how = (options.device, options.runtime, options.precision, str(options.workers))
    return Speeds(default_user_folder(), model, how)


def _rates(
    loaded: Predictor, settings: RunSettings, times: Times, rows: Sequence[PlannedCase]
) -> Job[tuple[Rates | None, str]]:
    from napari_medclf.engine.model import LoadedModel
    from napari_medclf.engine.planning.outlook import time_window

    rates = fit_rates(times.cases)
    if rates is not None:
        runs = "the last run" if times.n_runs == 1 else f"{times.n_runs} runs"
        return rates, f"Expected times come from {len(times.cases)} cases of {runs} with this model on this computer."
    look = next(filter(None, map(_look_of, rows)), None)
    if look is None or not isinstance(loaded, LoadedModel):
        return None, "Expected times are not known before a first run with this model."
    try:
        timing = partial(time_window, loaded, settings, look)
        seconds, vox = yield from awaited(timing, Progress(0, 0, "timing one window"))
    except MedclfError:
        return None, "Expected times are not known before a first run with this model."
    basis = f"Expected times come from one window that took {seconds:.2g} s; reading and writing are not counted."
    return Rates(network_s_per_vox=seconds / vox), basis


def _foresee_all(
    rows: Sequence[PlannedCase], loaded: Predictor, settings: RunSettings, rates: Rates | None
) -> Job[dict[Look | None, _Foreseen]]:
    """Foresee each kind of image once; images of one size, spacing and modality are alike."""
    looks = list(dict.fromkeys(map(_look_of, rows)))
    foreseen: dict[Look | None, _Foreseen] = {}
    for start in range(0, len(looks), _STEP):
        part = looks[start : start + _STEP]
        work = partial(_foresee_some, part, loaded, settings, rates)
        foreseen |= yield from awaited(work, Progress(start, len(looks), "planning the memory"))
    return foreseen


def _foresee_some(
    looks: Sequence[Look | None], loaded: Predictor, settings: RunSettings, rates: Rates | None
) -> dict[Look | None, _Foreseen]:
    return {look: _Foreseen() if look is None else _foresee(look, loaded, settings, rates) for look in looks}


def _foresee(look: Look, loaded: Predictor, settings: RunSettings, rates: Rates | None) -> _Foreseen:
    from napari_medclf.engine.model import LoadedModel
    from napari_medclf.engine.planning.outlook import network_vox, peak_bytes, what_is_odd

    card = loaded.package.card
    expected_s, expected_bytes = None, None
    notes: tuple[str, ...] = ()
    try:
        notes = what_is_odd(look, card)
        if rates is not None:
            expected_s = rates.expected_s(network_vox(look, card, settings), look.source_vox)
        if isinstance(loaded, LoadedModel):
            expected_bytes = peak_bytes(look, loaded, settings)
    except MedclfError as error:
        notes = (*notes, f"It will probably fail: {error}")
    return _Foreseen(expected_s, expected_bytes, notes)


def _look_of(row: PlannedCase) -> Look | None:
    """What is known of an image; None where its size is not."""
    from napari_medclf.engine.planning.outlook import Look

    if len(row.size) < len("KJI"):
        return None
    is_dicom = bool(row.study)
    return Look(row.size, row.spacing_mm, row.kind if is_dicom else "")


def _with(row: PlannedCase, foreseen: _Foreseen) -> PlannedCase:
    return replace(
        row,
        expected_s=foreseen.expected_s,
        expected_bytes=foreseen.expected_bytes,
        notes=(*row.notes, *foreseen.notes),
    )


def _filled_in(seconds: Sequence[float | None]) -> float | None:
    """Sum of what cases take; those of unknown size count as the median of the others."""
    known = [one for one in seconds if one is not None]
    return sum(known) + median(known) * (len(seconds) - len(known)) if known else None


def _overlap(times: Times, options: BatchOptions) -> float:
    """Time by the clock as a part of the sum over the cases."""
    return 1.0 / options.workers if times.overlap is None else times.overlap
