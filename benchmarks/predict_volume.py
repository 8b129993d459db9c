"""Segment a volume: our sliding window and MONAI's, the same weights, patch, overlap and blending.

python benchmarks/predict_volume.py [--rounds 5] [--shape 64 96 96]

Three tables: tiles with MONAI's own network in both, tiles with each side's network, and the way home:
class scores on the model's grid to labels on the finer grid of the image.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from side_by_side import compare, show
from torch import nn

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.faster import place_for_use
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.restore.argmax import ArgmaxHome
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import fingerprint_input

ARGUMENTS = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [8, 16, 32, 64],
    "strides": [2, 2, 2],
    "num_res_units": 1,
}
CPU = torch.device("cpu")


def main() -> None:
    """Print the tables, and how far the results are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs=3, default=[64, 96, 96], metavar=("K", "J", "I"))
    parser.add_argument("--patch", type=int, nargs=3, default=[32, 64, 64], metavar=("K", "J", "I"))
    parser.add_argument("--overlap", type=float, default=0.5)
    parser.add_argument("--classes", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(1)  # threads that spin under other load would be counted too
    compare_tiles(tuple(options.shape), Window(tuple(options.patch), options.overlap), options.rounds)
    compare_way_home(tuple(options.shape), options.classes, options.rounds)


def compare_tiles(shape: tuple[int, int, int], window: Window, rounds: int) -> None:
    """Time a network over a volume that is larger than its patch."""
    from monai.networks.nets import UNet

    torch.manual_seed(0)
    stock = UNet(**ARGUMENTS).eval()
    ours = build_network(NetworkSpec(target="monai.networks.nets.UNet", arguments=ARGUMENTS)).eval()
    ours.load_state_dict(stock.state_dict())
    ours = place_for_use(ours, CPU, 3)
    data = fingerprint_input(shape, 1)
    monai = {f"MONAI, batch {n}": run_monai(data, stock, window, batch=n) for n in (1, 4)}
    for title, network in (("both with MONAI's network", stock), ("each with its own network, equal weights", ours)):
        mine = run_ours(data, network, window)
        difference = np.abs(mine() - monai["MONAI, batch 1"]()).max()
        show(
            f"Sliding window, {shape}, patch {window.patch_vox}, 1 thread, {title}",
            compare({"napari-medclf": mine, **monai}, rounds),
        )
        print(f"  largest difference of the logits: {difference:.1e}")


def run_ours(data: FloatArray, network: nn.Module, window: Window) -> Callable[[], FloatArray]:
    """Give a function that runs our sliding window."""

    def run() -> FloatArray:
        outcome = drive(slide_whole(data, network, window, CPU))
        assert outcome.result is not None, outcome.message
        return outcome.result

    return run


def run_monai(data: FloatArray, network: nn.Module, window: Window, *, batch: int) -> Callable[[], FloatArray]:
    """Give a function that runs MONAI's sliding window."""
    from monai.inferers import sliding_window_inference

    def run() -> FloatArray:
        with torch.inference_mode():
            inputs = torch.from_numpy(data)[None]
            logits = sliding_window_inference(
                inputs, window.patch_vox, batch, network, overlap=window.overlap, mode="gaussian", sigma_scale=0.125
            )
        return np.asarray(logits[0].numpy())

    return run


def compare_way_home(shape: tuple[int, int, int], n_classes: int, rounds: int) -> None:
    """Time class scores on a grid of 2 mm becoming labels on the image's grid of 1 mm."""
    k, j, i = (2 * n for n in shape)
    spec = InputSpec(
        spatial_dims=3, channels=("CT",), intensity=Intensity(kind="zscore"), spacing_mm=(2.0,) * 3, patch_vox=(32,) * 3
    )
    grid = map_grid(Geometry.from_spacing((k, j, i)), spec)
    coarse = torch.from_numpy(fingerprint_input((6, 8, 8), n_classes))
    coarse *= torch.linspace(0.9, 1.1, n_classes)[:, None, None, None]  # no two classes tie
    logits = nn.functional.interpolate(coarse[None], size=grid.shape, mode="trilinear")[0].numpy()

    def ours() -> LabelArray:
        home = ArgmaxHome(grid, n_classes)
        home.take(0, logits)
        return home.finish()

    def whole_volume() -> LabelArray:
        fine = nn.functional.interpolate(torch.from_numpy(logits)[None], size=(k, j, i), mode="trilinear")
        return np.asarray(fine[0].argmax(dim=0).numpy())

    equal = float((ours() == whole_volume()).mean())
    ways = {"napari-medclf": ours, "torch resize, arg-max": whole_volume}
    show(f"Scores {grid.shape}, {n_classes} classes, to labels ({k}, {j}, {i})", compare(ways, rounds))
    print(f"  equal labels: {equal:.6%}")


if __name__ == "__main__":
    main()
