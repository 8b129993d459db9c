"""Probabilities become labels and classes as the card says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import Chooser, activate, decide_classes, decide_labels, values_of_channels

_ORGANS = LabelSchema.from_names(["liver", "spleen"], first_value=1)


def _output(schema: LabelSchema = _ORGANS, **changes: Any) -> OutputSpec:
    return OutputSpec(schema=schema, **changes)


def _line(*rows: list[float]) -> list[np.ndarray]:
    return [np.array(row, dtype=np.float32).reshape(1, 1, -1) for row in rows]


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_softmax_and_sigmoid_equal_scipy(temperature: float) -> None:
    from scipy.special import expit, softmax

    logits = np.random.default_rng(0).normal(0, 30, size=(4, 2, 3, 5)).astype(np.float32)
    for activation, expected in (
        ("softmax", softmax(logits / temperature, axis=0)),
        ("sigmoid", expit(logits / temperature)),
    ):
        found = logits.copy()
        activate(found, _output(activation=activation, temperature=temperature))
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_label_values_need_not_be_in_a_row() -> None:
    schema = LabelSchema(
        classes=(
            LabelClass(value=0, name="background", colour="#000000"),
            LabelClass(value=40, name="liver", colour="#E69F00"),
            LabelClass(value=300, name="spleen", colour="#56B4E9"),
        )
    )
    values = values_of_channels(schema)
    assert values.tolist() == [0, 40, 300]
    assert values.dtype == np.uint16


def test_thresholds_decide_which_class_a_voxel_gets() -> None:
    channels = _line([0.6, 0.1, 0.2, 0.3], [0.3, 0.5, 0.45, 0.1], [0.1, 0.4, 0.35, 0.6])
    labels = decide_labels(channels, _output(thresholds={"liver": 0.25, "spleen": 0.7}))
    assert labels.ravel().tolist() == [1, 1, 1, 0]


def test_independent_classes_need_half_each_and_the_larger_wins() -> None:
    channels = _line([0, 0, 0], [0.4, 0.7, 0.6], [0.3, 0.6, 0.9])
    assert decide_labels(channels, _output(activation="sigmoid")).ravel().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("probabilities", "thresholds", "decided"),
    [
        ([0.6, 0.4], {}, ("clear",)),
        ([0.6, 0.4], {"opaque": 0.3}, ("opaque",)),
        ([0.8, 0.2], {"opaque": 0.3}, ("clear",)),
        ([0.4, 0.6], {"opaque": 0.7}, ("clear",)),
    ],
)
def test_exclusive_classes(probabilities: list[float], thresholds: dict[str, float], decided: tuple[str, ...]) -> None:
    output = _output(LabelSchema.from_names(["clear", "opaque"]), thresholds=thresholds)
    assert decide_classes(probabilities, output, is_calibrated=False).decided == decided


def test_independent_classes_may_all_be_there_or_none() -> None:
    output = _output(LabelSchema.from_names(["a", "b"]), activation="sigmoid", thresholds={"b": 0.2})
    assert decide_classes([0.7, 0.3], output, is_calibrated=True).decided == ("a", "b")
    nothing = decide_classes([0.3, 0.1], output, is_calibrated=True)
    assert nothing.decided == ()
    assert (nothing.is_calibrated, nothing.thresholds) == (True, {"b": 0.2})


def test_later_priority_is_painted_over_earlier() -> None:
    channels = _line([0.0] * 4, [0.9, 0.9, 0.5, 0.6], [0.2, 0.6, 0.7, 0.5])
    output = _output(activation="sigmoid", priority=("liver", "spleen"))
    # A half is not more likely than not: nnU-Net's regions need more.
    assert decide_labels(channels, output).ravel().tolist() == [1, 2, 2, 1]
    turned = _output(activation="sigmoid", priority=("spleen", "liver"))
    assert decide_labels(channels, turned).ravel().tolist() == [1, 1, 2, 1]


def test_network_without_background_channel_has_one_channel_a_class() -> None:
    vessels = LabelSchema.from_names(["vessel"], first_value=1)
    output = _output(vessels, activation="sigmoid", has_background_channel=False, thresholds={"vessel": 0.4196})
    assert decide_labels(_line([0.41, 0.42, 0.9]), output).ravel().tolist() == [0, 1, 1]
    assert values_of_channels(vessels, has_background=False).tolist() == [1]


def test_answer_that_is_a_probability_is_left_alone() -> None:
    answer = np.array([[0.2, 0.7]], dtype=np.float32)
    activate(answer, _output(is_activated=True, temperature=3.0))
    assert answer.tolist() == [[pytest.approx(0.2), pytest.approx(0.7)]]


def test_logits_are_chosen_like_their_probabilities() -> None:
    from scipy.special import expit

    logits = np.random.default_rng(3).normal(0, 3, size=(3, 4, 5, 6)).astype(np.float32)
    for priority in ((), ("spleen", "liver")):
        output = _output(activation="sigmoid", thresholds={"liver": 0.3}, temperature=1.7, priority=priority)
        found = Chooser(output, is_logit=True).choose(logits[1:])
        assert np.array_equal(found, decide_labels(expit(logits / 1.7), output))
