"""The jobs behind the Run panel: on a worker, they load and run models; they touch no layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.bridge.boxes import boxes_layers
from napari_medclf.bridge.contrast import Limits
from napari_medclf.bridge.layers import LayerTuple, image_layer, labels_layer
from napari_medclf.bridge.model_maps import uncertainty_layer
from napari_medclf.bridge.preview import preview_layer
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Previewed, Progress
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.violation import Violation
from napari_medclf.ui.tasks import Answer, Row, labels_name

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.jobs.predict import RunOptions

Focus = tuple[int, int] | None


@dataclass(frozen=True)
class PreviewShown(Previewed):
    """A preview with its layer, described on the worker."""

    layer: LayerTuple | None = None


class ModelCache:
    """Keeps the last model loaded; only used on the worker's thread."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._loaded: Predictor | None = None

    def get(self, package: ModelPackage, options: RunOptions) -> Predictor:
        """Load a model, or return the one that is loaded when its files have not changed."""
        from napari_medclf.jobs.predict import load_package

        files = package.files or (package.weights_path, package.folder)
        key = (package, _times(files), options.device, options.precision, options.runtime)
        if self._loaded is None or key != self._key:
            self._loaded = None  # two models at once may be too much for the memory
            self._loaded, self._key = load_package(package, options), key
        return self._loaded


def run_model(
    image: MedImage, package: ModelPackage, options: RunOptions, cache: ModelCache, focus: Focus = None
) -> Job[Answer]:
    """Run a model, measure what it found, and describe its labels for napari.

    Parameters
    ----------
    focus : (axis, index) or None
        The slice that is looked at; it comes first, as `PreviewShown`.
    """
    from napari_medclf.jobs.predict import predict_image

    yield Progress(0, 0, "loading the model")
    running = predict_image(image, package, options, cache.get(package, options), focus)
    prediction = yield from _with_layers(running, image, package)
    yield Progress(0, 0, "measuring")
    return describe_answer(prediction, image, package.card)


def mend(image: MedImage, card: ModelCard, violation: Violation, shown: Limits | None = None) -> Job[LayerTuple]:
    """Mend an image as a person asked for, and describe it for napari.

    Parameters
    ----------
    shown : (low, high) or None
        What is black and white now; it stays so where the samples stay.
    """
    from napari_medclf.jobs.contract import mend_image

    mended = yield from mend_image(image, card, violation)
    data, keywords, kind = image_layer(mended)
    if shown is not None and mended.data is image.data:
        keywords = {**keywords, "contrast_limits": shown}
    return data, {**keywords, "name": f"{image.name} · mended"}, kind


def _with_layers(running: Job[Prediction], image: MedImage, package: ModelPackage) -> Job[Prediction]:
    """Describe previews for napari as they pass by."""
    name = f"{labels_name(image, package.name)} · first slice"
    try:
        while True:
            event = next(running)
            if isinstance(event, Previewed):
                layer = preview_layer(event, image.geometry, package.card.schema_, name)
                event = PreviewShown(event.axis, event.index, event.labels, event.is_final, layer)
            yield event
    except StopIteration as end:
        prediction: Prediction = end.value
        return prediction
    finally:
        running.close()


def describe_answer(prediction: Prediction, image: MedImage, card: ModelCard) -> Answer:
    """Measure what a model found, and describe it for napari."""
    name = labels_name(image, card.name)
    rows, layer = _box_rows(prediction), None
    if prediction.segmentation is not None:
        rows = _measured(prediction.segmentation)
        named = replace(prediction.segmentation, name=name)
        layer = labels_layer(named, rows=rows, prediction=prediction, image=image)
    found, unsure = prediction.detection, prediction.uncertainty
    named_boxes = None if found is None else replace(found, name=f"{name} · boxes")
    boxes = () if named_boxes is None else boxes_layers(named_boxes, prediction=prediction, image=image)
    doubt = None if unsure is None else uncertainty_layer(unsure, f"{name} · uncertainty")
    return Answer(card, prediction, rows, layer, boxes, doubt)


def _measured(segmentation: Segmentation) -> tuple[Row, ...]:
    from napari_medclf.engine.measure import class_volumes, object_sizes

    measure = object_sizes if segmentation.is_instances else class_volumes
    return tuple(one.as_row() for one in measure(segmentation))


def _box_rows(prediction: Prediction) -> tuple[Row, ...]:
    """One row a box: class, score, and edge lengths, the longest first."""
    found = prediction.detection
    if found is None:
        return ()
    unit = "mm" if found.geometry.unit is Unit.MILLIMETRE else "pixels"
    sizes = [" × ".join(f"{edge:.3g}" for edge in sorted(edges, reverse=True)) for edges in found.sizes_mm.tolist()]
    return tuple(
        {"box": number, "class": name, "score": float(score), f"size in {unit}": size}
        for number, (name, score, size) in enumerate(zip(found.names, found.scores, sizes, strict=True), start=1)
    )


def _times(paths: Iterable[Path]) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
