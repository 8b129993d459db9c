"""`medclf demo`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.demo import DemoOptions, DemoResult, demo


def _document(result: DemoResult) -> dict[str, Any]:
    return {
        "out": str(result.out.resolve()),
        "pictures": [str(path) for path in result.pictures],
        "screenshots": [str(path) for path in result.screenshots],
        "scenes": result.rows,
    }


def _show(result: DemoResult) -> Iterator[str]:
    for row in result.rows:
        scores = "  ".join(f"{name} {score:.1%}" for name, score in row.get("scores", {}).items())
        sizes = "  ".join(f"{name} {size:,.4g}" for name, size in row.get("sizes", {}).items())
        n_objects = f"{row['n_objects']} objects" if "n_objects" in row else ""
        yield "  ".join(
            part for part in (f"{row['name']}:", row.get("model", "read"), scores, n_objects or sizes) if part
        )
    yield from (f"window: {path.name}" for path in result.screenshots)
    yield f"pictures in {result.out.resolve()}"


COMMAND = Command(DemoOptions, demo, _document, _show)
