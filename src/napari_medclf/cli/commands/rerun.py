"""`medclf rerun`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.rerun import Reran, RerunOptions, rerun


def _of(result: Reran) -> Command[Any, Any]:
    command: Command[Any, Any] = importlib.import_module(f"napari_medclf.cli.commands.{result.command}").COMMAND
    return command


def _document(result: Reran) -> dict[str, Any]:
    counts = {"n_outputs_before": result.n_outputs, "n_identical": result.n_identical}
    return {**_of(result).document(result.result), "rerun": {"command": result.command, **counts}}


def _show(result: Reran) -> Iterator[str]:
    yield from _of(result).show(result.result)
    if result.n_outputs:
        yield f"{result.n_identical} of {result.n_outputs} outputs are identical to those of the first run"


COMMAND = Command(RerunOptions, rerun, _document, _show)
