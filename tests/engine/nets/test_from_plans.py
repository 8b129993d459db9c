"""nnU-Net's networks rebuilt: the names and numbers of dynamic_network_architectures 0.4.4, and nothing imported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.faster import make_faster
from napari_medclf.engine.nets.from_plans import build_from_plans

_BESIDE = Path(__file__).parents[2] / "backends" / "nnunet"
_NAMES = ("plain 3d", "activation first", "residual 3d", "residual with stem and dropout", "squeezed")


@pytest.fixture(scope="module")
def cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nnunet_cases", _BESIDE / "cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def golden() -> Any:
    return np.load(_BESIDE / "golden_networks.npz")


def _build(cases: ModuleType, name: str, **more: Any) -> torch.nn.Module:
    architecture, differing, shape = cases.NETWORKS[name]
    arguments = {**architecture["arch_kwargs"], **differing, **more}
    return build_from_plans(architecture["network_class_name"], arguments, shape[1], 3).eval()


@pytest.mark.parametrize("name", _NAMES)
def test_network_has_the_originals_names_and_answers(name: str, cases: ModuleType, golden: Any) -> None:
    network = _build(cases, name)
    assert list(network.state_dict()) == golden[f"{name}/names"].tolist()
    cases.fill_by_name(network, seed=7)
    network.decoder.deep_supervision = True
    with torch.no_grad():
        answers = network(cases.network_input(name))
    assert len(answers) == 2
    for number, answer in enumerate(answers):
        np.testing.assert_allclose(answer.numpy(), golden[f"{name}/{number}"], atol=1e-5)


@pytest.mark.parametrize("name", _NAMES)
def test_faster_layers_keep_names_and_answers(name: str, cases: ModuleType, golden: Any) -> None:
    network = make_faster(_build(cases, name))
    cases.fill_by_name(network, seed=7)
    assert list(network.state_dict()) == golden[f"{name}/names"].tolist()
    with torch.no_grad():
        answer = network(cases.network_input(name))
    np.testing.assert_allclose(answer.numpy(), golden[f"{name}/0"], atol=1e-5)


def test_swapped_features_are_noticed(cases: ModuleType, golden: Any) -> None:
    network = _build(cases, "plain 3d")
    cases.fill_by_name(network, seed=8)
    with torch.no_grad():
        answer = network(cases.network_input("plain 3d"))
    assert np.abs(answer.numpy() - golden["plain 3d/0"]).max() > 0.1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"conv_op": "os.system"}, "no convolution 'os.system'"),
        ({"norm_op": "torch.nn.modules.instancenorm.InstanceNorm9d"}, "Did you mean 'InstanceNorm"),
        ({"norm_op": "evil.InstanceNorm2d"}, "no normalisation 'evil.InstanceNorm2d'"),
        ({"nonlin": "builtins.exec"}, "no activation 'builtins.exec'"),
        ({"dropout_op": "subprocess.Popen"}, "no dropout 'subprocess.Popen'"),
        ({"kernel_sizes": [3]}, "1 values for 3 stages"),
        ({"colour": "red"}, "colour"),
        ({"norm_op_kwargs": {"shout": 1}}, "shout"),
    ],
)
def test_what_is_not_known_is_refused_in_a_sentence(cases: ModuleType, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CardError, match=message):
        _build(cases, "plain 3d", **changed)


def test_unknown_network_names_the_nearest_one() -> None:
    with pytest.raises(CardError, match="Did you mean 'PlainConvUNet'"):
        build_from_plans("x.y.PlainConvUnet", {}, 1, 2)
