"""The door for TotalSegmentator: a small file names the task."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

_KEY = "totalsegmentator"
_MAX_BYTES = 4096
_DEFAULT_SETTINGS = LoadSettings()
_DEVICES = {"cuda": "gpu", "mps": "mps", "cpu": "cpu"}


class TotalSegmentatorBackend:
    """See `domain.backend.Backend`.

    A model is a file such as ``{"totalsegmentator": {"task": "total", "fast": true}}``.
    """

    name = "totalsegmentator"
    title = "task of an installed TotalSegmentator"

    def unavailable_because(self) -> str:
        """How to install it, where it is not found."""
        from napari_medclf.backends.totalsegmentator.program import NOT_FOUND, find_program

        return "" if find_program() is not None else NOT_FOUND

    def recognises(self, path: Path) -> bool:
        """Whether the file is JSON that speaks of TotalSegmentator."""
        return _read(path) is not None

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Make the card of the task; the program is not asked yet."""
        from napari_medclf.backends.totalsegmentator.tasks import find_task, make_card

        wanted = _read(path)
        if wanted is None:
            raise CardError(f'{path}: names no task; expected such as {{"{_KEY}": {{"task": "total"}}}}.')
        if not isinstance(wanted, dict) or set(wanted) - {"task", "fast"}:
            raise CardError(f'{path}: {wanted!r} is no task; expected such as {{"task": "total", "fast": true}}.')
        own = make_card(find_task(str(wanted.get("task", "")), is_fast=wanted.get("fast") is True))
        if card is not None:
            own = own.model_copy(update={"name": card.name, "title": card.title, "description": card.description})
        return ModelPackage(own, path.parent, files=(path,))

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Find the program and ask it for its own list of the task's classes, which may be newer than ours."""
        from napari_medclf.backends.totalsegmentator.predictor import TotalSegmentatorModel
        from napari_medclf.backends.totalsegmentator.program import NOT_FOUND, ask_classes, find_program
        from napari_medclf.backends.totalsegmentator.tasks import make_schema

        program = find_program()
        if program is None:
            raise BackendUnavailable(NOT_FOUND)
        with tempfile.TemporaryDirectory(prefix="medclf-") as folder:
            asking = ask_classes(program, str(package.card.network.arguments["task"]), Path(folder))
            classes = _finish(asking)
        card = package.card
        if classes:
            output = card.output.model_copy(update={"schema_": make_schema(classes)})
            card = card.model_copy(update={"output": output})
        return TotalSegmentatorModel(replace(package, card=card), program, _name_device(settings))


def write_task(path: Path, task: str, *, is_fast: bool = False) -> None:
    """Write the small file that stands for a task.

    Raises
    ------
    CardError
        If there is no such task.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.backends.totalsegmentator.tasks import find_task

    found = find_task(task, is_fast=is_fast)
    atomic_write(path, json.dumps({_KEY: {"task": found.name, "fast": found.is_fast}}) + "\n")


def _read(path: Path) -> Any:
    """Read what the file says about a task; None where it says nothing."""
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content.get(_KEY) if isinstance(content, dict) else None


def _finish(job: Any) -> Any:
    """Run a short job to its end."""
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value


def _name_device(settings: LoadSettings) -> str:
    """Say a device in TotalSegmentator's words."""
    from napari_medclf.engine.device import choose_device

    if settings.precision not in ("auto", "float32") or settings.runtime not in ("auto", "torch"):
        raise BackendUnavailable("TotalSegmentator chooses precision and runtime itself; leave both at 'auto'.")
    device = choose_device(settings.device)
    kind = _DEVICES.get(device.type)
    if kind is None:
        raise BackendUnavailable(f"TotalSegmentator does not run on {device.type}.")
    return f"{kind}:{device.index}" if device.index else kind
