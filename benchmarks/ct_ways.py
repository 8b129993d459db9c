"""Ways to segment the CT of `ct_case`, each in its own process: ours and those of MONAI, nnU-Net, TotalSegmentator.

python benchmarks/ct_ways.py WAY FOLDER  (started by segment_ct.py)

Prints the CPU seconds, the wall seconds and the peak memory above what the process took before it, in MiB; writes the
labels into the folder.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from ct_case import HIGH_HU, LOW_HU, MODEL_MM, OVERLAP, Size, stock_network, unet_arguments
from numpy.typing import NDArray

Labels = NDArray[np.integer]
Way = Callable[[NDArray[np.int16], Size], Callable[[], Labels]]


def ours(ct: NDArray[np.int16], size: Size, runtime: str = "torch") -> Callable[[], Labels]:
    """Run a model of this program, from the image in memory to its labels."""
    from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
    from napari_medclf.domain.geometry import Geometry
    from napari_medclf.domain.image import MedImage, Scale
    from napari_medclf.domain.input_spec import InputSpec, Intensity
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.output_spec import OutputSpec
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.run_settings import LoadSettings, RunSettings
    from napari_medclf.engine.model import place_model
    from napari_medclf.jobs.drive import drive

    names = [f"organ {index}" for index in range(1, size.n_classes)]
    card = ModelCard(
        name="organs",
        version="1",
        task=Task.SEGMENT,
        title="",
        description="",
        licence="CC0-1.0",
        input=InputSpec(
            spatial_dims=3,
            channels=("CT",),
            intensity=Intensity(kind="window", low=LOW_HU, high=HIGH_HU),
            spacing_mm=(MODEL_MM,) * 3,
            resampling="linear",  # as MONAI's, so that labels can be compared
            patch_vox=size.window,
            overlap=OVERLAP,
            divisible_by=16,
        ),
        output=OutputSpec(schema=LabelSchema.from_names(names, first_value=1)),
        network=NetworkSpec(target="monai.networks.nets.BasicUNet", arguments=unet_arguments(size)),
    )
    image = MedImage(ct, Geometry.from_spacing(size.shape, size.spacing_mm), "ct", "CT", Scale.HU)
    model = place_model(ModelPackage(card, Path()), stock_network(size), LoadSettings("cpu", runtime=runtime))

    def run() -> Labels:
        outcome = drive(model.predict(image, RunSettings()))
        assert outcome.result is not None, outcome.message
        assert outcome.result.segmentation is not None
        print(outcome.result.plan, file=sys.stderr)
        return outcome.result.segmentation.labels

    return run


def ours_openvino(ct: NDArray[np.int16], size: Size) -> Callable[[], Labels]:
    """Run a model of this program by OpenVINO."""
    return ours(ct, size, "openvino")


def monai(ct: NDArray[np.int16], size: Size) -> Callable[[], Labels]:
    """Resample, slide, resample the logits of the whole volume, take the arg-max: as MONAI's tutorials have it."""
    from monai.inferers import sliding_window_inference
    from monai.transforms import ScaleIntensityRange

    network = stock_network(size)
    scale = ScaleIntensityRange(LOW_HU, HIGH_HU, 0, 1, clip=True)

    def run() -> Labels:
        with torch.inference_mode():
            source = torch.from_numpy(ct.astype(np.float32))[None, None]
            inputs = torch.nn.functional.interpolate(source, size=size.model_shape, mode="trilinear")
            del source
            inputs = torch.as_tensor(scale(inputs))
            logits = sliding_window_inference(
                inputs, size.window, 4, network, overlap=OVERLAP, mode="gaussian", sigma_scale=0.125
            )
            del inputs
            fine = torch.nn.functional.interpolate(logits, size=size.shape, mode="trilinear")
            del logits
            return np.asarray(fine[0].argmax(dim=0).numpy())

    return run


def _nnunet_logits(data: NDArray[np.float32], size: Size) -> torch.Tensor:
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(
        tile_step_size=1 - OVERLAP,
        use_mirroring=False,
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.network = stock_network(size)
    predictor.configuration_manager = SimpleNamespace(patch_size=list(size.window))
    predictor.label_manager = SimpleNamespace(num_segmentation_heads=size.n_classes)
    predictor.allowed_mirroring_axes = None
    return torch.as_tensor(predictor.predict_sliding_window_return_logits(torch.from_numpy(data)))


def nnunet(ct: NDArray[np.int16], size: Size) -> Callable[[], Labels]:
    """nnU-Net's own functions: cubic resampling, sliding window, linear resampling of all logits, arg-max."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor  # noqa: F401  (imports are not counted)
    from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape

    def run() -> Labels:
        data = ct[None].astype(np.float32)
        np.clip(data, LOW_HU, HIGH_HU, out=data)
        data -= LOW_HU
        data /= HIGH_HU - LOW_HU
        model_mm = [MODEL_MM] * 3
        data = resample_data_or_seg_to_shape(
            data, size.model_shape, size.spacing_mm, model_mm, is_seg=False, order=3, order_z=0, force_separate_z=None
        )
        logits = _nnunet_logits(np.asarray(data, dtype=np.float32), size).numpy()
        fine = resample_data_or_seg_to_shape(
            logits, size.shape, model_mm, size.spacing_mm, is_seg=False, order=1, order_z=0, force_separate_z=None
        )
        return np.asarray(np.argmax(fine, axis=0).astype(np.uint8))

    return run


def totalsegmentator(ct: NDArray[np.int16], size: Size) -> Callable[[], Labels]:
    """TotalSegmentator's own functions: cubic zoom, nnU-Net, arg-max on 3 mm, cropped one-hot masks brought home."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor  # noqa: F401  (imports are not counted)
    from totalsegmentator.resampling import resample_img, resample_one_hot_crop

    def run() -> Labels:
        zoom = np.array(size.model_shape) / np.array(size.shape)
        data = resample_img(ct.astype(np.float32), zoom=zoom, order=3, nr_cpus=1)[None]
        np.clip(data, LOW_HU, HIGH_HU, out=data)
        data -= LOW_HU
        data /= HIGH_HU - LOW_HU
        coarse = _nnunet_logits(np.asarray(data, dtype=np.float32), size).numpy().argmax(axis=0).astype(np.uint8)
        return np.asarray(resample_one_hot_crop(coarse, size.shape, order=1, nr_cpus=1))

    return run


WAYS: dict[str, Way] = {
    "ours": ours,
    "ours-openvino": ours_openvino,
    "monai": monai,
    "nnunet": nnunet,
    "totalsegmentator": totalsegmentator,
}


def _status(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measure one way."""
    way, folder = sys.argv[1], Path(sys.argv[2])
    torch.set_num_threads(1)
    size = Size.from_file(folder / "size.json")
    ct = np.load(folder / "ct.npy")
    run = WAYS[way](ct, size)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    started, started_cpu = time.perf_counter(), time.process_time()
    labels = run()
    figures = {
        "cpu_s": time.process_time() - started_cpu,
        "wall_s": time.perf_counter() - started,
        "peak_mib": _status("VmHWM") - before,
    }
    np.save(folder / f"{way}.npy", labels)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
