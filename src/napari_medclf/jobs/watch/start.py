"""What services need before they begin: the model, the formats, and the plan of their run."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.run import RunRecord
from napari_medclf.jobs.batch.choose import check_rule
from napari_medclf.jobs.outputs.formats import check_formats
from napari_medclf.jobs.predict import RunOptions
from napari_medclf.jobs.runs.case import RunPlan
from napari_medclf.jobs.runs.run_book import answer_digest, check_out
from napari_medclf.jobs.watch.options import ServiceOptions
from napari_medclf.jobs.watch.send_on import formats_to_send

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.jobs.watch.arrivals import Arrivals

_MANY = 1000
"""Images to come, as far as the choice of the fastest runtime goes."""


def prepare(command: str, options: ServiceOptions) -> Job[tuple[RunPlan, Predictor]]:
    """Find and load the model, before anything is written or listened to.

    Raises
    ------
    CardError
        If there is no such model, or it is damaged.
    OptionError
        If the formats do not fit the model, the rule is none, there is no such server to send to, or the folder of
        results is another run's.
    """
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.predict import load_package
    from napari_medclf.jobs.spec import spec_of

    check_rule(options)
    package = find_model(options.model)
    formats = options.format
    if options.send_to:
        _check_server(options.send_to)
        formats = formats_to_send(formats, package.card.task)
    check_formats(package.card.task, formats)
    spec = spec_of(command, options)
    plan = RunPlan(spec, package, options, options.out, formats, resume=True)
    check_out(plan)
    plan = replace(plan, answered_by=answer_digest(replace(plan, spec=_of_answers(spec, formats))))
    yield Progress(0, 0, f"loading {package.name}")
    return plan, load_package(package, options, _MANY)


def serve(
    options: ServiceOptions, plan: RunPlan, loaded: Predictor, arrivals: Arrivals, *, once: bool = False
) -> Job[RunRecord]:
    """Run what arrives until stopped."""
    from napari_medclf.jobs.watch.service import Service

    return (yield from Service(options, plan, loaded, arrivals, time.monotonic).run(once=once))


def _of_answers(spec: RunSpec, formats: tuple[str, ...]) -> RunSpec:
    """Keep the options that change answers or files: how long is waited, and who may send, does neither."""
    names = {field.name for field in fields(RunOptions)}
    kept = {name: value for name, value in spec.options.items() if name in names}
    return spec.model_copy(update={"options": kept | {"format": list(formats)}})


def _check_server(name_or_address: str) -> None:
    from napari_medclf.io.pacs.server_file import find_server
    from napari_medclf.store.catalogue import default_user_folder

    find_server(default_user_folder(), name_or_address)
