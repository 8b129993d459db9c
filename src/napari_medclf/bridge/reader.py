"""napari's way in: which paths are ours, and what layers they hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_medclf.io.report import ReadReport

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
    """Read files or folders into layers: images, and on them the labels and reports made for them.

    Raises
    ------
    ReadError
        If nothing could be read; what was refused beside it, and what is odd, is warned about.
    """
    from napari_medclf.domain.errors import ReadError
    from napari_medclf.io.read import read

    paths = _as_paths(path)
    report = read(paths)
    layers = report_layers(report)
    if not layers:
        first = report.refusals[0] if report.refusals else None
        if first is None:
            raise ReadError(paths[0], "there is no image in it")
        raise first.as_error()
    _warn([f"{one.path.name} was left out: {one.reason}" for one in report.refusals], "files were left out")
    _warn([*_not_on_each_other(report), *report.warnings], "warnings stand in the Data tab of the workbench")
    return layers


def report_layers(report: ReadReport) -> list[tuple[Any, dict[str, Any], str]]:
    """Describe all that was read: images first, then labels, then reports whose image is not there."""
    from napari_medclf.bridge.derived import (
        image_of_reference,
        label_set_layers,
        report_layer,
        with_reports,
    )
    from napari_medclf.bridge.layers import image_layer

    images = report.images
    layers = [with_reports(image_layer(image), image, report.reports) for image in images]
    for label_set in report.label_sets:
        layers += label_set_layers(label_set, images)
    layers += [report_layer(one) for one in report.reports if image_of_reference(one.reference, images) is None]
    return layers


def _not_on_each_other(report: ReadReport) -> list[str]:
    from napari_medclf.bridge.overlap import apart_sentence

    named = [(image.name, image.geometry) for image in report.images]
    found = (apart_sentence(name, geometry, named[:place]) for place, (name, geometry) in enumerate(named))
    return [sentence for sentence in found if sentence][:1]


def _warn(sentences: Sequence[str], others: str) -> None:
    for sentence in sentences[:_MOST_REASONS]:
        warnings.warn(sentence, stacklevel=3)
    if len(sentences) > _MOST_REASONS:
        warnings.warn(f"{len(sentences) - _MOST_REASONS} more {others}.", stacklevel=3)


def _as_paths(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, str) else [Path(one) for one in path]
