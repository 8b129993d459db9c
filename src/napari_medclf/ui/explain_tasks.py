"""The job behind "Show why": on a worker, it reads where a classifier found what it says; it touches no layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_medclf.bridge.layers import LayerTuple
from napari_medclf.bridge.model_maps import heat_layer
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage

if TYPE_CHECKING:
    from napari_medclf.engine.explain.explainer import Explainer


class ExplainerCache:
    """Keeps the last explainer; only used on the worker's thread."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._explainer: Explainer | None = None

    def get(self, package: ModelPackage, device: str) -> Explainer:
        """Load a classifier, or return the one that is loaded when its weights are the same."""
        from napari_medclf.jobs.explain import load_explainer

        key = (package, device)
        if self._explainer is None or key != self._key:
            self._explainer = None
            self._explainer, self._key = load_explainer(package, device), key
        return self._explainer


def explain_answer(
    image: MedImage, package: ModelPackage, device: str, class_name: str, cache: ExplainerCache
) -> Job[LayerTuple]:
    """Describe for napari what speaks for a class in an image."""
    from napari_medclf.jobs.explain import explain_image

    yield Progress(0, 0, "loading the model")
    heat = yield from explain_image(image, cache.get(package, device), class_name)
    for sentence in heat.warnings:
        yield Warned(sentence)
    return heat_layer(heat, heat_name(image, package))


def heat_name(image: MedImage, package: ModelPackage) -> str:
    """Name the layer: one for an image and a model, whichever class is explained."""
    return f"{image.name} · {package.name} · why"
