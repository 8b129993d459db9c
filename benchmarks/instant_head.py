"""How long a person waits for the instant head: refit, the slice that is seen, and the box around a stroke.

The box is answered in two ways: by the head, as ``R`` does after the first time, and by asking the network again.

python benchmarks/instant_head.py ../shared/data [--strokes 8] [--only hippocampus vessels ct films]

One thread, CPU seconds; medians and 95th percentiles over the strokes of a simulated person. ``ct`` takes a model of
random weights with 32 features and 25 classes on the CT of TotalSegmentator: time does not depend on what it knows.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.classifier import InstantClassifier
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.head import InstantHead
from napari_medclf.engine.instant.local import box_around_voxels, reinfer
from napari_medclf.engine.instant.scene import Scene
from napari_medclf.engine.model import LoadedModel, load_model, place_model
from napari_medclf.engine.networks import build_network
from napari_medclf.io.read import read_image
from napari_medclf.jobs.api import run
from napari_medclf.jobs.models import find_model
from napari_medclf.testing.simulated_person import Hand, next_stroke

_SETTINGS = LoadSettings("cpu", "float32", "torch")

Measured = tuple[LoadedModel, MedImage, np.ndarray]


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--strokes", type=int, default=8)
    parser.add_argument("--only", nargs="+", choices=("hippocampus", "vessels", "ct", "films"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases: dict[str, Callable[[], Measured]] = {
        "hippocampus": lambda: _hippocampus(options.data),
        "vessels": lambda: _vessels(options.data),
        "ct": lambda: _ct(options.data),
    }
    columns = "refit median/p95   slice median/p95   R: refit and box    network asked again   (CPU s)"
    print(f"{'':12} {'begin':>8}   {columns}")
    for name in options.only or (*cases, "films"):
        if name == "films":
            _measure_films(options.data)
        else:
            _measure(name, *cases[name](), options.strokes)
    return 0


def _measure(name: str, model: LoadedModel, image: MedImage, truth: np.ndarray, n_strokes: int) -> None:
    started = time.process_time()
    head = run(InstantHead.begin(model, image))
    begin = time.process_time() - started
    region = tuple(slice(*one) for one in head.region)
    shown = head.labels()
    painted, origin = np.zeros(truth.shape, np.uint8), np.zeros(truth.shape, np.uint8)
    seconds: dict[str, list[float]] = {"refit": [], "slice": [], "near": [], "box": []}
    scene = head.scene
    for _ in range(n_strokes):
        stroke = next_stroke(truth[region], np.where(origin[region] > 0, painted[region], shown), Hand())
        if stroke is None:
            break
        index = np.stack(np.unravel_index(stroke.voxels, shown.shape), axis=1) + [a for a, _ in head.region]
        painted[tuple(index.T)], origin[tuple(index.T)] = stroke.after, 1
        said = Corrections.of_labels(painted, origin)
        _timed(seconds["refit"], partial(head.refit, said))
        _timed(seconds["slice"], partial(head.slice_labels, 0, int(index[0, 0])))
        box = box_around_voxels(index, 4, truth.shape)
        _timed(seconds["near"], partial(_answer_near, head, said, box))
        _timed(seconds["box"], partial(_again, model, image, box, scene))
        shown = head.labels()
    parts = "   ".join(f"{np.median(one):9.3f} {np.percentile(one, 95):7.3f}" for one in seconds.values())
    print(f"{name:12} {begin:8.2f}   {parts}   {head.n_bytes / 1e6:.0f} MB kept", flush=True)


def _answer_near(head: InstantHead, said: Corrections, box: Box) -> None:
    head.refit(said)
    head.labels_in(box)


def _again(model: LoadedModel, image: MedImage, box: Box, scene: Scene) -> None:
    run(reinfer(model, image, box, scene))


def _add(classifier: InstantClassifier, key: str, image: MedImage) -> None:
    run(classifier.add(key, image))


def _timed(seconds: list[float], work: Callable[[], Any]) -> None:
    started = time.process_time()
    work()
    seconds.append(time.process_time() - started)


def _measure_films(data: Path) -> None:
    model = load_model(find_model("chest-xray-pneumonia"), _SETTINGS)
    classifier, names = InstantClassifier.begin(model), model.card.schema_.names
    with np.load(data / "medmnist" / "pneumoniamnist.npz") as archive:
        labels = archive["val_labels"].ravel()
    embed: list[float] = []
    for n in range(64):
        image = read_image(data / "medmnist" / "pneumoniamnist.npz", f"val/{n}")
        _timed(embed, partial(_add, classifier, str(n), image))
    refit: list[float] = []
    for n in range(8, 65, 8):
        answers = {str(one): (names[labels[one]],) for one in range(n)}
        _timed(refit, partial(classifier.refit, answers))
    print(
        f"{'films':12} {np.median(embed):8.3f}   {np.median(refit):9.3f} {np.percentile(refit, 95):7.3f}   "
        "(begin: one film; refit after 8 to 64 answers)",
        flush=True,
    )


def _hippocampus(data: Path) -> tuple[LoadedModel, MedImage, np.ndarray]:
    folder = data / "hippocampus_msd"
    image, labels = (read_image(folder / part / "hippocampus_041.nii.gz") for part in ("images", "labels"))
    return load_model(find_model("hippocampus-mr"), _SETTINGS), image, np.asarray(labels.data).astype(np.int64)


def _vessels(data: Path) -> tuple[LoadedModel, MedImage, np.ndarray]:
    folder = data / "retina_chase_db1"
    image, labels = read_image(folder / "Image_12R.jpg"), read_image(folder / "Image_12R_1stHO.png")
    truth = (np.asarray(labels.data) > 0).astype(np.int64).reshape(image.geometry.shape)
    return load_model(find_model("retina-vessels"), _SETTINGS), image, truth


def _ct(data: Path) -> tuple[LoadedModel, MedImage, np.ndarray]:
    image = read_image(data / "ct_mr_totalsegmentator" / "example_ct_sm.nii.gz")
    arguments = {
        "spatial_dims": 3, "in_channels": 1, "out_channels": 25, "features": [32, 32, 64, 64, 64, 32], "norm": "batch"
    }  # fmt: skip
    spec = NetworkSpec(target="monai.networks.nets.BasicUNet", arguments=arguments)
    card = ModelCard(
        name="random",
        version="1",
        task=Task.SEGMENT,
        title="Random weights",
        description="For timing.",
        licence="CC0-1.0",
        input=InputSpec(
            spatial_dims=3,
            channels=("CT",),
            intensity=Intensity(kind="window", low=-1000, high=1000),
            spacing_mm=(3.0, 3.0, 3.0),
            patch_vox=(64, 64, 64),
            divisible_by=16,
        ),
        output=OutputSpec(schema=LabelSchema.from_names([f"organ-{n}" for n in range(1, 25)], first_value=1)),
        network=spec,
    )
    torch.manual_seed(0)
    model = place_model(ModelPackage(card, Path("random")), build_network(spec).eval(), _SETTINGS)
    truth = np.zeros(image.geometry.shape, np.int64)
    k, j, i = (n // 2 for n in truth.shape)
    truth[k - 10 : k + 10, j - 20 : j + 20, i - 20 : i + 20] = 3
    return model, image, truth


if __name__ == "__main__":
    sys.exit(main())
