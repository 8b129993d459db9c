"""`medclf preprocess`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.preprocess import Preprocessed, PreprocessOptions, preprocess_file


def _document(done: Preprocessed) -> dict[str, Any]:
    return dataclasses.asdict(done)


def _show(done: Preprocessed) -> Iterator[str]:
    yield from done.steps
    size = " x ".join(map(str, done.shape))
    spacing = " x ".join(f"{one:.4g}" for one in done.spacing)
    yield f"wrote {done.out}: {size} voxels of {spacing}, {done.seconds:.1f} s"


COMMAND = Command(PreprocessOptions, preprocess_file, _document, _show)
