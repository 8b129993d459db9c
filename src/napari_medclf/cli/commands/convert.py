"""`medclf convert`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.convert import Converted, ConvertOptions, convert


def _document(result: Converted) -> dict[str, Any]:
    return {
        "source": str(result.source),
        "targets": [str(target) for target in result.targets],
        "shape": list(result.shape),
        "warnings": list(result.warnings),
    }


def _show(result: Converted) -> Iterator[str]:
    size = f" ({' x '.join(map(str, result.shape))})" if result.shape else ""
    for target in result.targets:
        yield f"wrote {target}{size}"


COMMAND = Command(ConvertOptions, convert, _document, _show)
