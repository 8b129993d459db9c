"""A training that ``torchrun`` started in several processes: the first one makes the model, the others help."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import OptionError

if TYPE_CHECKING:
    from napari_medclf.jobs.train import TrainOptions


def is_helper() -> bool:
    """Whether this process only helps another one, which makes the model."""
    return int(os.environ.get("RANK", "0")) > 0


@contextmanager
def apart(options: TrainOptions) -> Iterator[TrainOptions]:
    """Give a helper's training a folder of its own, which goes with it; the first process's options stay.

    Raises
    ------
    OptionError
        If several processes are asked for what each would decide by its own clock.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and options.recipe == "auto":
        raise OptionError("--recipe auto goes by the clock and runs in one process. Name a recipe, or leave torchrun.")
    if not is_helper():
        yield options
        return
    name = options.name or options.out.name
    with tempfile.TemporaryDirectory(prefix="medclf-helper-") as folder:
        yield replace(options, out=Path(folder) / options.out.name, name=name, register=False, baselines=False)
