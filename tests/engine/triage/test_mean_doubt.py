"""The mean doubt of logits that pass by in slabs is that of the whole map where something was found or doubted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.triage.mean_doubt import MeanDoubt

SHAPE = (12, 20, 28)


def _output(activation: str, **more: object) -> OutputSpec:
    schema = LabelSchema.from_names(["liver", "spleen"], first_value=1)
    return OutputSpec.model_validate({"schema": schema, "activation": activation, **more})


def _logits(n_channels: int) -> np.ndarray:
    drawn = np.random.default_rng(0).normal(0, 2, (n_channels, *SHAPE)).astype(np.float32)
    drawn[0] += 2
    return drawn


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slabs_give_the_mean_entropy_of_exclusive_classes(axis: int) -> None:
    logits = _logits(3)
    doubt = MeanDoubt(_output("softmax"), SHAPE, axis)
    for start in range(0, SHAPE[axis], 5):
        doubt.take(start, logits.take(range(start, min(start + 5, SHAPE[axis])), axis=axis + 1))
    p = softmax(logits.astype(np.float64), axis=0)
    entropy = -(p * np.log(p)).sum(axis=0) / np.log(3)
    expected = entropy[(p[0] < 0.5) | (entropy >= 0.25)].mean()
    assert doubt.value == pytest.approx(expected, rel=1e-4)


def test_independent_classes_count_with_the_mean_of_their_own_entropies() -> None:
    logits = _logits(2) - 3
    doubt = MeanDoubt(_output("sigmoid", has_background_channel=False), SHAPE)
    doubt.take(0, logits)
    p = expit(logits.astype(np.float64))
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p)).mean(axis=0)
    expected = entropy[(p.max(axis=0) >= 0.5) | (entropy >= 0.25)].mean()
    assert doubt.value == pytest.approx(expected, rel=1e-4)


def test_sure_network_that_finds_nothing_has_no_doubt() -> None:
    logits = np.zeros((3, *SHAPE), dtype=np.float32)
    logits[0] = 30
    doubt = MeanDoubt(_output("softmax"), SHAPE)
    doubt.take(0, logits)
    assert doubt.value == 0


def test_many_samples_are_thinned_out_alike_in_slabs_and_whole() -> None:
    shape = (150, 10, 9)
    logits = np.random.default_rng(1).normal(0, 2, (3, *shape)).astype(np.float32)
    whole, parts = MeanDoubt(_output("softmax"), shape), MeanDoubt(_output("softmax"), shape)
    whole.take(0, logits)
    for start in range(0, 150, 7):
        parts.take(start, logits[:, start : start + 7])
    assert parts.value == pytest.approx(whole.value, rel=1e-6)
