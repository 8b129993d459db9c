"""`medclf session`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.session.protocol import Deed, SessionOptions, session


def _document(deeds: tuple[Deed, ...]) -> dict[str, Any]:
    return {"deeds": [dataclasses.asdict(one) for one in deeds]}


def _show(deeds: tuple[Deed, ...]) -> Iterator[str]:
    rows = [(one.at, one.who, one.what, one.about, _size(one)) for one in deeds]
    yield from columns([("when", "who", "what", "about", ""), *rows])


def _size(deed: Deed) -> str:
    if not deed.n_strokes:
        return ""
    return f"{deed.n_strokes} strokes, {deed.n_vox} voxels, {deed.active_s:.0f} s"


COMMAND = Command(SessionOptions, session, _document, _show)
