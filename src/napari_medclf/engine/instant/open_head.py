"""Open whatever follows a person's words best: a network that takes clicks, or any network's last layer."""

from __future__ import annotations

from napari_medclf.domain.events import Job
from napari_medclf.domain.image import MedImage
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.click_head import ClickHead
from napari_medclf.engine.instant.head import InstantHead
from napari_medclf.engine.instant.label_head import LabelHead
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.model import LoadedModel


def open_head(model: LoadedModel, image: MedImage, region: Box | None, settings: InstantSettings) -> Job[LabelHead]:
    """Look at an image once; parameters and errors as of `InstantHead.begin` and `ClickHead.begin`."""
    if model.card.input.clicks:
        return (yield from ClickHead.begin(model, image, region, settings))
    return (yield from InstantHead.begin(model, image, region, settings))
