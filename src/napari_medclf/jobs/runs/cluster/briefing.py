"""Put together what the workers of a run must know before they get cases."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job, Progress
from napari_medclf.free_memory import available_bytes
from napari_medclf.jobs.background import awaited
from napari_medclf.jobs.runs.cluster.manifest import manifest_of
from napari_medclf.jobs.runs.cluster.orders import Order
from napari_medclf.jobs.runs.cluster.pack import pack

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.predict import RunOptions
    from napari_medclf.jobs.runs.case import RunCase, RunPlan

_N_SAMPLES = 5
_LEAST_GB = 0.1


def brief(plan: RunPlan, cases: Sequence[RunCase], *, is_here: bool, workshop: Path) -> Job[Order]:
    """Make the order for a run.

    Parameters
    ----------
    is_here : bool
        Whether all workers are on this computer: they take the model where it lies, and share the memory.
    workshop : Path
        Where an ensemble is put together for workers elsewhere; needed until the run is over.

    Raises
    ------
    CardError
        If the model is damaged.
    """
    from napari_medclf.jobs.spec import package_versions

    manifest = None
    if is_here:
        plan = replace(plan, options=_share_of_memory(plan))
    else:
        reading = Progress(0, len(cases), f"reading {plan.package.name}")
        package = yield from awaited(partial(pack, plan.package, workshop), reading)
        plan = replace(plan, package=package)
        manifest = yield from awaited(partial(manifest_of, plan.package), reading)
    step = max(len(cases) // _N_SAMPLES, 1)
    return Order(
        run_id=secrets.token_hex(6),
        plan=plan,
        manifest=manifest,
        versions=package_versions(),
        token=secrets.token_hex(16),
        samples=tuple(case.source.path for case in cases[::step][:_N_SAMPLES]),
    )


def check_model(package: ModelPackage) -> Job[None]:
    """Make sure that a model is whole and may run, without loading it.

    Raises
    ------
    CardError
        If it is damaged, or would run code that nobody has trusted.
    """
    from napari_medclf.backends.registry import what_would_run
    from napari_medclf.store.catalogue import verify_model
    from napari_medclf.store.trust import check_trust

    yield from verify_model(package)
    check_trust(replace(package, trust=what_would_run(package)))


def _share_of_memory(plan: RunPlan) -> RunOptions:
    given = plan.options.memory_gb
    whole_gb = available_bytes() / 1e9 if given is None else given
    return replace(plan.options, memory_gb=max(whole_gb / plan.workers, _LEAST_GB))
