"""Correct an image with a model that learns from every stroke, click and box: what the window does, for Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.engine.grid.crop import Box
    from napari_medclf.engine.instant.classifier import InstantClassifier
    from napari_medclf.engine.instant.label_head import LabelHead
    from napari_medclf.engine.instant.settings import InstantSettings
    from napari_medclf.engine.model import LoadedModel


def load_for_instant(package: ModelPackage, device: str = "auto") -> LoadedModel:
    """Load a model so that its last layer can be heard: in torch, in single precision on a CPU.

    Raises
    ------
    BackendUnavailable
        If the model runs as a program of its own, or as several one after the other, so that nothing of it can be kept.
    CardError
        If the package is damaged, or would run code that nobody has trusted.
    """
    from napari_medclf.backends.registry import load
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.engine.model import LoadedModel

    loaded = load(package, LoadSettings(device, runtime="torch"))
    if not isinstance(loaded, LoadedModel):
        raise BackendUnavailable(
            f"{package.name} does not run as one network in this program: strokes cannot change its last layer. "
            "Paint with the other tools, or train a model of your own from your corrections."
        )
    return loaded


def begin_head(
    image: MedImage, package: ModelPackage, region: Box | None = None, settings: InstantSettings | None = None
) -> Job[LabelHead]:
    """Load a model and look at an image once, so that every stroke from now on is answered at once.

    A network that was trained to take clicks is asked itself, of others the last layer.

    Raises
    ------
    MedclfError
        As `load_for_instant` and `InstantHead.begin`.
    """
    from napari_medclf.engine.instant.open_head import open_head
    from napari_medclf.engine.instant.settings import InstantSettings

    yield Progress(0, 0, f"loading {package.name}")
    model = load_for_instant(package)
    return (yield from open_head(model, image, region, settings or InstantSettings()))


def begin_classifier(package: ModelPackage) -> Job[InstantClassifier]:
    """Load a classifier whose last layer follows the classes that a person gives.

    Raises
    ------
    MedclfError
        As `load_for_instant` and `InstantClassifier.begin`.
    """
    from napari_medclf.engine.instant.classifier import InstantClassifier

    yield Progress(0, 0, f"loading {package.name}")
    return InstantClassifier.begin(load_for_instant(package))
