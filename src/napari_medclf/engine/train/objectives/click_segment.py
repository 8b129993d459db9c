"""Learn a class for every voxel, and to follow clicks on what is still wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.clicks.draw import draw_clicks
from napari_medclf.engine.clicks.person import clicks_on_errors
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.base import float_answers
from napari_medclf.engine.train.objectives.segment import Segment

_WITHOUT = 0.5
"""Part of the samples that are learned from without clicks, so that the network also answers by itself."""
_MOST_CLICKS = 4


class ClickSegment(Segment):
    """As `Segment`, for networks that take clicks (`InputSpec.clicks`).

    Half of the samples are shown with clicks into what the network itself answers wrongly without any
    (Sakinis 2019, Interactive segmentation of medical images through fully convolutional neural networks;
    Diaz-Pinto 2022, DeepEdit).

    Raises
    ------
    OptionError
        If the recipe's input has not one channel of clicks for each class.
    """

    def __init__(
        self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], names: Sequence[str]
    ) -> None:
        super().__init__(recipe, train, val, names)
        self._n_clicks, self._sigma_vox = len(recipe.input.clicks), recipe.input.click_sigma_vox
        if self._n_clicks != len(names) + 1:
            raise OptionError(
                f"The recipe takes clicks of {self._n_clicks} classes, and the data has {len(names) + 1} with "
                "background. Plan it anew for this data."
            )

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """As `Segment`, with clicks for half of the samples."""
        is_clicked = torch.rand(len(batch.images)) >= _WITHOUT
        if not bool(is_clicked.any()):
            return super().loss(network, batch)
        with torch.no_grad():
            answers = float_answers(network, batch.images)[0].argmax(1).cpu().numpy()
        clicks = self._clicks(answers, batch, is_clicked.numpy()).to(batch.images)
        return super().loss(network, replace(batch, images=torch.cat([batch.images, clicks], dim=1)))

    def _clicks(self, answers: np.ndarray, batch: Batch, is_clicked: np.ndarray) -> Tensor:
        """Draw what a person would click on each of the chosen samples."""
        assert isinstance(batch.targets, Tensor)
        assert batch.weight is not None
        truth, counts = batch.targets.cpu().numpy(), batch.weight.cpu().numpy() > 0
        how_many = torch.randint(1, _MOST_CLICKS + 1, (len(answers),)).tolist()
        drawn = np.zeros((len(answers), self._n_clicks, *truth.shape[1:]), np.float32)
        for sample in np.flatnonzero(is_clicked).tolist():
            places, classes = clicks_on_errors(answers[sample], truth[sample], counts[sample], how_many[sample])
            drawn[sample] = draw_clicks(truth.shape[1:], places, classes, self._n_clicks, self._sigma_vox)
        return torch.from_numpy(drawn)
