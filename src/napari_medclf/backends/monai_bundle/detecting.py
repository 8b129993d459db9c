"""A bundle's detector: anchors, windows and what is dropped, from ``RetinaNetDetector`` and its settings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from napari_medclf.backends.monai_bundle.inferring import Windows
from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.config import Config
from napari_medclf.store.monai_config.pieces import Component

_WINDOW = (192, 192, 80)  # what the training of MONAI's detection example uses


@dataclass(frozen=True)
class Detector:
    """How a RetinaNet is used.

    Parameters
    ----------
    feature_map_scales : tuple of float
        How much larger the anchors are at each level.
    base_anchor_shapes : tuple of tuple of float
        Anchors of the first level, in voxels, in the network's order of axes.
    thresholds : tuple of (str, float)
        Fields of `OutputSpec`.
    """

    feature_map_scales: tuple[float, ...]
    base_anchor_shapes: tuple[tuple[float, ...], ...]
    windows: Windows
    thresholds: tuple[tuple[str, float], ...]


def read_detector(config: Config) -> Detector:
    """Understand the anchors and settings of a bundle's detector.

    Raises
    ------
    CardError
        If it has no anchors by shape.
    """
    anchors = config.describe("anchor_generator") if "anchor_generator" in config else None
    if not isinstance(anchors, Component) or anchors.short_name != "AnchorGeneratorWithAnchorShape":
        raise CardError("The detector has no AnchorGeneratorWithAnchorShape, the only anchors that this program knows.")
    scales = anchors.arguments.get("feature_map_scales")
    shapes = anchors.arguments.get("base_anchor_shapes")
    try:
        found = tuple(float(one) for one in scales)  # type: ignore[union-attr]  # a TypeError is a refusal
        base = tuple(tuple(float(size) for size in shape) for shape in shapes)  # type: ignore[union-attr]
    except (TypeError, ValueError) as error:
        raise CardError(f"The anchors {shapes!r} at scales {scales!r} are not lists of numbers.") from error
    settings = dict(_settings(config))
    return Detector(found, base, _windows(settings, len(base[0])), tuple(_thresholds(settings)))


def _settings(config: Config) -> Iterator[tuple[str, Any]]:
    """Named arguments of calls such as ``@detector.set_box_selector_parameters(score_thresh=0.02)``."""
    for text in config.texts("detector_ops"):
        try:
            node = ast.parse(text.removeprefix("$").replace("@", "_at_"), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if isinstance(node, ast.Call):
            for one in node.keywords:
                yield str(one.arg), _value(one.value, config)


def _value(node: ast.expr, config: Config) -> Any:
    if isinstance(node, ast.Name) and node.id.startswith("_at_"):
        return config.describe(node.id.removeprefix("_at_"))
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _windows(settings: dict[str, Any], dims: int) -> Windows:
    size = settings.get("roi_size")
    is_usable = (
        isinstance(size, (list, tuple)) and len(size) == dims and all(isinstance(n, int) and n > 0 for n in size)
    )
    overlap = settings.get("overlap")
    return Windows(
        tuple(int(n) for n in size) if is_usable and size is not None else _WINDOW[:dims],
        overlap if isinstance(overlap, float) and 0 <= overlap < 1 else 0.25,
        "constant",
    )


def _thresholds(settings: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for theirs, ours, default in (("score_thresh", "smallest_score", 0.05), ("nms_thresh", "nms_iou", 0.5)):
        value = settings.get(theirs)
        yield ours, float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else default
