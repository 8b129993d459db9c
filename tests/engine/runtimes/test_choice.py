"""A runtime is chosen because it was measured faster and answers alike, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.engine.runtimes import choice
from napari_medclf.engine.runtimes.choice import Bench, Other, choose_runtime, count_windows, fastest
from napari_medclf.engine.runtimes.fixed_shape import FixedShapeNetwork, Run
from napari_medclf.engine.runtimes.shelf import Shelf
from napari_medclf.engine.runtimes.versions import has_package
from napari_medclf.store.catalogue import Catalogue

MANY = 10**9
pytestmark = pytest.mark.skipif(not has_package("onnx"), reason="networks are converted with the package onnx")


class Tried:
    """A stand-in for a runtime that computes what torch does, and counts how often it was opened."""

    def __init__(self, network: nn.Module, error: float = 0.0) -> None:
        self.network, self.error, self.n_opened = network, error, 0

    def __call__(self, content: bytes) -> Run:
        assert content
        self.n_opened += 1
        return lambda inputs: (self.network(torch.from_numpy(inputs)) + self.error).numpy()


@pytest.fixture
def card() -> ModelCard:
    card = Catalogue().find("hippocampus-mr").card
    spec = card.input.model_copy(update={"patch_vox": (16, 16, 32)})
    return card.model_copy(update={"input": spec, "fingerprint": None})


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv3d(1, 3, 3, padding=1)).eval().requires_grad_(False)


@pytest.fixture
def make_bench(card: ModelCard, network: nn.Module, tmp_path: Path) -> Callable[..., Bench]:
    def make(*tried: Tried, folder: Path | None = tmp_path) -> Bench:
        others = {f"other{n}": Other(("json", "onnx"), "", one) for n, one in enumerate(tried)}
        return Bench(network, network, card, Shelf(folder), others)

    return make


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch, network: nn.Module) -> dict[str, float]:
    """What the clock says: of torch, and of anything else."""
    told = {"torch": 4.0, "other": 1.0}

    def tell(timed: object, inputs: object) -> float:
        return told["other" if isinstance(timed, FixedShapeNetwork) else "torch"]

    monkeypatch.setattr(choice, "_time", tell)
    return told


def test_faster_runtime_is_taken_and_the_decision_kept(make_bench, network, seconds) -> None:
    tried = Tried(network)
    name, chosen = choose_runtime(make_bench(tried), MANY)
    assert (name, isinstance(chosen, FixedShapeNetwork)) == ("other0", True)
    seconds["other"] = 100.0  # would not be taken today; but nothing is measured again
    assert choose_runtime(make_bench(tried), 1)[0] == "other0"


def test_gain_below_a_tenth_stays_with_torch(make_bench, network, seconds) -> None:
    seconds["torch"] = 30.0
    seconds["other"] = 28.0
    assert choose_runtime(make_bench(Tried(network)), MANY)[0] == "torch"


def test_runtime_that_answers_otherwise_is_never_taken(make_bench, network, seconds, tmp_path) -> None:
    assert choose_runtime(make_bench(Tried(network, error=0.01)), MANY)[0] == "torch"
    (kept,) = tmp_path.glob("*.json")
    assert "differ by up to 0.01" in json.loads(kept.read_text())["refused"]["other0"]


@pytest.mark.parametrize(("n_images", "window_s"), [(1, 1000.0), (2, 1000.0), (3, 0.2), (1000, 0.0006)])
def test_small_work_is_not_delayed_by_a_check(make_bench, network, seconds, n_images, window_s) -> None:
    seconds["torch"] = window_s
    tried = Tried(network)
    assert choose_runtime(make_bench(tried), n_images)[0] == "torch"
    assert tried.n_opened == 0


@pytest.mark.parametrize(("n_images", "window_s"), [(3, 0.3), (1000, 0.0008)])
def test_long_work_is_measured(make_bench, network, seconds, n_images, window_s) -> None:
    seconds.update(torch=window_s, other=window_s / 2)
    assert choose_runtime(make_bench(Tried(network)), n_images)[0] == "other0"


def test_one_image_is_not_even_timed(make_bench, network, monkeypatch) -> None:
    monkeypatch.setattr(choice, "_time", lambda *_: pytest.fail("a window was run"))
    assert choose_runtime(make_bench(Tried(network)), 1)[0] == "torch"


def test_conversion_is_read_from_disk_the_next_time(make_bench, network, seconds, monkeypatch) -> None:
    choose_runtime(make_bench(Tried(network)), MANY)
    monkeypatch.setattr(choice, "export_onnx", lambda *_: pytest.fail("converted again"))
    assert choose_runtime(make_bench(Tried(network)), MANY)[0] == "other0"


def test_damaged_conversion_is_made_again(make_bench, network, seconds, tmp_path) -> None:
    choose_runtime(make_bench(Tried(network)), MANY)
    (kept,) = tmp_path.glob("*.onnx")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert choose_runtime(make_bench(Tried(network)), MANY)[0] == "other0"
    assert len(kept.read_bytes()) == len(whole)


def test_other_weights_are_measured_anew(make_bench, network, seconds) -> None:
    choose_runtime(make_bench(Tried(network)), MANY)
    network[0].weight[0, 0, 0, 0, 0] += 1
    seconds["other"] = 100.0
    assert choose_runtime(make_bench(Tried(network)), MANY)[0] == "torch"


def test_runtime_that_is_gone_leaves_torch(make_bench, network, seconds) -> None:
    choose_runtime(make_bench(Tried(network)), MANY)
    assert choose_runtime(make_bench(), MANY)[0] == "torch"


def test_best_of_several_is_taken() -> None:
    assert fastest({"torch": 2.0, "onnx": 1.5, "openvino": 1.2}) == "openvino"
    assert fastest({"torch": 1.0, "onnx": 0.95}) == "torch"
    assert fastest({"torch": 1.0}) == "torch"


def test_work_is_counted_in_windows(card: ModelCard) -> None:
    assert count_windows(card, 4) == 120
    assert count_windows(Catalogue().find("chest-xray-pneumonia").card, 4) == 4
