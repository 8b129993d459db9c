"""Steps between ordered classes become classes, whatever the network says."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import decide_classes
from napari_medclf.engine.ordinal import classes_of_steps, median_class


def test_probabilities_sum_to_one_and_are_not_negative() -> None:
    steps = np.random.default_rng(0).random((4, 3, 5))
    found = classes_of_steps(steps)
    assert found.shape == (5, 3, 5)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-12)


def test_falling_steps_are_the_differences_of_their_probabilities() -> None:
    np.testing.assert_allclose(classes_of_steps(np.array([[0.9], [0.6], [0.2]]))[:, 0], [0.1, 0.3, 0.4, 0.2])


def test_step_that_rises_again_is_held_at_the_one_before() -> None:
    np.testing.assert_allclose(classes_of_steps(np.array([[0.3], [0.8]]))[:, 0], [0.7, 0.0, 0.3])


def test_median_errs_by_the_fewest_steps() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        probabilities = random.dirichlet(np.ones(6) * 0.5)
        costs = [(probabilities * np.abs(np.arange(6) - guess)).sum() for guess in range(6)]
        assert costs[median_class(probabilities.tolist())] == pytest.approx(min(costs))


def test_ordered_classes_are_decided_by_the_median_and_not_by_the_peak() -> None:
    output = OutputSpec(schema=LabelSchema.from_names(["none", "mild", "severe"]), activation="ordinal")
    found = decide_classes([0.4, 0.25, 0.35], output, is_calibrated=True)
    assert found.top_class == "none"
    assert found.decided == ("mild",)


def test_one_class_has_no_order() -> None:
    with pytest.raises(ValueError, match="two or more"):
        OutputSpec(schema=LabelSchema.from_names(["all"]), activation="ordinal")
