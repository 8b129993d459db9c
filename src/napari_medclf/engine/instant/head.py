"""The instant head: strokes change a network's last layer in tens of milliseconds, on features that are kept."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import MedImage
from napari_medclf.engine.background import in_background
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.across import Lesson
from napari_medclf.engine.instant.adapted import adapt_model
from napari_medclf.engine.instant.cache import FeatureCache, fill_cache
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.kept_voxels import KeptVoxels
from napari_medclf.engine.instant.learner import Learner
from napari_medclf.engine.instant.near import REACH
from napari_medclf.engine.instant.refit import Refit
from napari_medclf.engine.instant.scene import Scene, open_scene
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.instant.shown import Shown, SliceAnswer
from napari_medclf.engine.model import LoadedModel

_DEFAULT_SETTINGS = InstantSettings()


class InstantHead:
    """A model's last layer on one image, or a part of it, that follows what a person paints; made by `begin`.

    Not to be used by two threads at once.
    """

    def __init__(self, cache: FeatureCache, settings: InstantSettings) -> None:
        self._cache, self._settings = cache, settings
        self._voxels = KeptVoxels(cache, settings.seed)
        self._learner = Learner(self._voxels, settings)
        self._shown = Shown(self._voxels, self._learner.nothing)

    @staticmethod
    def begin(
        model: LoadedModel,
        image: MedImage,
        region: Box | None = None,
        settings: InstantSettings = _DEFAULT_SETTINGS,
    ) -> Job[InstantHead]:
        """Run the network once and keep what it computes before its last layer.

        Parameters
        ----------
        region : three (start, stop) or None
            Box of the image's own grid, axes (k, j, i); None takes the whole image, or, where memory is short, as much
            as there is room for around `InstantSettings.focus`.

        Raises
        ------
        CardError
            If the model labels no voxels, or the image cannot be fed to it.
        PlanError
            If there is no memory for the features.
        GridError
            If the region does not lie in the image.
        """
        if model.card.task not in (Task.SEGMENT, Task.INSTANCES):
            raise CardError(f"{model.card.name} is made to {model.card.task}; an instant head labels voxels.")
        scene = yield from open_scene(model, image, settings.is_mirrored)
        cache = yield from fill_cache(scene, region, settings)
        head = InstantHead(cache, settings)
        yield from in_background(head.prepare, "Getting ready for the first stroke")
        return head

    def prepare(self) -> None:
        """Do ahead what the first refit would have to do."""
        self._learner.prepare()

    @property
    def region(self) -> Box:
        """The box of the image, axes (k, j, i), that labels are given for."""
        return self._cache.region

    @property
    def n_bytes(self) -> int:
        """What is kept in memory."""
        return self._cache.n_bytes

    @property
    def scene(self) -> Scene:
        """The prepared image, for `local.reinfer`."""
        return self._cache.scene

    @property
    def is_of_last_layer(self) -> bool:
        """Whether features are those of the network's last layer; else they are of the image and the answer."""
        return bool(self._cache.layers)

    @property
    def reach_vox(self) -> Shape3:
        """How far a stroke reaches, in voxels of the image along (k, j, i)."""
        scene = self._cache.scene
        finest = min(scene.grid.model.spacing) * self._settings.near_vox * REACH
        k, j, i = (int(np.ceil(finest / one)) for one in scene.image.geometry.spacing)
        return (0, j, i) if scene.image.geometry.is_flat else (k, j, i)

    def refit(self, corrections: Corrections) -> Refit:
        """Learn from all corrections of this image so far; earlier refits only speed this up.

        Parameters
        ----------
        corrections : Corrections
            All of them, not only the last stroke's. Those outside of the region are left out; none brings the model's
            own answer back.

        Raises
        ------
        SchemaError
            If a value is no class of the model.
        """
        started = time.perf_counter()
        learned = self._learner.learn(corrections)
        self._shown = Shown(self._voxels, learned)
        return Refit(learned.n_corrections, learned.strength, time.perf_counter() - started)

    def slice_labels(self, axis: int, index: int) -> SliceAnswer:
        """Label one slice of the region.

        Parameters
        ----------
        axis : int
            0, 1 or 2 of the image's own grid (k, j, i).
        index : int
            On the image's own grid.

        Returns
        -------
        labels, probability
            2D arrays of the region's extent along the two other axes. Objects of an instance model are numbered on
            this slice alone.

        Raises
        ------
        GridError
            If the slice is not in the region.
        """
        return self._shown.slice_labels(axis, index)

    def labels(self) -> LabelArray:
        """Label the region: (K, J, I) of its extent on the image's own grid."""
        return self._shown.labels()

    def labels_in(self, box: Box) -> LabelArray:
        """Label a box of the region.

        Raises
        ------
        GridError
            If it is not in the region.
        """
        return self._shown.labels_in(box)

    def chance_at(self, voxels: NDArray[np.int64], value: int) -> FloatArray:
        """Give the probability (N,) of a label value at voxels (N, 3) of the image; 0 outside of the region."""
        return self._shown.chance_at(voxels, value)

    def adapted_model(self) -> LoadedModel:
        """Give the model with what was learned for the whole image; what holds near strokes only is not in it."""
        change = self._voxels.unscaled_change(self._shown.learned.change)
        return adapt_model(self._cache.scene.model, self._cache.layers, change)

    def lesson(self, labels: LabelArray) -> Lesson:
        """Take a sample of an image whose labels are all right, for `learn_from`.

        Parameters
        ----------
        labels : (K, J, I) integer
            Of the whole image, as a person accepted them.

        Raises
        ------
        GridError
            If they are of another shape.
        SchemaError
            If a value is no class of the model.
        """
        return self._learner.lesson(labels)
