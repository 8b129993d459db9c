"""napari's way in: which paths are ours, and what layers they hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PathOrPaths = str | Sequence[str]
_MOST_REASONS = 3


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[tuple[Any, dict[str, Any], str]]] | None:
    """Return the reader for paths we know, None for others; looks at names and first bytes only.

    napari asks this for every file that is opened, so it never raises and imports nothing heavy.
    """
    from napari_medclf.io.sniff import can_read

    try:
        paths = _as_paths(path)
        return read_layers if paths and all(can_read(one) for one in paths) else None
    except Exception:  # noqa: BLE001  (a matcher that raises breaks opening files for all plugins)
        return None


def read_layers(path: PathOrPaths) -> list[tuple[Any, dict[str, Any], str]]:
    """Read files or folders into image layers, one a series.

    Raises
    ------
    ReadError
        If nothing could be read; what was refused beside readable images is warned about.
    """
    from napari_medclf.bridge.layers import image_layer
    from napari_medclf.domain.errors import ReadError
    from napari_medclf.io.read import read

    paths = _as_paths(path)
    report = read(paths)
    if not report.images:
        first = report.refusals[0] if report.refusals else None
        if first is None:
            raise ReadError(paths[0], "there is no image in it")
        raise ReadError(first.path, first.reason, first.hint)
    for refusal in report.refusals[:_MOST_REASONS]:
        warnings.warn(f"{refusal.path.name} was left out: {refusal.reason}", stacklevel=2)
    if len(report.refusals) > _MOST_REASONS:
        warnings.warn(f"{len(report.refusals) - _MOST_REASONS} more files were left out.", stacklevel=2)
    return [image_layer(image) for image in report.images]


def _as_paths(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, str) else [Path(one) for one in path]
