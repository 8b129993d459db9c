"""What is foreseen from size and spacing alone is what the run then does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.model import load_model
from napari_medclf.engine.planning.foresee import Run, plan_run
from napari_medclf.engine.planning.outlook import Look, network_vox, peak_bytes, time_window, what_is_odd
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.models import find_model
from napari_medclf.testing.phantoms import brain_phantom, chest_phantom


@pytest.fixture(scope="module", params=["hippocampus-mr", "chest-xray-pneumonia"])
def case(request):
    """An embedded model, loaded, and an image for it."""
    loaded = load_model(find_model(request.param), LoadSettings("cpu", runtime="torch"))
    image = brain_phantom().image if request.param == "hippocampus-mr" else chest_phantom(with_opacity=True)
    return loaded, image


def _look(image) -> Look:
    geometry = image.geometry
    return Look(geometry.shape, geometry.spacing if geometry.unit.value == "mm" else None, image.modality)


def test_as_many_voxels_are_foreseen_as_go_through_the_network(case):
    loaded, image = case
    seen = []

    class Counting:
        def __call__(self, inputs):
            seen.append(inputs.shape[0] * math.prod(inputs.shape[2:]))
            return loaded.network(inputs)

    settings = RunSettings(is_air_skipped=False)
    network_vox(_look(image), loaded.card, settings)
    loaded_again = replace(loaded, network=Counting())
    plan_run(Run(loaded.card, loaded_again.network, loaded.device, image, settings), loaded_again.meter)
    seen.clear()  # what planning tried

    assert drive(loaded_again.predict(image, settings)).result is not None
    assert sum(seen) == network_vox(_look(image), loaded.card, settings)


def test_the_memory_is_that_of_the_plan_and_of_the_samples(case):
    loaded, image = case
    planned = plan_run(Run(loaded.card, loaded.network, loaded.device, image, RunSettings()), loaded.meter)

    found = peak_bytes(_look(image), loaded, RunSettings())

    stored = math.prod(image.geometry.shape) * (1 if image.is_flat else 2)
    assert found == planned.peak_bytes + stored


def test_a_window_takes_time(case):
    loaded, image = case

    seconds, vox = time_window(loaded, RunSettings(), _look(image))

    assert 0 < seconds < 60
    assert vox >= math.prod(loaded.card.input.resize_to or loaded.card.input.patch_vox)


def test_what_the_card_asks_for_is_checked_without_samples():
    card = find_model("hippocampus-mr").card

    assert what_is_odd(Look((30, 40, 50), (1.0, 1.0, 1.0), "MR"), card) == ()
    sentences = " ".join(what_is_odd(Look((1, 40, 50), (9.0, 1.0, 1.0), "CT"), card))
    assert "The image is CT" in sentences
    assert "one slice" in sentences
    assert "coarser" in sentences
