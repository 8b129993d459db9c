"""One network of many answers with the mean of their probabilities."""

from __future__ import annotations

import numpy as np
import torch

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.ensemble.network import MeanNetwork, activated

_SCHEMA = LabelSchema.from_names(["a", "b"], first_value=1)
_LOGITS = [torch.from_numpy(np.random.default_rng(n).normal(0, 2, (2, 3, 4, 5, 6)).astype(np.float32)) for n in (1, 2)]


def _softmax(logits: torch.Tensor, temperature: float = 1.0) -> np.ndarray:
    scaled = np.exp(logits.numpy().astype(np.float64) / temperature)
    return scaled / scaled.sum(axis=1, keepdims=True)


def test_mean_is_of_probabilities_by_weight_and_each_has_its_temperature() -> None:
    outputs = [OutputSpec(schema=_SCHEMA), OutputSpec(schema=_SCHEMA, temperature=2.0)]
    members = [(lambda x, n=n: _LOGITS[n], outputs[n]) for n in (0, 1)]
    found = MeanNetwork(members, (1.0, 3.0))(torch.zeros(2, 1, 4, 5, 6))
    expected = 0.25 * _softmax(_LOGITS[0]) + 0.75 * _softmax(_LOGITS[1], 2.0)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_first_of_several_outputs_is_the_answer() -> None:
    output = OutputSpec(schema=_SCHEMA)
    network = MeanNetwork([(lambda x: (_LOGITS[0], x), output), (lambda x: [_LOGITS[1], x], output)], (1.0, 1.0))
    expected = (_softmax(_LOGITS[0]) + _softmax(_LOGITS[1])) / 2
    np.testing.assert_allclose(network(torch.zeros(2, 1, 4, 5, 6)).numpy(), expected, atol=1e-6)


def test_parts_that_follow_each_other_are_one_member() -> None:
    """As the folds of nnU-Net: their logits are averaged before."""
    output = OutputSpec(schema=_SCHEMA, n_members=2)
    found = activated(torch.cat(_LOGITS, dim=1), output)
    np.testing.assert_allclose(found.numpy(), _softmax((_LOGITS[0] + _LOGITS[1]) / 2), atol=1e-6)


def test_flows_stay_as_they_are_behind_their_probability() -> None:
    output = OutputSpec(schema=_SCHEMA, instances="flows")
    found = activated(_LOGITS[0], output, 1)
    np.testing.assert_allclose(found[:, :1].numpy(), 1 / (1 + np.exp(-_LOGITS[0][:, :1].numpy())), rtol=1e-5)
    assert torch.equal(found[:, 1:], _LOGITS[0][:, 1:])


def test_probabilities_are_taken_as_they_are_and_not_changed() -> None:
    output = OutputSpec(schema=_SCHEMA, is_activated=True)
    given = _LOGITS[0].clone()
    found = MeanNetwork([(lambda x: given, output)] * 2, (1.0, 1.0))(torch.zeros(2, 1, 4, 5, 6))
    np.testing.assert_allclose(found.numpy(), _LOGITS[0].numpy(), atol=1e-6)
    assert torch.equal(given, _LOGITS[0])
