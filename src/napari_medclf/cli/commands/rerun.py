"""`medclf rerun`."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.rerun import Reran, RerunOptions, rerun
from napari_medclf.jobs.session.rerun import SessionRerun


def _of(result: Reran) -> Command[Any, Any]:
    command: Command[Any, Any] = importlib.import_module(f"napari_medclf.cli.commands.{result.command}").COMMAND
    return command


def _document(result: Reran) -> dict[str, Any]:
    if isinstance(result.result, SessionRerun):
        return {"rerun": {"command": result.command, **_session(result.result)}}
    counts = {"n_outputs_before": result.n_outputs, "n_identical": result.n_identical}
    return {**_of(result).document(result.result), "rerun": {"command": result.command, **counts}}


def _session(again: SessionRerun) -> dict[str, Any]:
    answers = [dataclasses.asdict(one) | {"is_same": one.is_same} for one in again.answers]
    models = [dataclasses.asdict(one) | {"is_same": one.is_same} for one in again.models]
    return {"answers": answers, "models": models, "n_without_strokes": again.n_without_strokes}


def _show_session(again: SessionRerun) -> Iterator[str]:
    for answer in again.answers:
        same = f"the same labels after {answer.n_strokes} strokes"
        yield f"{answer.case_id}, {answer.created}: {answer.reason or same}"
    for model in again.models:
        yield f"{model.revision_id}: {model.reason or 'the same weights'}"
    n_same = sum(one.is_same for one in again.answers)
    yield f"{n_same} of {len(again.answers)} painted answers are the same; {again.n_without_strokes} have no strokes"
    if again.models:
        yield f"{sum(one.is_same for one in again.models)} of {len(again.models)} adaptations gave the same weights"


def _show(result: Reran) -> Iterator[str]:
    if isinstance(result.result, SessionRerun):
        yield from _show_session(result.result)
        return
    yield from _of(result).show(result.result)
    if result.n_outputs:
        yield f"{result.n_identical} of {result.n_outputs} outputs are identical to those of the first run"


COMMAND = Command(RerunOptions, rerun, _document, _show)
