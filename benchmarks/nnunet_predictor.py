"""Time a segmentation by an nnU-Net model end to end: this program against nnU-Net's own predictor, same folder.

python benchmarks/nnunet_predictor.py --peer-python PATH [--rounds N] [--shape 300 512 512] [--classes 25]
python benchmarks/nnunet_predictor.py --peer-python PATH --model FOLDER --images FILE ...

Without a model: a synthetic CT and a small network with random weights on a 3 mm grid, where bringing the logits home
is most of nnU-Net's work. Each way is a process of its own with one thread, from the image file to the label file; the
two take turns. CPU seconds leave out starting and importing; peaks are above what the imports take (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_MEASURE = """
import json, os, sys, time
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
def report(before, cpu, wall):
    print(json.dumps({"peak_mib": peak() - before, "cpu_s": time.process_time() - cpu, "wall_s": time.time() - wall}))
import torch
torch.set_num_threads(1)
model, images, folder = sys.argv[1], sys.argv[2:-1], sys.argv[-1]
"""
_OURS = """
from pathlib import Path
from napari_medclf.backends.nnunet import NnunetBackend
from napari_medclf.domain.run_settings import LoadSettings
import napari_medclf.engine.model
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_segmentation
from napari_medclf.jobs.drive import drive
import nibabel, scipy.ndimage
before, cpu, wall = peak(), time.process_time(), time.time()
backend = NnunetBackend()
ready = backend.load(backend.read(Path(model)), LoadSettings("cpu", runtime=os.environ["MEDCLF_BENCH_RUNTIME"]))
for image in images:
    done = drive(ready.predict(read_image(Path(image))), lambda event: None)
    if done.error is not None:
        raise done.error
    write_segmentation(done.result.segmentation, Path(folder) / (Path(image).name.split(".")[0] + ".nii.gz"))
report(before, cpu, wall)
"""
_PEER = """
import contextlib, SimpleITK, skimage.transform, scipy.ndimage
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
before, cpu, wall = peak(), time.process_time(), time.time()
with contextlib.redirect_stdout(sys.stderr):
    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(model, None)
    named = [os.path.join(folder, os.path.basename(image).split(".")[0]) for image in images]
    predictor.predict_from_files_sequential([[image] for image in images], named)
