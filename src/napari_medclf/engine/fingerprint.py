"""Notice damaged or foreign weights by what the network says about a built-in phantom."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Fingerprint, ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.networks import has_one_size
from napari_medclf.engine.sliding.run_batch import run_batch
from napari_medclf.testing.phantoms import fingerprint_input

# A small patch keeps the check below 0.2 s; networks that fix their input size need the whole one.
_LARGEST_SIZE_VOX = 32
_N_VALUES = 16


def compute_fingerprint(card: ModelCard, network: nn.Module) -> Fingerprint:
    """Run the network on the phantom and keep a few of the logits.

    Parameters
    ----------
    network : nn.Module
        On the CPU; it is set to evaluation mode for this and set back.

    Returns
    -------
    Fingerprint
        Sixteen logits at even distances, their mean and their standard deviation.

    Raises
    ------
    CardError
        If the network cannot take the card's patch or channels.
    """
    was_training = network.training
    network.eval()
    try:
        logits = _ask(card, network)
    finally:
        network.train(was_training)
    chosen = logits[np.linspace(0, logits.size - 1, _N_VALUES).round().astype(int)]
    return Fingerprint(values=tuple(float(f"{value:.7g}") for value in (*chosen, logits.mean(), logits.std())))


def check_fingerprint(card: ModelCard, network: nn.Module) -> None:
    """Compare what a network says with its card; a card without a fingerprint passes.

    Raises
    ------
    CardError
        If they differ by more than the tolerance, relative to the largest value where that is above 1.
    """
    if card.fingerprint is None:
        return
    expected = np.asarray(card.fingerprint.values)
    found = np.asarray(compute_fingerprint(card, network).values)
    allowed = card.fingerprint.tolerance * max(1.0, float(np.abs(expected).max(initial=0)))
    differs = expected.shape != found.shape or not np.allclose(found, expected, rtol=0, atol=allowed)
    if differs:
        raise CardError(
            f"The network of {card.name!r} does not answer as its card says: the weights are damaged or belong to "
            "another model. Install the model again."
        )


def _ask(card: ModelCard, network: nn.Module) -> FloatArray:
    """Run the small shape; a network that halves it to nothing, or unevenly, gets its whole patch."""
    shapes = dict.fromkeys((_choose_shape(card), _rounded(card.input.resize_to or card.input.patch_vox, card)))
    refusal: Exception | None = None
    for shape in shapes:
        inputs = torch.from_numpy(fingerprint_input(shape, len(card.input.channels)))[None]
        try:
            return run_batch(network, inputs).to(torch.float64).numpy().ravel()
        except (RuntimeError, ValueError) as error:
            refusal = error
    reason = " ".join(str(refusal).split())[:200]
    raise CardError(f"The network of {card.name!r} cannot take a patch of {shape} voxels: {reason}.") from refusal


def _choose_shape(card: ModelCard) -> tuple[int, ...]:
    spec = card.input
    whole = spec.resize_to or spec.patch_vox
    if card.task.is_of_whole_image or has_one_size(card.network):
        sizes = whole
    else:
        sizes = tuple(min(size, max(_LARGEST_SIZE_VOX, spec.divisible_by)) for size in whole)
    return _rounded(sizes, card)


def _rounded(sizes: Sequence[int], card: ModelCard) -> tuple[int, ...]:
    step = card.input.divisible_by
    return tuple(math.ceil(size / step) * step for size in sizes)
