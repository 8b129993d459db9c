"""Small nnU-Net models with weights that follow from their names, and phantoms for them.

Made the same by the tests and by ``make_golden.py``, which asks nnunetv2 itself for the labels.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

Build = Callable[[str, dict[str, Any], int, int], nn.Module]
_UNET = "dynamic_network_architectures.architectures.unet"
_RESAMPLING = {
    "resampling_fn_data": "resample_data_or_seg_to_shape",
    "resampling_fn_seg": "resample_data_or_seg_to_shape",
    "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
    "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
    "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
    "resampling_fn_probabilities_kwargs": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
}
_TORCH_KWARGS = {"is_seg": False, "force_separate_z": False, "memefficient_seg_resampling": False}
_TORCH_RESAMPLING = {
    "resampling_fn_data": "resample_torch_fornnunet",
    "resampling_fn_seg": "resample_torch_fornnunet",
    "resampling_fn_data_kwargs": _TORCH_KWARGS,
    "resampling_fn_seg_kwargs": {**_TORCH_KWARGS, "is_seg": True},
    "resampling_fn_probabilities": "resample_torch_fornnunet",
    "resampling_fn_probabilities_kwargs": _TORCH_KWARGS,
}
_FINGERPRINT = {
    "mean": 310.0,
    "median": 300.0,
    "std": 140.0,
    "min": 0.0,
    "max": 900.0,
    "percentile_00_5": 20.0,
    "percentile_99_5": 700.0,
}


@dataclass(frozen=True)
class Case:
    """A model and an image for it."""

    configuration: str
    settings: dict[str, Any]
    dataset: dict[str, Any]
    transpose: tuple[int, int, int]
    n_folds: int
    mirror_axes: tuple[int, ...]
    shape: tuple[int, int, int, int]
    spacing_mm: tuple[float, float, float]
    margin: int = 0
    """About so many voxels of nothing around the image."""
    seed: int = 0

    @property
    def plans(self) -> dict[str, Any]:
        """What plans.json holds."""
        n_channels = len(self.dataset["channel_names"])
        return {
            "dataset_name": "Dataset777_Phantom",
            "plans_name": "nnUNetPlans",
            "original_median_spacing_after_transp": [1.0, 1.0, 1.0],
            "original_median_shape_after_transp": [20, 40, 40],
            "image_reader_writer": "SimpleITKIO",
            "transpose_forward": list(self.transpose),
            "transpose_backward": [int(axis) for axis in np.argsort(self.transpose)],
            "configurations": {self.configuration: {"preprocessor_name": "DefaultPreprocessor", **self.settings}},
            "experiment_planner_used": "ExperimentPlanner",
            "label_manager": "LabelManager",
            "foreground_intensity_properties_per_channel": {str(n): _FINGERPRINT for n in range(n_channels)},
        }

    @property
    def image(self) -> np.ndarray:
        """Blobs (C, K, J, I) float32 with a little noise, inside of an ellipsoid where there is a margin."""
        random = np.random.default_rng(self.seed)
        n_channels, *shape = self.shape
        samples = np.full(self.shape, 60.0)
        places = np.indices(shape)
        for _ in range(25):
            centre = random.uniform(0, shape)
            width = random.uniform(1.5, 7.0)
            squared = sum((axis - at) ** 2 for axis, at in zip(places, centre, strict=True))
            samples += random.uniform(80, 500, size=(n_channels, 1, 1, 1)) * np.exp(-squared / (2 * width**2))
        samples += random.normal(scale=4, size=self.shape)
        if self.margin:
            middle = [(n - self.margin / 2) / 2 for n in shape]
            reach = [n / 2 - self.margin for n in shape]
            from_middle = zip(places, middle, reach, strict=True)
            samples[:, sum(((axis - at) / size) ** 2 for axis, at, size in from_middle) > 2] = 0
            samples[:, shape[0] // 2, shape[1] // 2 : shape[1] // 2 + 3, shape[2] // 2] = 0  # a hole counts as inside
        return samples.astype(np.float32)


def _architecture(dims: int, blocks: str, name: str, strides: list[Any], kernels: list[Any]) -> dict[str, Any]:
    n = len(strides)
    return {
        "network_class_name": f"{_UNET}.{name}",
        "arch_kwargs": {
            "n_stages": n,
            "features_per_stage": [8 * 2**stage for stage in range(n)],
            "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
            "kernel_sizes": kernels,
            "strides": strides,
            blocks: [2] * n,
            "n_conv_per_stage_decoder": [2] * (n - 1),
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def _settings(spacing: list[float], patch: list[int], schemes: list[str], **more: Any) -> dict[str, Any]:
    return {
        "data_identifier": "x",
        "batch_size": 2,
        "patch_size": patch,
        "median_image_size_in_voxels": patch,
        "spacing": spacing,
        "normalization_schemes": schemes,
        "use_mask_for_norm": more.pop("masks", [False] * len(schemes)),
        "batch_dice": False,
        **more.pop("resampling", _RESAMPLING),
        **more,
    }


def _dataset(channels: list[str], labels: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "channel_names": {str(number): name for number, name in enumerate(channels)},
        "labels": {"background": 0, **labels},
        "numTraining": 4,
        "file_ending": ".nii.gz",
        **more,
    }


_RESIDUAL = _architecture(2, "n_blocks_per_stage", "ResidualEncoderUNet", [1, 2, 2], [3, 3, 3])
_PLAIN = _architecture(2, "n_conv_per_stage", "PlainConvUNet", [1, 2, 2], [3, 3, 3])
_SQUEEZED = {"block": "dynamic_network_architectures.building_blocks.residual.BottleneckD"}
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[int, ...]]] = {
    # Architecture, arguments that differ, and the shape of an input.
    "plain 3d": (
        _architecture(
            3, "n_conv_per_stage", "PlainConvUNet", [1, [1, 2, 2], [2, 2, 2]], [[1, 3, 3], [3, 3, 3], [3, 3, 3]]
        ),
        {"n_conv_per_stage": [2, 1, 2], "n_conv_per_stage_decoder": [1, 2]},
        (1, 2, 8, 16, 12),
    ),
    "activation first": (_PLAIN, {"nonlin_first": True, "n_conv_per_stage": 1, "conv_bias": False}, (2, 3, 24, 16)),
    "residual 3d": (
        _architecture(3, "n_blocks_per_stage", "ResidualEncoderUNet", [1, 2, [1, 2, 2]], [3, 3, [1, 3, 3]]),
        {"n_blocks_per_stage": [1, 3, 2], "features_per_stage": [4, 8, 8]},
        (1, 1, 8, 16, 12),
    ),
    "residual with stem and dropout": (
        _RESIDUAL,
        {"stem_channels": 6, "dropout_op": "torch.nn.Dropout2d", "dropout_op_kwargs": {"p": 0.2}},
        (2, 3, 24, 16),
    ),
    "squeezed": (_RESIDUAL, {**_SQUEEZED, "bottleneck_channels": [4, 4, 6]}, (2, 3, 24, 16)),
}
_OLD_NETWORK = {
    "UNet_class_name": "PlainConvUNet",
    "UNet_base_num_features": 8,
    "unet_max_num_features": 24,
    "n_conv_per_stage_encoder": [2, 2, 2],
    "n_conv_per_stage_decoder": [2, 2],
    "num_pool_per_axis": [2, 2],
    "pool_op_kernel_sizes": [[1, 1], [2, 2], [2, 2]],
    "conv_kernel_sizes": [[3, 3], [3, 3], [3, 3]],
}
CASES = {
    # Slices apart on both ways, CT and MR side by side, two folds, all flips.
    "apart": Case(
        "3d_fullres",
        _settings(
            [3.6, 0.8, 0.9],
            [8, 32, 24],
            ["CTNormalization", "ZScoreNormalization"],
            architecture=_architecture(
                3,
                "n_conv_per_stage",
                "PlainConvUNet",
                [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
                [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
            ),
        ),
        _dataset(["CT", "PET"], {"liver": 1, "lesion": 2, "vessel": 3}),
        (0, 1, 2),
        2,
        (0, 1, 2),
        (2, 13, 50, 44),
        (5.0, 0.7, 1.0),
        seed=1,
    ),
    # Regions, a turned volume, a margin that is cut off and a mask with a hole; residual blocks.
    "regions": Case(
        "3d_fullres",
        _settings(
            [1.3, 1.1, 1.2],
            [16, 24, 16],
            ["ZScoreNormalization"],
            masks=[True],
            architecture=_architecture(
                3, "n_blocks_per_stage", "ResidualEncoderUNet", [[1, 1, 1], [2, 2, 2], [2, 2, 2]], [[3, 3, 3]] * 3
            ),
        ),
        _dataset(["T1"], {"whole": [1, 2, 3], "core": [2, 3], "active": 3, "ignore": 4}, regions_class_order=[1, 2, 3]),
        (2, 0, 1),
        1,
        (0, 2),
        (1, 26, 40, 34),
        (1.0, 1.0, 1.4),
        margin=5,
        seed=2,
    ),
    # Slice by slice, plans of the first releases.
    "flat": Case(
        "2d",
        _settings([0.9, 1.0], [32, 24], ["RescaleTo01Normalization", "NoNormalization"], **_OLD_NETWORK),
        _dataset(["rescale_to_0_1", "noNorm"], {"one": 1, "two": 2}),
        (0, 1, 2),
        1,
        (0, 1),
        (2, 6, 50, 44),
        (3.0, 0.7, 0.8),
        seed=3,
    ),
    # The variant that resamples with torch, and an image smaller than the window.
    "torch": Case(
        "3d_lowres",
        _settings(
            [2.0, 1.5, 1.5],
            [16, 32, 32],
            ["ZScoreNormalization"],
            resampling=_TORCH_RESAMPLING,
            architecture=_architecture(
                3, "n_conv_per_stage", "PlainConvUNet", [[1, 1, 1], [2, 2, 2], [2, 2, 2]], [[3, 3, 3]] * 3
            ),
        ),
        _dataset(["MRI"], {"one": 1, "two": 2}),
        (0, 1, 2),
        1,
        (0, 1, 2),
        (1, 20, 40, 52),
        (1.3, 1.1, 1.0),
        seed=4,
    ),
}

HIPPOCAMPI = ("hippocampus_001", "hippocampus_019")
_SHIFTS = (0.0, 9.0684, 10.2375)
"""Added to the logits of the shared hippocampus model, which was hardly trained and finds nothing without."""


def shift_classes(network_weights: dict[str, torch.Tensor]) -> None:
    """Make the shared hippocampus model find something, in place: a hard test, as its borders are ragged."""
    network_weights["decoder.seg_layers.1.bias"] += torch.tensor(_SHIFTS)


def write_shifted(result: Path, folder: Path) -> Path:
    """Copy the shared hippocampus model with shifted logits."""
    shutil.copytree(result, folder)
    path = folder / "fold_0" / "checkpoint_final.pth"
    content = torch.load(path, weights_only=False)
    shift_classes(content["network_weights"])
    torch.save(content, path)
    return folder


def write_folder(case: Case, folder: Path, build: Build, arguments: dict[str, Any], target: str) -> Path:
    """Write a result folder as nnU-Net's trainer does, with weights that follow from their names."""
    result = folder / f"nnUNetTrainer__nnUNetPlans__{case.configuration}"
    labels = case.dataset["labels"]
    n_outputs = len(case.dataset.get("regions_class_order", ())) or len([name for name in labels if name != "ignore"])
    for fold in range(case.n_folds):
        network = build(target, arguments, len(case.dataset["channel_names"]), n_outputs)
        fill_by_name(network, seed=100 * case.seed + fold)
        place = result / f"fold_{fold}"
        place.mkdir(parents=True)
        checkpoint = {
            "network_weights": network.state_dict(),
            "optimizer_state": {},
            "grad_scaler_state": None,
            "logging": {"mean_fg_dice": [np.float64(0.5)], "val_losses": [np.float32(0.25)]},
            "_best_ema": np.float64(0.5),
            "current_epoch": 1,
            "init_args": {"configuration": case.configuration, "fold": fold, "plans": case.plans},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": case.mirror_axes,
        }
        torch.save(checkpoint, place / "checkpoint_final.pth")
    (result / "plans.json").write_text(json.dumps(case.plans))
    (result / "dataset.json").write_text(json.dumps(case.dataset))
    return result


def fill_by_name(network: nn.Module, seed: int) -> None:
    """Give every parameter numbers that follow from its name and the seed, on any computer."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            n_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 1
            scale = (2 / n_in) ** 0.5 if parameter.ndim > 1 else 0.2
            offset = 1.0 if ".norm." in name and name.endswith("weight") else 0.0
            values = offset + scale * random.standard_normal(tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def network_input(name: str) -> torch.Tensor:
    """Make the input on which a network of `NETWORKS` is compared."""
    shape = NETWORKS[name][2]
    random = np.random.default_rng(zlib.crc32(name.encode()))
    return torch.from_numpy(random.standard_normal(shape).astype(np.float32))
