"""`medclf convert`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.convert import Converted, ConvertOptions, convert


def _document(result: Converted) -> dict[str, Any]:
    return {
        "source": str(result.source),
        "target": str(result.target),
        "shape": list(result.shape),
        "warnings": list(result.warnings),
    }


def _show(result: Converted) -> Iterator[str]:
    yield f"wrote {result.target} ({' x '.join(map(str, result.shape))})"


COMMAND = Command(ConvertOptions, convert, _document, _show)
