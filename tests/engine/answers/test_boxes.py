"""A detector's boxes come home to the image's own grid, whatever grid the network sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.boxes import answer_boxes
from napari_medclf.engine.answers.inference import Inference
from napari_medclf.engine.prepare import prepare
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom


class _FindBright(torch.nn.Module):
    """Two anchors a window: the box around what is above a level, and one that nobody should believe."""

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return torch.stack([self._answer(window[0]) for window in windows])

    def _answer(self, window: torch.Tensor) -> torch.Tensor:
        index = torch.nonzero(window > 0.5)
        nothing = torch.tensor([-6.0, 0, 0, 0, 2, 2, 2])
        if not len(index):
            return torch.stack([nothing, nothing])
        found = [3.0, *(index.amin(0) - 0.5).tolist(), *(index.amax(0) + 0.5).tolist()]
        return torch.stack([torch.tensor(found), nothing])


def _card(**spec: Any) -> ModelCard:
    given: dict[str, Any] = {
        "spatial_dims": 3,
        "channels": ("gray",),
        "intensity": Intensity(kind="window", low=-1000, high=2000),
        "patch_vox": (8, 8, 16),
        "overlap": 0.5,
    }
    return ModelCard(
        name="finder",
        version="1",
        task=Task.DETECT,
        title="Finds",
        description="For tests.",
        licence="CC0-1.0",
        input=InputSpec(**(given | spec)),
        output=OutputSpec(schema=LabelSchema.from_names(["nodule"], first_value=1), activation="sigmoid"),
        network=NetworkSpec(target="none"),
    )


def _run(card: ModelCard) -> Detection:
    image = oblique_phantom()
    inference = Inference(card, _FindBright(), torch.device("cpu"), image, prepare(image, card.input), RunSettings())
    outcome = drive(answer_boxes(inference))
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    assert outcome.result.detection is not None
    return outcome.result.detection


@pytest.mark.parametrize("axis_codes", [None, "LAI", "ARS"])
def test_marked_voxel_is_boxed_where_it_lies(axis_codes: str | None) -> None:
    detection = _run(_card(axis_codes=axis_codes))
    assert detection.names == ("nodule",)
    marked = np.array(MARKED_VOXEL, dtype=float)
    np.testing.assert_allclose(detection.boxes, [[marked - 0.5, marked + 0.5]], atol=1e-6)
    np.testing.assert_allclose(detection.sizes_mm, [(3.5, 0.75, 0.5)], atol=1e-6)
    np.testing.assert_allclose(detection.scores, [1 / (1 + np.exp(-3.0))], rtol=1e-6)
    assert detection.geometry.same_grid(oblique_phantom().geometry)


def test_resampled_image_gives_a_box_that_holds_the_voxels_centre() -> None:
    detection = _run(_card(axis_codes="LAI", spacing_mm=(0.25, 0.5, 1.0)))
    (box,) = detection.boxes
    assert (box[0] <= MARKED_VOXEL).all()
    assert (box[1] >= MARKED_VOXEL).all()


def test_nothing_found_is_an_empty_answer() -> None:
    detection = _run(_card(intensity=Intensity(kind="window", low=-1000, high=9000)))
    assert len(detection) == 0
