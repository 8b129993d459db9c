"""One image: its classes, and what speaks for one of them, beside the bare network and MONAI's Grad-CAM.

python benchmarks/explain_image.py [IMAGE] [--rounds 9]

Two networks: the embedded chest X-ray model on the image (an embedded one without it), and DenseNet-121 on an X-ray of
224 x 224 and, with an image of 2500 x 2048, everything from the samples to the heat map on that grid. Models are
loaded before; the first call, which finds the layer, is told apart. Medians and 95th percentiles of wall and CPU
seconds, one thread; the peers' Grad-CAM starts from the prepared tensor and ends with a map of 224 x 224.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.explain.explainer import Explainer
from napari_medclf.engine.model import LoadedModel, load_model, place_model
from napari_medclf.engine.networks import build_network
from napari_medclf.io.read import read_image
from napari_medclf.jobs.drive import finish
from napari_medclf.store.catalogue import Catalogue

_TORCH = LoadSettings(device="cpu", runtime="torch")


def main() -> None:
    """Print a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    package = next(one for one in Catalogue().packages() if one.name == "chest-xray-pneumonia")
    film = large_film()
    image = film if options.image is None else read_image(options.image)
    measure("embedded chest X-ray model", load_model(package, _TORCH), image, options.rounds)
    model = densenet()
    small = replace(film, data=film.data[:, :224, :224], geometry=Geometry.flat(224, 224))
    measure("DenseNet-121, 224 x 224", model, small, options.rounds)
    measure("DenseNet-121, 2500 x 2048", model, film, options.rounds)
    measure_peer(options.rounds)


def large_film() -> MedImage:
    """Make noise of the size of an X-ray."""
    samples = np.random.default_rng(0).integers(0, 4096, (1, 2500, 2048)).astype(np.uint16)
    return MedImage(samples, Geometry.flat(2500, 2048), "film", "DX")


def densenet() -> LoadedModel:
    """Make a DenseNet-121 with random weights; they take as long as others."""
    torch.manual_seed(0)
    arguments = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2}
    spec = NetworkSpec(target="monai.networks.nets.DenseNet121", arguments=arguments)
    card = ModelCard(
        name="densenet", version="1", task=Task.CLASSIFY, title="DenseNet", description="Random.", licence="CC0-1.0",
        input=InputSpec(
            spatial_dims=2, channels=("gray",), intensity=Intensity(kind="zscore"), patch_vox=(224, 224),
            resize_to=(224, 224),
        ),
        output=OutputSpec(schema=LabelSchema.from_names(["clear", "opacity"])), network=spec,
    )  # fmt: skip
    network = build_network(spec).eval().requires_grad_(requires_grad=False)
    return place_model(ModelPackage(card, Path("densenet")), network, _TORCH)


def measure(name: str, model: LoadedModel, image: MedImage, rounds: int) -> None:
    """Time classes and a heat map in turns."""
    ways: dict[str, Callable[[], Any]] = {"classes": lambda: finish(model.predict(image))}
    started, started_cpu = time.perf_counter(), time.process_time()
    explainer = Explainer.begin(model)
    finish(explainer.explain(image))
    first = f"{time.perf_counter() - started:.3f} s wall, {time.process_time() - started_cpu:.3f} s CPU"
    ways["heat map"] = lambda: finish(explainer.explain(image))
    show(name, ways, rounds)
    print(f"  {'first heat map, layer looked for':34} {first}")


def measure_peer(rounds: int) -> None:
    """Time MONAI's network and its Grad-CAM on a tensor that is prepared already."""
    from monai.networks.nets import DenseNet121
    from monai.visualize import GradCAM

    torch.manual_seed(0)
    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=2).eval()
    inputs = torch.randn(1, 1, 224, 224)
    cam = GradCAM(network, "features.denseblock4")

    def classes() -> Any:
        with torch.inference_mode():
            return network(inputs)

    show("MONAI, DenseNet-121, prepared tensor", {"classes": classes, "Grad-CAM": lambda: cam(x=inputs)}, rounds)


def show(title: str, ways: dict[str, Callable[[], Any]], rounds: int) -> None:
    """Print the medians and 95th percentiles of ways, each called once a round, after one call that does not count."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            started, started_cpu = time.perf_counter(), time.process_time()
            way()
            if number:
                taken[name].append((time.perf_counter() - started, time.process_time() - started_cpu))
    print(title)
    for name, pairs in taken.items():
        wall, cpu = ([one[at] for one in pairs] for at in (0, 1))
        print(f"  {name:34} wall {told(wall)}   CPU {told(cpu)}")


def told(seconds: list[float]) -> str:
    """Median and 95th percentile."""
    return f"{statistics.median(seconds):.3f} s, p95 {float(np.percentile(seconds, 95)):.3f} s"


if __name__ == "__main__":
    main()
