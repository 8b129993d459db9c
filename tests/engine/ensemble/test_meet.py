"""Labels of several members are those of the mean of all their probabilities, each brought to the image's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.ensemble.meet import Kept, decide_together
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.testing.phantoms import integer_noise, oblique_phantom

_GEOMETRY = oblique_phantom().geometry


def _spec(**changes: Any) -> InputSpec:
    given = {"spatial_dims": 3, "channels": ("gray",), "intensity": Intensity(kind="none"), "patch_vox": (8, 8, 8)}
    return InputSpec(**(given | changes))


def _card(spec: InputSpec, **output: Any) -> ModelCard:
    schema = LabelSchema.from_names(["a", "b", "c"], first_value=4)
    return ModelCard(
        name="all",
        version="1",
        task=Task.SEGMENT,
        title="All",
        description="For tests.",
        licence="CC0-1.0",
        input=spec,
        output=OutputSpec(schema=schema, is_activated=True, **output),
        network=NetworkSpec(target="none"),
    )


def _kept(spec: InputSpec, seed: int, weight: float, rare: float = 1.0) -> Kept:
    grid = map_grid(_GEOMETRY, spec)
    logits = integer_noise((4, *grid.shape), 300, seed=seed).astype(np.float32) / 100
    probabilities = np.exp(logits)
    probabilities[3] *= rare
    return Kept(probabilities / probabilities.sum(axis=0), grid, weight)


def _dense(kept: list[Kept]) -> np.ndarray:
    """All classes of all members at once on the image's grid, in double precision."""
    total = sum(one.weight for one in kept)
    return sum(one.weight / total * one.grid.restore(one.probabilities).astype(np.float64) for one in kept)


def _is_clear(mean: np.ndarray) -> np.ndarray:
    best = np.sort(mean, axis=0)
    return best[-1] - best[-2] > 1e-5


@pytest.mark.parametrize("rare", [1.0, 1e-3])
@pytest.mark.parametrize("other", [{}, {"axis_codes": "LAI", "spacing_mm": (0.8, 0.9, 1.7)}])
def test_label_is_the_most_probable_class_of_the_mean(other: dict[str, Any], rare: float) -> None:
    first, second = _spec(spacing_mm=(2.0, 1.0, 1.0)), _spec(**({"spacing_mm": (2.0, 1.0, 1.0)} | other))
    kept = [_kept(first, 1, 1.0, rare), _kept(second, 2, 2.5, rare)]
    labels = decide_together(kept, _card(first))
    mean = _dense(kept)
    expected = np.array([0, 4, 5, 6])[mean.argmax(axis=0)]
    assert len(np.unique(expected)) == (4 if rare == 1 else 3)
    np.testing.assert_array_equal(labels[_is_clear(mean)], expected[_is_clear(mean)])


def test_independent_classes_are_decided_by_their_thresholds() -> None:
    first, second = _spec(), _spec(axis_codes="LAI", spacing_mm=(0.8, 0.9, 1.7))
    kept = [_kept(first, 3, 1.0), _kept(second, 4, 1.0)]
    card = _card(first, activation="sigmoid", thresholds={"a": 0.3, "b": 0.99, "c": 0.99})
    labels, mean = decide_together(kept, card), _dense(kept)
    is_sure = np.abs(mean[1] - 0.3) > 1e-5
    np.testing.assert_array_equal((labels == 4)[is_sure], (mean[1] >= 0.3)[is_sure])
