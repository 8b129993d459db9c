"""One image as a model sees it, prepared once and looked at many times."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.instant.features import Network
from napari_medclf.engine.instant.part import Part, part_of, whole_box
from napari_medclf.engine.instant.targets import Channels
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.planning.plan import window_of
from napari_medclf.engine.prepare import Prepared, prepare_by_slabs
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.sliding.run_batch import batch_size
from napari_medclf.engine.sliding.slide import slide
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.tiles import choose_axis
from napari_medclf.engine.sliding.window import Window


@dataclass(frozen=True, eq=False)
class Scene:
    """One image on the grid of one model.

    Parameters
    ----------
    is_mirrored : bool or None
        Average over mirrored images: always, never, or as the card says.
    """

    model: LoadedModel
    image: MedImage
    prepared: Prepared
    is_mirrored: bool | None = None

    @property
    def grid(self) -> GridMap:
        """The way home."""
        return self.prepared.grid

    @property
    def channels(self) -> Channels:
        """What the network's channels mean."""
        return Channels(self.model.card)

    @property
    def logits_card(self) -> ModelCard:
        """The card as if the network answered with the logits of one member, which is what is kept."""
        output = self.model.card.output
        changes: dict[str, object] = {"is_activated": False, "n_members": 1}
        if output.is_activated:
            changes["temperature"] = 1.0
        return self.model.card.model_copy(update={"output": output.model_copy(update=changes)})

    @property
    def window(self) -> Window:
        """How the image is cut."""
        window = window_of(self.model.card, RunSettings(mirror=self.is_mirrored))
        preferred = getattr(self.model.network, "best_batch", 1)
        return replace(window, batch=max(preferred, batch_size(self.model.device, window.tile)))

    @property
    def whole(self) -> Box:
        """The box of the whole image."""
        return whole_box(self.image.geometry.shape)

    def part(self, box: Box) -> Part:
        """Find the part of the model grid for a box of the image.

        Raises
        ------
        GridError
            If it lies outside of the image, or of what the model looks at.
        """
        shape = self.image.geometry.shape
        if not all(0 <= a < b <= n for (a, b), n in zip(box, shape, strict=True)):
            raise GridError(f"The box {box} is not inside of an image of {shape} voxels.")
        found = part_of(self.grid, box)
        if found is None:
            raise GridError(f"{self.model.card.name} crops its images, and the box {box} lies outside of that.")
        return found

    def run(self, network: Network, box: Box, wide: Box, sink: Sink, window: Window | None = None) -> Job[None]:
        """Run a network over a box of the model grid and hand its answers in an inner one to a sink, as `slide` does.

        Parameters
        ----------
        box, wide : three (start, stop)
            What is wanted, and what is looked at for it.
        sink : Sink
            Gets the planes of the inner box along `axis_of`.
        window : Window or None
            How the image is cut; None as the card says.
        """
        data = np.ascontiguousarray(self.prepared.data[(slice(None), *(slice(*one) for one in wide))])
        inner = [slice(a - first, b - first) for (a, b), (first, _) in zip(box, wide, strict=True)]
        axis = self.axis_of(box)
        cut = _Cut(sink, inner, axis)
        yield from slide(data, network, window or self.window, self.model.device, cut, Streaming(axis=axis))

    def axis_of(self, box: Box) -> int:
        """Axis of the model grid along which a run over a box hands on its slabs."""
        k, j, i = (stop - start for start, stop in box)
        return choose_axis((k, j, i), self.window)


def open_scene(model: LoadedModel, image: MedImage, is_mirrored: bool | None = None) -> Job[Scene]:
    """Bring an image to a model's grid.

    Raises
    ------
    CardError
        If the image cannot be fed to the model.
    """
    yield Progress(0, 0, "Preparing the image")
    prepared = yield from prepare_by_slabs(image, model.card.input)
    return Scene(model, image, prepared, is_mirrored)


class _Cut:
    """A sink before another one, that cuts a halo away."""

    def __init__(self, sink: Sink, inner: list[slice], axis: int) -> None:
        self._sink, self._inner, self._axis = sink, inner, axis

    def take(self, start: int, logits: np.ndarray) -> None:
        """Take the next slab (C, K, J, I) of box and halo."""
        inner = self._inner[self._axis]
        first, last = max(start, inner.start), min(start + logits.shape[1 + self._axis], inner.stop)
        if first >= last:
            return
        index = list(self._inner)
        index[self._axis] = slice(first - start, last - start)
        self._sink.take(first - inner.start, logits[(slice(None), *index)])
