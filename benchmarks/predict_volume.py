"""Segment a volume: our sliding window and MONAI's, the same network, patch, overlap and weights.

python benchmarks/predict_volume.py [--rounds 5] [--shape 64 96 96]
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from side_by_side import compare, show

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.sliding_window import Window, slide
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import fingerprint_input

ARGUMENTS = {"in_channels": 1, "out_channels": 3, "channels": [8, 16, 32], "strides": [2, 2], "num_res_units": 1}


def main() -> None:
    """Print the table and the largest difference of the logits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs=3, default=[64, 96, 96], metavar=("K", "J", "I"))
    parser.add_argument("--patch", type=int, nargs=3, default=[32, 48, 48], metavar=("K", "J", "I"))
    parser.add_argument("--overlap", type=float, default=0.5)
    options = parser.parse_args()

    from monai.inferers import sliding_window_inference

    torch.set_num_threads(1)  # threads that spin under other load would be counted too
    torch.manual_seed(0)
    spec = NetworkSpec(target="monai.networks.nets.UNet", arguments={"spatial_dims": 3, **ARGUMENTS})
    network = build_network(spec).eval()
    data = fingerprint_input(tuple(options.shape), 1)
    window = Window(tuple(options.patch), options.overlap)

    def ours() -> np.ndarray:
        outcome = drive(slide(data, network, window, torch.device("cpu")))
        assert outcome.result is not None, outcome.message
        return outcome.result

    def monai(batch: int) -> np.ndarray:
        with torch.inference_mode():
            inputs = torch.from_numpy(data)[None]
            logits = sliding_window_inference(
                inputs, window.patch_vox, batch, network, overlap=window.overlap, mode="gaussian", sigma_scale=0.125
            )
        return np.asarray(logits[0].numpy())

    difference = np.abs(ours() - monai(1)).max()
    timings = compare(
        {"napari-medclf": ours, "MONAI, batch 1": lambda: monai(1), "MONAI, batch 4": lambda: monai(4)}, options.rounds
    )
    show(f"Sliding window, {tuple(options.shape)} voxels, patch {window.patch_vox}, 1 thread", timings)
    print(f"  largest difference of the logits: {difference:.1e}")


if __name__ == "__main__":
    main()
