"""Explain what a classifier says: a heat map of one class, home on the image's own grid."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.heat_map import HeatMap
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.results import Classification
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.inference import Inference
from napari_medclf.engine.answers.scores import answer_scores
from napari_medclf.engine.explain.gradients import class_map, enlarge
from napari_medclf.engine.explain.stages import Stage, find_stages
from napari_medclf.engine.instant.features import torch_network
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.prepare import Prepared
from napari_medclf.engine.sliding.run_batch import batch_size
from napari_medclf.engine.sliding.window import Window

_FEW_CELLS = 8
"""Along a side; a map of fewer places looks finer on the screen than it is."""


class Explainer:
    """A classifier that can say where in an image it found what speaks for a class; made by `begin`."""

    def __init__(self, model: LoadedModel, network: nn.Module, stages: tuple[Stage, ...], n_left_out: int) -> None:
        self._model, self._network, self._stages, self._n_left_out = model, network, stages, n_left_out

    @staticmethod
    def begin(model: LoadedModel) -> Explainer:
        """Find the layer that is read.

        Raises
        ------
        CardError
            If the model does not classify.
        BackendUnavailable
            If nothing of the network can be read, as a sentence.
        """
        card = model.card
        if card.task is not Task.CLASSIFY:
            raise CardError(
                f"{card.name} is made to {card.task}: its answer lies on the image already. A heat map is for models "
                "that give classes to whole images."
            )
        network = torch_network(model.network)
        if network is None or isinstance(network, torch.jit.ScriptModule):
            raise BackendUnavailable(
                f"{card.name} runs as a program whose layers cannot be heard, so that it cannot say where it looked. "
                "Load it with the runtime 'torch', where it has one."
            )
        spec = card.input
        generator = torch.Generator().manual_seed(0)
        inputs = torch.rand((1, len(spec.channels), *(spec.resize_to or spec.patch_vox)), generator=generator)
        try:
            stages, n_left_out = find_stages(network, inputs.to(model.device))
        except BackendUnavailable as error:
            raise BackendUnavailable(f"{card.name} cannot say where it looked. {error}") from error
        return Explainer(model, network, stages, n_left_out)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that are read, as torch has them."""
        return tuple(one.name for one in self._stages)

    def explain(self, image: MedImage, class_name: str = "") -> Job[HeatMap]:
        """Map what in an image speaks for a class.

        Parameters
        ----------
        class_name : str
            Name or code of a class; empty for the one that the model decides for, or thinks likeliest.

        Raises
        ------
        SchemaError
            If the model has no such class.
        CardError
            If the image cannot be fed to the model.

        Notes
        -----
        Where the model's answer is the mean over mirrored images, so is the map. Of a volume that is seen slice by
        slice, every slice has a map of its own, in one unit.
        """
        model, card = self._model, self._model.card
        wanted = card.schema_.named(class_name).name if class_name else ""
        ready = yield from model.prepare(image)
        prepared = ready.prepared
        inference = Inference(card, model.network, model.device, image, prepared, RunSettings())
        answer = yield from answer_scores(inference)
        said = answer.classification
        assert said is not None
        chosen = wanted or (said.decided[0] if said.decided else said.top_class)
        maps, cells = yield from self._map(prepared, inference.window, card.schema_.names.index(chosen))
        peak = float(maps.max(initial=0))
        home = prepared.grid.restore((maps / peak if peak > 0 else maps)[np.newaxis])[0]
        values = np.clip(home, 0, 1).astype(np.float32)
        warnings = tuple(one.sentence for one in ready.violations) + prepared.warnings
        warnings += tuple(self._warnings(chosen, said, cells, peak))
        return HeatMap(values, image.geometry, chosen, said.scores[chosen], peak, cells, warnings)

    def _map(self, prepared: Prepared, window: Window, index: int) -> Job[tuple[FloatArray, tuple[int, int, int]]]:
        """Map a class on the model's grid; returns the map (K, J, I), and how many cells it is made of."""
        padded, inside = _pad(prepared.data, window)
        inputs = torch.from_numpy(padded)
        inputs = inputs.transpose(0, 1) if window.spatial_dims == 2 else inputs[None]
        score = score_of(self._model.card.output, index)
        found: list[Tensor] = []
        groups = inputs.split(window.batch or batch_size(self._model.device, inputs.shape[2:]))
        for n_done, group in enumerate(groups, start=1):
            each = [self._flipped(group.to(self._model.device), flip, score) for flip in window.flips]
            found.append(torch.stack([one for one, _ in each]).mean(0).cpu())
            cells = each[0][1]
            yield Progress(n_done, len(groups), "Reading the network's last maps")
        maps = torch.cat(found) if window.spatial_dims == 2 else found[0][0]
        k, j, i = (len(inputs), *cells) if window.spatial_dims == 2 else cells
        return np.ascontiguousarray(maps.numpy()[inside]), (k, j, i)

    def _flipped(
        self, group: Tensor, flip: tuple[int, ...], score: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, tuple[int, ...]]:
        """Map mirrored inputs, and mirror the map back; returns it at the inputs' size, and its cells."""
        given = group.flip(flip) if flip else group
        cells = class_map(self._network, given, self._stages, score)
        large = enlarge(cells, group.shape[2:])
        back = tuple(axis if axis < 0 else axis - 1 for axis in flip)  # the map has no axis for channels
        return (large.flip(back) if flip else large), tuple(cells.shape[1:])

    def _warnings(self, chosen: str, said: Classification, cells: tuple[int, int, int], peak: float) -> list[str]:
        sentences = []
        if not peak > 0:
            sentences.append(f"Nothing in the image speaks for {chosen}.")
        elif chosen not in said.decided:
            sentences.append(f"The model does not decide for {chosen} here ({100 * said.scores[chosen]:.1f} %).")
        if min(cells[-2:]) < _FEW_CELLS:
            sentences.append(
                f"The network tells only {cells[-2]} x {cells[-1]} places of a slice apart; the map is no finer."
            )
        if self._n_left_out:
            n_all = self._n_left_out + len(self._stages)
            sentences.append(
                f"{self._n_left_out} of {n_all} members have no maps of features; the map is of the others."
            )
        return sentences


def score_of(output: OutputSpec, index: int) -> Callable[[Tensor], Tensor]:
    """Make the number that is explained: a class's logit (N,) of a network's answer (N, classes).

    Of classes in an order it is the logit of being above the class before less that of being above the class.
    """
    if output.activation != "ordinal":
        return lambda answer: answer[:, index]

    def of_step(answer: Tensor) -> Tensor:
        total = answer.new_zeros(len(answer))
        if index > 0:
            total = total + answer[:, index - 1]
        return total - answer[:, index] if index < answer.shape[1] else total

    return of_step


def _pad(data: FloatArray, window: Window) -> tuple[FloatArray, tuple[slice, ...]]:
    """Pad (C, K, J, I) with zeros as for an answer; returns where (K, J, I) of it lies inside."""
    n_kept = 3 - window.spatial_dims
    widths, inside = [(0, 0)] * (1 + n_kept), [slice(None)] * n_kept
    for size in data.shape[1 + n_kept :]:
        missing = math.ceil(size / window.divisible_by) * window.divisible_by - size
        widths.append((missing // 2, missing - missing // 2))
        inside.append(slice(missing // 2, missing // 2 + size))
    return np.ascontiguousarray(np.pad(data, widths)), tuple(inside)
