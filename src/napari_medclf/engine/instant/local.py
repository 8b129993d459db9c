"""Ask a model again about a small box of an image, as fast as one window can be run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import MedImage
from napari_medclf.engine.background import in_background
from napari_medclf.engine.decide import activate
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instances.channels import activate_channels
from napari_medclf.engine.instant.part import Part, at_least, grown
from napari_medclf.engine.instant.restore import labels_home
from napari_medclf.engine.instant.scene import Scene, open_scene
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.restore.members import MeanOfMembers
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.restore.whole import WholeLogits
from napari_medclf.engine.sliding.window import Window


@dataclass(frozen=True, eq=False)
class LocalAnswer:
    """What a model says about a box.

    Parameters
    ----------
    box : three (start, stop)
        Of the image's own grid, axes (k, j, i).
    labels : (K, J, I) integer
        Of the box's extent. Objects of an instance model are numbered from 1 in the box alone.
    probabilities : (C, K, J, I) float32
        Of the network's channels, on the image's grid.
    scene : Scene
        To be handed to the next call for the same model and image, which then need not prepare the image again.
    """

    box: Box
    labels: LabelArray
    probabilities: FloatArray
    scene: Scene


def reinfer(
    model: LoadedModel, image: MedImage, box: Box, scene: Scene | None = None, context_vox: int | None = None
) -> Job[LocalAnswer]:
    """Run a model on one box of an image.

    Parameters
    ----------
    box : three (start, stop)
        Of the image's own grid, axes (k, j, i).
    scene : Scene or None
        Of an earlier answer for the same model and image; another model's or image's is not used.
    context_vox : int or None
        Voxels of the model grid that are looked at around the box. None takes the model's own window, in whose middle
        the box then lies; fewer are faster, and less like what the model saw in training.

    Raises
    ------
    CardError
        If the model labels no voxels, or the image cannot be fed to it.
    GridError
        If the box does not lie in the image.

    Notes
    -----
    Mirrored images are left out, which a whole prediction may average over: they take as many times as long.
    """
    if model.card.task not in (Task.SEGMENT, Task.INSTANCES):
        raise CardError(f"{model.card.name} is made to {model.card.task}; there is nothing to label in a box.")
    if scene is None or scene.model is not model or scene.image is not image:
        scene = yield from open_scene(model, image)
    scene = replace(scene, is_mirrored=False)
    part = scene.part(box)
    wide, window = _choose_window(scene, part, context_vox)
    whole = WholeLogits(part.shape, scene.axis_of(part.box))
    n_members = model.card.output.n_members
    sink: Sink = MeanOfMembers(whole, n_members) if n_members > 1 else whole
    yield from scene.run(model.network, part.box, wide, sink, window)
    logits = scene.channels.logits(whole.finish())
    return (yield from in_background(partial(_answer, scene, part, box, logits), "Bringing the result home"))


def box_around_voxels(voxels: np.ndarray, margin_vox: int, shape: Shape3) -> Box:
    """Give the box of voxels (N, 3), with a margin, inside of an image of (K, J, I) voxels."""
    low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
    k, j, i = ((int(a), int(b)) for a, b in zip(low, high, strict=True))
    return grown((k, j, i), (margin_vox, margin_vox, margin_vox), shape)


def _choose_window(scene: Scene, part: Part, context_vox: int | None) -> tuple[Box, Window]:
    window, shape = scene.window, scene.grid.shape
    if context_vox is not None:
        step = window.divisible_by
        sizes = [b - a + 2 * context_vox for a, b in part.box[3 - window.spatial_dims :]]
        fitting = (math.ceil(size / step) * step for size in sizes)
        patch = tuple(min(size, most) for size, most in zip(fitting, window.patch_vox, strict=True))
        window = replace(window, patch_vox=patch)
    return at_least(part.box, window.tile, shape), window


def _answer(scene: Scene, part: Part, box: Box, logits: FloatArray) -> LocalAnswer:
    card = scene.logits_card
    labels = labels_home(logits, part.grid, card, part.grid.order.index(0))
    chances = logits.copy()
    (activate_channels if card.task is Task.INSTANCES else activate)(chances, card.output)
    home = part.grid.restore(chances)
    if labels.shape != tuple(b - a for a, b in box):  # a grid that leans has no parts
        at = tuple(slice(*one) for one in box)
        labels, home = labels[at], home[(slice(None), *at)]
    return LocalAnswer(box, labels, np.clip(home, 0, 1), scene)
