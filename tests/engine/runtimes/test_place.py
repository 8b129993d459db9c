"""One switch for device, precision and runtime; answers stay, and what is missing is named."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from torch import nn

from napari_medclf.domain.card import ModelCard, NetworkSpec
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.model import LoadedModel, load_model
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.quick_layers import SinglePatchConv3d
from napari_medclf.engine.runtimes.choice import OTHERS, Other
from napari_medclf.engine.runtimes.input_shape import input_shape, trial_inputs
from napari_medclf.engine.runtimes.parity import explain_difference
from napari_medclf.engine.runtimes.place import place_network
from napari_medclf.engine.runtimes.versions import has_package
from napari_medclf.jobs.drive import drive
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.testing.phantoms import oblique_phantom

EMBEDDED = [package.name for package in Catalogue(user_folder=Path("nowhere")).packages()]
RUNTIMES = [
    pytest.param(name, marks=pytest.mark.skipif(not has_package(*other.packages), reason=f"{name} is not installed"))
    for name, other in OTHERS.items()
]


def load(name: str, **settings: object) -> LoadedModel:
    return load_model(Catalogue().find(name), LoadSettings(device="cpu", **settings))


def hippocampus_network(card: ModelCard) -> nn.Module:
    torch.manual_seed(3)
    return build_network(card.network)


@pytest.fixture
def card() -> ModelCard:
    card = Catalogue().find("hippocampus-mr").card
    network = NetworkSpec(target=card.network.target, arguments={**card.network.arguments, "features": [4] * 6})
    spec = card.input.model_copy(update={"patch_vox": (16, 32, 16)})
    return card.model_copy(update={"network": network, "input": spec, "fingerprint": None})


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_model_answers_alike_in_every_runtime(name: str, runtime: str) -> None:
    in_torch, other = load(name, runtime="torch"), load(name, runtime=runtime)
    assert (in_torch.place, other.place) == ("cpu", f"cpu {runtime}")
    for inputs in trial_inputs(input_shape(in_torch.card)):
        batch = torch.cat([inputs, inputs.flip(-1)])
        with torch.inference_mode():
            expected, found = in_torch.network(batch), other.network(batch)
        assert explain_difference(expected, found, in_torch.card) == ""
        assert torch.allclose(expected, found, atol=1e-3)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_labels_of_a_whole_image_are_alike_in_every_runtime(runtime: str) -> None:
    image = oblique_phantom()
    answers = [drive(load("hippocampus-mr", runtime=one).predict(image)).result for one in ("torch", runtime)]
    labels = [answer.segmentation.labels for answer in answers]
    n_differing = int((labels[0] != labels[1]).sum())
    assert n_differing <= 0.001 * max(int((labels[0] > 0).sum()), 1)
    assert answers[1].place == f"cpu {runtime}"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_window_of_another_shape_goes_through_torch(card: ModelCard, runtime: str) -> None:
    network = hippocampus_network(card)
    placed = place_network(network, card, LoadSettings(device="cpu", runtime=runtime))
    inputs = torch.randn(1, 1, 32, 16, 16)
    with torch.inference_mode():
        assert torch.equal(placed.network(inputs), network(inputs))


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_runtime_that_is_absent_is_named_with_its_extra(card: ModelCard, runtime: str) -> None:
    others = {runtime: Other(("no_such_package",), OTHERS[runtime].missing, OTHERS[runtime].open)}
    with pytest.raises(BackendUnavailable, match=rf"napari-medclf\[{runtime}\]"):
        place_network(hippocampus_network(card), card, LoadSettings(device="cpu", runtime=runtime), others)


def test_runtime_that_answers_otherwise_is_refused(card: ModelCard) -> None:
    wrong = Other(("json",), "", lambda content: lambda inputs: inputs.repeat(3, axis=1))
    with pytest.raises(BackendUnavailable, match="does not answer as torch does.*differ by up to"):
        place_network(hippocampus_network(card), card, LoadSettings(runtime="onnx"), {"onnx": wrong})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"runtime": "tensorrt"}, "There is no runtime 'tensorrt'"),
        ({"precision": "float8"}, "There is no precision 'float8'. Did you mean 'float32'"),
        ({"precision": "float16"}, "A CPU is no faster with float16"),
        ({"precision": "bfloat16", "runtime": "onnx"}, "runs on the CPU in float32"),
    ],
)
def test_choice_that_does_not_go_is_a_sentence(card: ModelCard, settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(BackendUnavailable, match=sentence):
        place_network(hippocampus_network(card), card, LoadSettings(**{"device": "cpu", **settings}))


def test_any_module_loses_its_slow_layers(card: ModelCard) -> None:
    placed = place_network(nn.Sequential(nn.Conv3d(1, 3, 3, padding=1)), card, LoadSettings("cpu", runtime="torch"))
    assert isinstance(placed.network, nn.Module)
    assert isinstance(placed.network[0], SinglePatchConv3d)
    assert not any(parameter.requires_grad for parameter in placed.network.parameters())


def test_program_whose_layers_cannot_be_swapped_asks_for_batches_of_two(card: ModelCard) -> None:
    program = torch.jit.script(nn.Sequential(nn.Conv3d(1, 3, 3, padding=1)))
    placed = place_network(nn.Sequential(program), card, LoadSettings("cpu", runtime="torch"))
    assert placed.network.best_batch == 2
    with torch.inference_mode():
        assert placed.network(torch.randn(2, 1, 16, 32, 16)).shape == (2, 3, 16, 32, 16)


def test_callable_that_is_no_module_runs_as_it_is(card: ModelCard) -> None:
    placed = place_network(torch.neg, card, LoadSettings())
    assert (placed.network, placed.place) == (torch.neg, "cpu")
    with pytest.raises(BackendUnavailable, match="on the CPU in float32 only, not with 'bfloat16'"):
        place_network(torch.neg, card, LoadSettings("cpu", "bfloat16"))


def test_bfloat16_on_a_cpu_is_told(card: ModelCard) -> None:
    placed = place_network(hippocampus_network(card), card, LoadSettings("cpu", "bfloat16"))
    with torch.inference_mode():
        answer = placed.network(torch.randn(1, 1, 16, 32, 16))
    assert (placed.place, answer.dtype) == ("cpu bfloat16", torch.float32)


def test_auto_measures_nothing_where_nothing_can_be_kept(card: ModelCard) -> None:
    others = MappingProxyType({"onnx": Other(("json",), "", _must_not_run)})
    placed = place_network(hippocampus_network(card), card, LoadSettings("cpu", n_images=10**9), others)
    assert placed.place == "cpu"


def _must_not_run(content: bytes) -> None:
    raise AssertionError("a runtime was tried")
