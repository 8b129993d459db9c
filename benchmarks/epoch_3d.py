"""One epoch of the 3D recipe: ours, and the same with MONAI's CacheDataset and torch's DataLoader, in turns.

python benchmarks/epoch_3d.py [--rounds 3] [--samples 16] [--precision float32] [--workers 0]

Both train the same U-Net with the same loss, optimiser, limit of the gradient and running average of the weights, on
patches that are cropped around foreground, moved and changed at random by the same amounts. One thread. With
`--workers` only wall seconds count, as the CPU seconds of worker processes are not seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from side_by_side import compare, show
from volume_recipe import objective, recipe, volumes

from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.train.heap import kept_heap
from napari_medclf.engine.train.trainer import Pace, Trainer


def main() -> None:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    used = recipe(options.samples, options.precision)
    ways = {"ours": ours(used), "MONAI CacheDataset + DataLoader": monai_way(used, options.workers)}
    title = f"An epoch of {options.samples} patches of {used.input.patch_vox}, batch {used.batch}, {options.precision}"
    show(f"{title}, {options.workers} workers", compare(ways, options.rounds))


def ours(used: Recipe) -> Callable[[], None]:
    """An epoch of `Trainer`."""
    trainer = Trainer(objective(used), used, seed=0, device="cpu")

    def epoch() -> None:
        with kept_heap():
            for _ in trainer.train_epoch(Pace(0, time.perf_counter())):
                pass

    return epoch


def monai_way(used: Recipe, n_workers: int) -> Callable[[], None]:
    """An epoch as MONAI's tutorials write it."""
    from monai.data import CacheDataset, DataLoader
    from monai.losses import DiceCELoss
    from monai.networks.nets import BasicUNet
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    torch.manual_seed(0)
    data = [{"image": case.sample.image, "label": case.sample.target[None]} for case in volumes(12)]
    data = (data * (used.samples_per_epoch // len(data) + 1))[: used.samples_per_epoch]
    cached = CacheDataset(data, _transforms(used), progress=False)
    loader = DataLoader(cached, batch_size=used.batch, shuffle=True, num_workers=n_workers)
    network = BasicUNet(**used.network.arguments).train()
    loss_of = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=used.optimiser.lr, weight_decay=used.optimiser.weight_decay)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(used.averaging.decay))  # type: ignore[no-untyped-call]  # of torch 2.13

    def epoch() -> None:
        for batch in loader:
            optimiser.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=used.precision == "bfloat16"):
                answer = network(batch["image"])
            loss = loss_of(answer.float(), batch["label"])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), used.optimiser.clip_norm)
            optimiser.step()
            average.update_parameters(network)
            loss.item()

    return epoch


def _transforms(used: Recipe) -> object:
    from monai import transforms as t

    augment, both = used.augment, ["image", "label"]
    turn = augment.rotate_deg / 180 * 3.14159
    size = used.input.patch_vox
    return t.Compose(
        [
            t.EnsureTyped(both),
            t.RandCropByPosNegLabeld(both, "label", spatial_size=size, pos=1, neg=1, num_samples=1),
            t.RandAffined(
                both,
                prob=augment.affine_probability,
                rotate_range=(turn,) * 3,
                scale_range=(augment.scale,) * 3,
                spatial_size=size,
                mode=("bilinear", "nearest"),
                padding_mode="zeros",
            ),
            t.RandFlipd(both, prob=0.5, spatial_axis=augment.flip_axes),
            t.RandScaleIntensityd("image", augment.gain, prob=1.0),
            t.RandShiftIntensityd("image", augment.bias, prob=1.0),
            t.RandAdjustContrastd("image", prob=1.0, gamma=(1 / (1 + augment.gamma), 1 + augment.gamma)),
            t.RandGaussianNoised("image", prob=1.0, std=augment.noise_sd),
        ]
    )


if __name__ == "__main__":
    main()
