"""The slice that a person looks at is labelled first, as the whole answer will have it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.events import JobEvent, Noted, Previewed, Warned
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.planning.plan import PlanError, window_of
from napari_medclf.engine.prepare import prepare
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import oblique_phantom


def _card(**changes: Any) -> ModelCard:
    spec = InputSpec(
        spatial_dims=3,
        channels=("CT",),
        intensity=Intensity(kind="window", low=-1000, high=2000),
        patch_vox=(8, 12, 12),
        overlap=0.5,
        spacing_mm=(2.0, 0.7, 0.6),
    )
    return ModelCard(
        name="two-organs",
        version="1",
        task=Task.SEGMENT,
        title="",
        description="",
        licence="CC0-1.0",
        input=spec.model_copy(update=changes),
        output=OutputSpec(schema=LabelSchema.from_names(["liver", "bone"], first_value=1)),
        network=NetworkSpec(target="test"),
    )


def _image() -> MedImage:
    """A grid that lies askew, full of blobs."""
    phantom = oblique_phantom()
    blobs = gaussian_filter(np.random.default_rng(3).normal(0, 1, phantom.data.shape), 1.5)
    return replace(phantom, data=(500 + 1200 * blobs / blobs.std()).astype(np.int16))


def _network() -> torch.nn.Module:
    torch.manual_seed(4)
    last = torch.nn.Conv3d(6, 3, 3, padding=1)
    torch.nn.init.normal_(last.weight)
    return torch.nn.Sequential(torch.nn.Conv3d(1, 6, 5, padding=2), torch.nn.InstanceNorm3d(6), last).eval()


def _run(
    settings: RunSettings, card: ModelCard | None = None, network: Any = None, image: MedImage | None = None
) -> tuple[Prediction, list[JobEvent]]:
    events: list[JobEvent] = []
    card = card or _card()
    model = LoadedModel(ModelPackage(card, Path("nowhere")), network or _network(), torch.device("cpu"))
    outcome = drive(model.predict(image or _image(), settings), events.append)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result, events


def _labels(prediction: Prediction) -> np.ndarray:
    assert prediction.segmentation is not None
    return prediction.segmentation.labels


@pytest.mark.parametrize("axis_codes", [None, "LAI", "PRS"])
@pytest.mark.parametrize("focus", [(0, 0), (0, 5), (0, 11), (1, 13), (2, 27)])
@pytest.mark.parametrize("spacing_mm", [(2.0, 0.7, 0.6), (9.0, 0.2, 0.2)])
def test_previewed_slice_is_that_of_the_answer(
    axis_codes: str | None, focus: tuple[int, int], spacing_mm: tuple[float, float, float]
) -> None:
    card = _card(axis_codes=axis_codes, spacing_mm=spacing_mm)
    prediction, events = _run(RunSettings(focus=focus), card)
    (preview,) = (event for event in events if isinstance(event, Previewed))
    expected = np.take(_labels(prediction), focus[1], axis=focus[0])
    assert (preview.axis, preview.index, preview.is_final) == (*focus, True)
    assert preview.labels.shape == expected.shape
    assert (preview.labels != expected).mean() < 0.002  # rounding, where two classes tie
    assert len(np.unique(expected)) > 1


def test_preview_does_not_change_the_answer() -> None:
    plain, _ = _run(RunSettings())
    focused, _ = _run(RunSettings(focus=(1, 6)))
    assert np.array_equal(_labels(plain), _labels(focused))


def test_slice_outside_of_the_image_is_not_previewed() -> None:
    _, events = _run(RunSettings(focus=(0, 99)))
    assert not any(isinstance(event, Previewed) for event in events)


def test_plan_is_told_once_and_kept() -> None:
    prediction, events = _run(RunSettings())
    (noted,) = (event for event in events if isinstance(event, Noted))
    assert noted.message == prediction.plan
    assert "windows of 8x12x12" in prediction.plan


def test_too_little_memory_is_refused_in_one_sentence() -> None:
    with pytest.raises(PlanError, match=r"two-organs needs at least .* GB for this image"):
        _run(RunSettings(memory_bytes=1000))


def test_window_that_does_not_fit_is_made_smaller_and_said() -> None:
    inner = _network()

    class Hungry(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.shape[2:] == (16, 64, 40):
                raise MemoryError
            return inner(x)

    prediction, events = _run(RunSettings(), _card(patch_vox=(16, 64, 40)), Hungry())
    said = [event.message for event in events if isinstance(event, Warned)]
    assert any("not enough for windows of 16 x 64 x 40 voxels; 16 x 32 x 40 were used" in one for one in said)
    assert any("labels may differ a little" in one for one in prediction.warnings)


def test_air_is_left_out_only_where_that_is_asked_for_and_counted() -> None:
    data = np.full((40, 20, 24), -1000, dtype=np.int16)
    data[2:12, 3:17, 4:20] = 40
    image = MedImage(data, Geometry.from_spacing(data.shape, (3, 3, 3)), "trunk", "CT", Scale.HU)
    card = _card(spacing_mm=None)
    whole, _ = _run(RunSettings(), card, image=image)
    skipped, _ = _run(RunSettings(is_air_skipped=True), card, image=image)
    assert "air" not in whole.plan
    found = re.search(r"(\d+) of (\d+) windows left out as air", skipped.plan)
    assert found is not None
    assert 0 < int(found[1]) < int(found[2])
    body = np.s_[2:12, 3:17, 4:20]
    assert np.array_equal(_labels(whole)[body], _labels(skipped)[body])
    assert not _labels(skipped)[-4:].any()


def test_uncertainty_comes_with_the_labels() -> None:
    prediction, _ = _run(RunSettings(is_uncertainty_wanted=True))
    assert prediction.uncertainty is not None
    assert prediction.uncertainty.values.shape == oblique_phantom().geometry.shape
    assert np.array_equal(_labels(prediction), _labels(_run(RunSettings())[0]))


def test_card_says_what_comes_home_before_the_class_is_decided() -> None:
    card, image = _card(), _image()
    prepared = prepare(image, card.input)
    logits = drive(slide_whole(prepared.data, _network(), window_of(card, RunSettings()), torch.device("cpu"))).result
    assert logits is not None
    probabilities = torch.from_numpy(logits).softmax(0).numpy()
    expected = {
        "logits": prepared.grid.restore(logits).argmax(0),
        "probabilities": prepared.grid.restore(probabilities).argmax(0),
        "labels": prepared.grid.restore_labels(logits.argmax(0).astype(np.uint8)),
    }
    for what, labels in expected.items():
        output = card.output.model_copy(update={"resampled": what})
        found = _labels(_run(RunSettings(), card.model_copy(update={"output": output}))[0])
        assert (found == labels).mean() > 0.9999
    assert not np.array_equal(expected["logits"], expected["probabilities"])
