"""A box that is asked about again says what the whole image says there."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import card, model, run, two_dark_blocks, volume

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError, GridError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.instant.local import box_around_voxels, reinfer
from napari_medclf.testing.phantoms import oblique_phantom


@pytest.mark.parametrize("context_vox", [None, 0, 3])
@pytest.mark.parametrize("changes", [{}, {"spacing_mm": (1.5, 2.5, 2.0), "axis_codes": "LPS"}])
def test_a_box_says_what_the_whole_image_says(changes, context_vox):
    spec = InputSpec(
        spatial_dims=3,
        channels=("gray",),
        intensity=Intensity(kind="window", low=-1000, high=2000),
        patch_vox=(8, 16, 16),
        **changes,
    )
    loaded, image, box = model(of=card(input=spec)), oblique_phantom(), ((1, 5), (8, 20), (0, 7))
    whole = run(loaded.predict(image)).segmentation.labels
    answer = run(reinfer(loaded, image, box, None, context_vox))
    np.testing.assert_array_equal(answer.labels, whole[tuple(slice(*one) for one in box)])
    assert answer.probabilities.shape == (3, 4, 12, 7)
    np.testing.assert_allclose(answer.probabilities.sum(axis=0), 1, atol=1e-5)


def test_the_image_is_prepared_once_for_the_same_model():
    samples, _ = two_dark_blocks()
    loaded, image, box = model(), volume(samples), ((1, 5), (2, 9), (3, 8))
    first = run(reinfer(loaded, image, box))
    again = run(reinfer(loaded, image, box, first.scene))
    other = run(reinfer(model(), image, box, first.scene))
    assert again.scene.prepared is first.scene.prepared
    assert other.scene.prepared is not first.scene.prepared


def test_classifiers_and_boxes_outside_are_refused():
    samples, _ = two_dark_blocks()
    with pytest.raises(CardError, match="nothing to label"):
        run(reinfer(model(of=card(task=Task.CLASSIFY)), volume(samples), ((0, 1), (0, 1), (0, 1))))
    with pytest.raises(GridError, match="not inside of an image"):
        run(reinfer(model(), volume(samples), ((0, 1), (0, 1), (20, 40))))


def test_the_box_of_a_stroke_gets_a_margin_inside_of_the_image():
    assert box_around_voxels(np.array([[3, 1, 9], [3, 5, 11]]), 2, (6, 20, 12)) == ((1, 6), (0, 8), (7, 12))
