"""`medclf explain`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.explain import Explained, ExplainOptions, explain


def _document(done: Explained) -> dict[str, Any]:
    return dataclasses.asdict(done)


def _show(done: Explained) -> Iterator[str]:
    for case in done.cases:
        place = ", ".join(f"{one:.1f}" for one in case.hottest)
        yield f"{case.case_id}: {case.class_name} {100 * case.score:.1f} %, most at ({place})"
    yield f"wrote {done.out}"


COMMAND = Command(ExplainOptions, explain, _document, _show)
