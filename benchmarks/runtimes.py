"""Run networks by every runtime that is here: ratio to plain torch, and how far the answers are apart.

python benchmarks/runtimes.py [--rounds 5] [--only unet-3d densenet-121 ...] [--compile]

Per window, one thread, in turns, CPU seconds: torch as the network is built by MONAI ("eager"), our torch (layers
swapped, channels last), ONNX Runtime and OpenVINO as `place_network` converts them. Conversion is timed once, apart.
"""

from __future__ import annotations

import argparse
import copy
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from side_by_side import compare
from torch import Tensor, nn

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.runtimes.input_shape import input_shape, trial_inputs
from napari_medclf.engine.runtimes.parity import largest_difference
from napari_medclf.engine.runtimes.place import place_network

_UNET = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [16, 32, 64, 128], "strides": [2, 2, 2]}
_SMALL = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3}
NETWORKS: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "unet-3d": ("UNet", {**_UNET, "num_res_units": 2}, (64, 64, 64)),
    "basic-unet-3d": ("BasicUNet", {**_SMALL, "features": [16, 16, 32, 64, 64, 16]}, (32, 48, 32)),
    "segresnet-3d": ("SegResNet", {**_SMALL, "init_filters": 8}, (32, 64, 64)),
    "dynunet-3d": (
        "DynUNet",
        {
            **_SMALL,
            "kernel_size": [3] * 4,
            "strides": [1, 2, 2, 2],
            "upsample_kernel_size": [2] * 3,
            "filters": [16, 32, 64, 128],
        },
        (32, 64, 64),
    ),
    "basic-unet-2d": (
        "BasicUNet",
        {
            "spatial_dims": 2,
            "in_channels": 3,
            "out_channels": 3,
            "features": [16, 24, 48, 96, 128, 16],
            "norm": "batch",
        },
        (192, 192),
    ),
    "densenet-121": ("DenseNet121", {"spatial_dims": 2, "in_channels": 1, "out_channels": 18}, (224, 224)),
}


def main() -> None:
    """Print a table a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--compile", action="store_true", help="torch.compile, too, which takes a minute a network")
    options = parser.parse_args()
    torch.set_num_threads(1)
    runtimes = ["torch", "onnx", "openvino", *(["compile"] if options.compile else [])]
    for name in options.only:
        show(name, runtimes, options.rounds)


def show(name: str, runtimes: list[str], rounds: int) -> None:
    """Place one network every way and time its window."""
    card, stock = make(name)
    inputs = trial_inputs(input_shape(card))[0]
    ways: dict[str, Callable[[Tensor], Tensor]] = {"eager": stock}
    began_s: dict[str, float] = {"eager": 0.0}
    for runtime in runtimes:
        started_s = time.process_time()
        try:
            placed = place_network(copy.deepcopy(stock), card, LoadSettings("cpu", runtime=runtime))
        except BackendUnavailable as error:
            print(f"  {name}: {runtime} is left out: {error}")
            continue
        ways[runtime], began_s[runtime] = placed.network, time.process_time() - started_s
    with torch.inference_mode():
        expected = copy.deepcopy(stock).double()(inputs.double())
        differences = {way: largest_difference(expected, network(inputs)) for way, network in ways.items()}
    timings = compare({way: partial(run, network, inputs) for way, network in ways.items()}, rounds)
    print(f"\n{name}, window {tuple(inputs.shape[1:])}, 1 thread")
    print(f"  {'':10} {'CPU s':>9} {'times eager':>12} {'difference':>11} {'to start':>9}")
    for one in timings:
        gain = timings[0].cpu_s / one.cpu_s
        print(f"  {one.name:10} {one.cpu_s:9.4f} {gain:12.2f} {differences[one.name]:11.1e} {began_s[one.name]:9.1f}")
    print("  (difference: the largest of any logit from the network in double precision)")


def run(network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Answer without gradients."""
    with torch.inference_mode():
        return network(inputs)


def make(name: str) -> tuple[ModelCard, nn.Module]:
    """Build a network of MONAI's with random weights, and a card for it."""
    from monai.networks import nets

    kind, arguments, shape = NETWORKS[name]
    torch.manual_seed(0)
    network = getattr(nets, kind)(**arguments).eval().requires_grad_(False)
    is_classifier = kind == "DenseNet121"
    n_classes = arguments["out_channels"]
    labels = [f"class {number}" for number in range(0 if is_classifier else 1, n_classes)]
    card = ModelCard(
        name=name,
        version="1",
        task=Task.CLASSIFY if is_classifier else Task.SEGMENT,
        title=name,
        description="Random weights.",
        input=InputSpec(
            spatial_dims=2 if len(shape) == 2 else 3,
            channels=tuple(f"channel {number}" for number in range(arguments["in_channels"])),
            intensity=Intensity(kind="zscore"),
            patch_vox=shape,
        ),
        output=OutputSpec(schema=LabelSchema.from_names(labels, first_value=0 if is_classifier else 1)),
        network=NetworkSpec(target=f"monai.networks.nets.{kind}", arguments=arguments),
        licence="CC0",
    )
    return card, network


if __name__ == "__main__":
    main()
