"""Run a classifier on a whole image at once."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.engine.sliding.run_batch import Network, batch_size, run_batch
from napari_medclf.engine.sliding.window import Window


def run_whole(data: FloatArray, network: Network, window: Window, device: torch.device) -> Job[FloatArray]:
    """Run a network on an image as a whole; a 2D network on every slice.

    Parameters
    ----------
    data : (C, K, J, I) float32
        Padded with zeros, evenly, to a multiple of the window's `divisible_by`.

    Returns
    -------
    (classes, N) float32
        Logits; N is the number of slices for a 2D network, else 1. The mean over the window's flips.

    Raises
    ------
    CardError
        If the network does not return one row of scores for each input.
    """
    inputs = torch.from_numpy(_pad(data, window))
    inputs = inputs.transpose(0, 1) if window.spatial_dims == 2 else inputs[None]
    groups = inputs.split(window.batch or batch_size(device, inputs.shape[2:]))
    rows: list[Tensor] = []
    for n_done, group in enumerate(groups, start=1):
        answers = [run_batch(network, group.to(device), flip, flip_output=False) for flip in window.flips]
        if answers[0].ndim != 2 or len(answers[0]) != len(group):
            raise CardError(f"The network returned an array of shape {tuple(answers[0].shape)}, not scores.")
        rows.append(torch.stack(answers).mean(0).cpu())
        yield Progress(n_done, len(groups), "Running the network")
    return np.array(torch.cat(rows).T.numpy(), dtype=np.float32, order="C")


def _pad(data: FloatArray, window: Window) -> FloatArray:
    n_kept = 1 + 3 - window.spatial_dims
    widths = [(0, 0)] * n_kept
    for size in data.shape[n_kept:]:
        missing = math.ceil(size / window.divisible_by) * window.divisible_by - size
        widths.append((missing // 2, missing - missing // 2))
    return np.ascontiguousarray(np.pad(data, widths))
