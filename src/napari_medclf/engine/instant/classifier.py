"""The instant classifier: classes that a person gives to images change the last layer at once."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import BackendUnavailable, CardError, SchemaError
from napari_medclf.domain.events import Job
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Classification
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.answers.checked import count_outputs
from napari_medclf.engine.decide import activate, decide_classes
from napari_medclf.engine.instant.adapted import digest_of
from napari_medclf.engine.instant.embedding import EmbeddingNetwork, find_linear
from napari_medclf.engine.instant.features import torch_network
from napari_medclf.engine.instant.regression import Change, Rows, fit_change
from napari_medclf.engine.instant.targets import Channels
from napari_medclf.engine.model import LoadedModel, place_model
from napari_medclf.engine.ordinal import classes_of_steps
from napari_medclf.engine.planning.plan import window_of
from napari_medclf.engine.prepare import prepare_by_slabs
from napari_medclf.engine.sliding.whole_image import run_whole

_STIFFNESS = (10.0, 1.0, 0.1)
_STIFFNESS_OF_FEW = 1.0
_FEWEST_TO_CHOOSE, _MOST_FOLDS = 6, 5


@dataclass(frozen=True, eq=False)
class Embedded:
    """An image as a classifier sees it.

    Parameters
    ----------
    logits : (S, C) float32
        The network's own scores; a row a slice for a 2D network, else one.
    x : (S, F) float32
        What they are made of.
    """

    logits: FloatArray
    x: FloatArray


@dataclass(frozen=True)
class ClassifierRefit:
    """What a refit did.

    Parameters
    ----------
    n_images : int
        That a person gave classes to.
    stiffness : float
        How strongly the weights hold to the old ones, chosen on images that were held back; infinite where the old
        weights were plainly better there.
    """

    n_images: int
    stiffness: float
    elapsed_s: float


class InstantClassifier:
    """A classifier whose last layer follows what a person says about images; made by `begin`.

    Images are embedded once (`add`) and named by a key of the caller's; `refit` takes all answers so far.
    """

    def __init__(self, model: LoadedModel, layer: str) -> None:
        self._model, self._layer = model, layer
        self._output = model.card.output
        self._is_exclusive = Channels(model.card).is_exclusive
        self._known: dict[str, Embedded] = {}
        self._change: Change | None = None

    @staticmethod
    def begin(model: LoadedModel) -> InstantClassifier:
        """Find the layer that is refitted.

        Raises
        ------
        CardError
            If the model does not classify.
        """
        if model.card.task is not Task.CLASSIFY:
            raise CardError(f"{model.card.name} is made to {model.card.task}; an instant classifier classifies.")
        spec = model.card.input
        sizes = spec.resize_to or spec.patch_vox
        generator = torch.Generator().manual_seed(0)
        inputs = torch.rand((1, len(spec.channels), *sizes), generator=generator).to(model.device)
        return InstantClassifier(model, find_linear(model.network, inputs))

    @property
    def keys(self) -> tuple[str, ...]:
        """The images that are known."""
        return tuple(self._known)

    def add(self, key: str, image: MedImage) -> Job[Embedded]:
        """Embed an image and keep that under a key.

        Raises
        ------
        CardError
            If the image cannot be fed to the model.
        """
        model = self._model
        prepared = yield from prepare_by_slabs(image, model.card.input)
        network = EmbeddingNetwork(model.network, self._layer)
        rows = yield from run_whole(prepared.data, network, window_of(model.card, RunSettings()), model.device)
        n = count_outputs(model.card)
        answer = Channels(model.card).logits(rows[:n]).T
        x = rows[n:].T if len(rows) > n else answer
        self._known[key] = Embedded(answer.astype(np.float32), x.astype(np.float32))
        return self._known[key]

    def refit(self, answers: Mapping[str, Sequence[str]]) -> ClassifierRefit:
        """Learn from all classes that a person gave so far.

        Parameters
        ----------
        answers : mapping
            Key of an image to the names of its classes: one, or any number where classes do not exclude each other.
            Keys of images that were not added are left out; no answer brings the model's own scores back.

        Raises
        ------
        SchemaError
            If a class is none of the model's.
        """
        started = time.perf_counter()
        taught = [key for key in answers if key in self._known]
        if not taught:
            self._change = None
            return ClassifierRefit(0, float("inf"), time.perf_counter() - started)
        self._mean, self._scale = self._common_scale()
        each = [self._rows(self._known[key], self._target(answers[key])) for key in taught]
        stiffness = self._choose_stiffness(each)
        self._change = None if np.isinf(stiffness) else self._fit(each, stiffness)
        return ClassifierRefit(len(taught), stiffness, time.perf_counter() - started)

    def scores(self, key: str) -> Classification:
        """Say which classes a known image has, as a prediction does.

        Raises
        ------
        KeyError
            If the image was not added.
        """
        known = self._known[key]
        logits = self._changed(known.x, known.logits).T.copy()
        if not self._output.is_activated:
            activate(logits, self._output)
        else:
            activate(logits, self._output.model_copy(update={"is_activated": False, "temperature": 1.0}))
        chances = classes_of_steps(logits) if self._output.activation == "ordinal" else logits
        is_calibrated = self._model.card.is_calibrated and self._change is None
        return decide_classes(chances.mean(axis=1).tolist(), self._output, is_calibrated=is_calibrated)

    def adapted_model(self) -> LoadedModel:
        """Give the model with what was learned in its last layer's weights.

        Raises
        ------
        BackendUnavailable
            If the network's last layer cannot be reached, so that it cannot carry what was learned.
        """
        if self._change is None:
            return self._model
        module = torch_network(self._model.network)
        if module is None or not self._layer or self._output.is_activated:
            raise BackendUnavailable(
                f"{self._model.card.name} does not end in a linear layer that can be changed. Its scores follow your "
                "answers here, but a model of its own needs training (Train tab)."
            )
        adapted = copy.deepcopy(module)
        last = adapted.get_submodule(self._layer)
        assert isinstance(last, nn.Linear)
        slope = self._change.slope / self._scale[:, np.newaxis]
        shift = torch.from_numpy(self._change.shift - self._mean @ slope).to(last.weight)
        last.weight = nn.Parameter(last.weight + torch.from_numpy(slope.T.copy()).to(last.weight), requires_grad=False)
        last.bias = nn.Parameter(shift if last.bias is None else last.bias + shift, requires_grad=False)
        changes = {"weights_sha256": digest_of(adapted), "fingerprint": None, "is_calibrated": False}
        package = replace(self._model.package, card=self._model.card.model_copy(update=changes))
        return place_model(package, adapted, LoadSettings(device=str(self._model.device), runtime="torch"))

    def _changed(self, x: FloatArray, logits: FloatArray) -> FloatArray:
        return logits if self._change is None else logits + self._change.of((x - self._mean) / self._scale)

    def _common_scale(self) -> tuple[FloatArray, FloatArray]:
        x = np.concatenate([one.x for one in self._known.values()])
        deviation = x.std(axis=0)
        return x.mean(axis=0), np.where(deviation > 1e-6, deviation, 1).astype(np.float32)

    def _target(self, names: Sequence[str]) -> FloatArray:
        schema = self._model.card.schema_
        places = [schema.names.index(schema.named(name).name) for name in names]
        if self._output.activation == "ordinal":
            return (np.arange(len(schema) - 1) < max(places)).astype(np.float32)
        target = np.zeros(len(schema), np.float32)
        if self._is_exclusive and len(places) != 1:
            raise SchemaError(f"An image has one of the classes {', '.join(schema.names)}, not {len(places)} of them.")
        target[places] = 1
        return target

    def _rows(self, known: Embedded, target: FloatArray) -> Rows:
        n, c = known.logits.shape
        targets = np.repeat(target[np.newaxis], n, axis=0)
        x = ((known.x - self._mean) / self._scale).astype(np.float32) / np.float32(np.sqrt(known.x.shape[1]))
        return Rows(x, known.logits, targets, np.full((n, c), 1 / n, np.float32))

    def _fit(self, each: Sequence[Rows], stiffness: float) -> Change:
        joined = each[0]
        for one in each[1:]:
            joined = joined + one
        found = fit_change(joined, stiffness, is_exclusive=self._is_exclusive)
        return Change(found.slope / np.float32(np.sqrt(joined.x.shape[1])), found.shift)

    def _choose_stiffness(self, each: Sequence[Rows]) -> float:
        """Hold images back in turn; few of them are held stiffly."""
        if len(each) < _FEWEST_TO_CHOOSE:
            return _STIFFNESS_OF_FEW
        order = np.random.default_rng(0).permutation(len(each))
        losses = {one: np.zeros(len(each)) for one in (*_STIFFNESS, np.inf)}
        root = np.float32(np.sqrt(each[0].x.shape[1]))
        for fold in (order[n::_MOST_FOLDS] for n in range(_MOST_FOLDS)):
            held = set(fold.tolist())
            rest = [one for n, one in enumerate(each) if n not in held]
            for stiffness in losses:
                change = None if np.isinf(stiffness) else self._fit(rest, stiffness)
                for n in fold.tolist():
                    more = 0.0 if change is None else change.of(each[n].x * root)
                    losses[stiffness][n] = _loss(each[n], each[n].offset + more, self._is_exclusive)
        best = min(_STIFFNESS, key=lambda one: losses[one].mean())
        worse = losses[best] - losses[np.inf]
        # A person's word counts, unless it is plain that the old weights did better on what was held back.
        return np.inf if worse.mean() > worse.std() / np.sqrt(len(worse)) else best


def _loss(rows: Rows, logits: FloatArray, is_exclusive: bool) -> float:
    if is_exclusive:
        spread = np.logaddexp.reduce(logits, axis=1, keepdims=True)
        return float(((spread - logits) * rows.target * rows.weight).sum())
    return float(((np.logaddexp(0, logits) - rows.target * logits) * rows.weight).sum())
