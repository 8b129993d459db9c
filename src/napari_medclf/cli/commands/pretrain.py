"""`medclf pretrain`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.pretrain import PretrainOptions, PretrainResult, pretrain


def _document(result: PretrainResult) -> dict[str, Any]:
    return {
        "model": result.package.name,
        "folder": str(result.package.folder),
        "n_images": result.n_images,
        "history": result.history,
    }


def _show(result: PretrainResult) -> Iterator[str]:
    yield f"model {result.package.name} in {result.package.folder}, from {result.n_images} images"
    for name, value in result.history[-1].items():
        if name.startswith("val/"):
            yield f"{name:24} {value:.3f}"
    yield f"go on with: medclf train DATA --init {result.package.name} --out MODEL"


COMMAND = Command(PretrainOptions, pretrain, _document, _show)