report(before, cpu, wall)
"""


def main() -> None:
    """Measure, compare the labels, print."""
    options = _read_options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model, images = options.model, options.images
        if model is None:
            model, images = _make_model(folder, options), [_make_ct(folder, options)]
        ways = {f"ours ({options.runtime})": (sys.executable, _OURS), "nnU-Net": (options.peer_python, _PEER)}
        if options.peer_python is None:
            print("nnU-Net is left out: --peer-python names no environment that has nnunetv2.")
            del ways["nnU-Net"]
        rounds = [
            {name: _run(python, code, model, images, folder / name, options) for name, (python, code) in ways.items()}
            for _ in range(options.rounds)
        ]
        _show(rounds)
        if len(ways) > 1:
            _compare([folder / name for name in ways], images)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="python of an environment with nnunetv2")
    parser.add_argument("--model", help="a result folder; a synthetic one without")
    parser.add_argument("--images", nargs="+", default=[], help="image files of one channel, with --model")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--runtime", default="torch", help="runtime of this program")
    parser.add_argument("--shape", type=int, nargs=3, default=(300, 512, 512), metavar=("K", "J", "I"))
    parser.add_argument("--classes", type=int, default=25)
    parser.add_argument("--features", type=int, default=8, help="channels of the network's first stage")
    return parser.parse_args()


def _run(
    python: str, code: str, model: str, images: list[str], folder: Path, options: argparse.Namespace
) -> dict[str, float]:
    folder.mkdir(exist_ok=True)
    unused = str(folder / "unused")
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "nnUNet_raw": unused,
        "nnUNet_preprocessed": unused,
        "nnUNet_results": unused,
        "nnUNet_def_n_proc": "1",
        "MEDCLF_BENCH_RUNTIME": options.runtime,
    }
    command = [python, "-c", _MEASURE + code, str(model), *map(str, images), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"{folder.name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"  {folder.name}: {found['cpu_s']:.1f} CPU s, {found['peak_mib']:.0f} MiB", flush=True)
    return found


def _show(rounds: list[dict[str, dict[str, float]]]) -> None:
    medians = {
        name: {key: statistics.median(one[name][key] for one in rounds) for key in ("cpu_s", "wall_s", "peak_mib")}
        for name in rounds[0]
    }
    ours = next(iter(medians.values()))
    print(f"\nmedians of {len(rounds)} round(s), one thread")
    print(f"  {'':16} {'CPU s':>9} {'ratio':>7} {'peak MiB':>10} {'ratio':>7}")
    for name, one in medians.items():
        ratios = one["cpu_s"] / ours["cpu_s"], one["peak_mib"] / ours["peak_mib"]
        print(f"  {name:16} {one['cpu_s']:9.1f} {ratios[0]:7.2f} {one['peak_mib']:10.0f} {ratios[1]:7.2f}")


def _compare(folders: list[Path], images: list[str]) -> None:

    from napari_medclf.io.labels import read_label_map

    n_other = n_all = n_labelled = 0
    for image in images:
        name = f"{Path(image).name.split('.')[0]}.nii.gz"
        one, other = (read_label_map(folder / name).labels for folder in folders)
        n_other += int(np.count_nonzero(one != other))
        n_all += one.size
        n_labelled += int(np.count_nonzero(one))
    print(f"  {n_other} of {n_all} voxels differ; {n_labelled} are labelled")


def _make_ct(folder: Path, options: argparse.Namespace) -> str:
    from ct_case import Size, make_ct

    from napari_medclf.domain.geometry import Geometry
    from napari_medclf.domain.image import MedImage
    from napari_medclf.io.write import write_image

    k, j, i = options.shape
    samples = make_ct(Size((k, j, i), _spacing(options.shape), options.classes, (64, 64, 64), "small"))
    path = folder / "ct.nii"
    write_image(MedImage(samples, Geometry.from_spacing((k, j, i), _spacing(options.shape)), "ct"), path)
    return str(path)


def _spacing(shape: Sequence[int]) -> tuple[float, float, float]:
    """Make a trunk of 450 x 384 x 384 mm, whatever its voxels."""
    return 450 / shape[0], 384 / shape[1], 384 / shape[2]


def _make_model(folder: Path, options: argparse.Namespace) -> str:
    import torch

    from napari_medclf.engine.nets.from_plans import build_from_plans

    arguments = _arguments(options.features)
    target = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
    torch.manual_seed(1)
    network = build_from_plans(target, arguments, 1, options.classes)
    result = folder / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    (result / "fold_0").mkdir(parents=True)
    checkpoint = {
        "network_weights": network.state_dict(),
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": "3d_fullres"},
        "inference_allowed_mirroring_axes": None,
    }
    torch.save(checkpoint, result / "fold_0" / "checkpoint_final.pth")
    labels = {"background": 0, **{f"organ {n}": n for n in range(1, options.classes)}}
    dataset = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 1, "file_ending": ".nii.gz"}
    (result / "dataset.json").write_text(json.dumps(dataset))
    (result / "plans.json").write_text(json.dumps(_plans(target, arguments)))
    return str(result)


def _arguments(features: int) -> dict[str, Any]:
    return {
        "n_stages": 4,
        "features_per_stage": [features * 2**stage for stage in range(4)],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3]] * 4,
        "strides": [[1, 1, 1], *[[2, 2, 2]] * 3],
        "n_conv_per_stage": [2] * 4,
        "n_conv_per_stage_decoder": [2] * 3,
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def _plans(target: str, arguments: dict[str, Any]) -> dict[str, Any]:
    resample = "resample_data_or_seg_to_shape"
    kwargs = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    configuration = {
        "data_identifier": "x",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [64, 64, 64],
        "median_image_size_in_voxels": [150, 128, 128],
        "spacing": [3.0, 3.0, 3.0],
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": resample,
        "resampling_fn_data_kwargs": kwargs,
        "resampling_fn_seg": resample,
        "resampling_fn_seg_kwargs": {**kwargs, "is_seg": True, "order": 1},
        "resampling_fn_probabilities": resample,
        "resampling_fn_probabilities_kwargs": {**kwargs, "order": 1},
        "batch_dice": False,
        "architecture": {
            "network_class_name": target,
            "arch_kwargs": arguments,
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }
    properties = {"mean": 100.0, "std": 300.0, "percentile_00_5": -900.0, "percentile_99_5": 900.0}
    return {
        "dataset_name": "Dataset998_Synthetic",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": properties},
    }


if __name__ == "__main__":
    main()
