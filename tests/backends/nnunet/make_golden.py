"""Ask nnunetv2 for the labels of our phantoms: ``python make_golden.py`` where nnunetv2 2.8 is installed.

The networks have random weights of our own (``cases.fill_by_name``); nothing of third parties is in the file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.update(nnUNet_raw="x", nnUNet_preprocessed="x", nnUNet_results="x", nnUNet_def_n_proc="1")
sys.path.insert(0, str(Path(__file__).parent))

import cases
import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

_IMPORTED = ("conv_op", "norm_op", "dropout_op", "nonlin", "block")


def build(target: str, arguments: dict, n_inputs: int, n_outputs: int) -> torch.nn.Module:
    """Make a network of dynamic_network_architectures."""
    imported = [name for name in _IMPORTED if name in arguments]
    return get_network_from_plans(target, arguments, imported, n_inputs, n_outputs, deep_supervision=False)


def write(case: cases.Case, folder: Path) -> Path:
    """Write a result folder; nnU-Net's own translation of old plans says what network it is."""
    configuration = PlansManager(case.plans).get_configuration(case.configuration)
    kwargs = dict(configuration.network_arch_init_kwargs)
    return cases.write_folder(case, folder, build, kwargs, configuration.network_arch_class_name)


def predict(result: Path, image: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """Run nnU-Net's predictor with its defaults, on the CPU."""
    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(result), None)
    return predictor.predict_single_npy_array(image, {"spacing": list(spacing_mm)}, None, None, False)


def answer_networks() -> None:
    """Write the names of each network's parameters, and all of its answers, the finest first."""
    found = {}
    for name, (architecture, more, shape) in cases.NETWORKS.items():
        network = build(architecture["network_class_name"], {**architecture["arch_kwargs"], **more}, shape[1], 3).eval()
        cases.fill_by_name(network, seed=7)
        network.decoder.deep_supervision = True
        with torch.no_grad():
            answers = network(cases.network_input(name))
        found[f"{name}/names"] = np.array(list(network.state_dict()))
        for number, answer in enumerate(answers):
            found[f"{name}/{number}"] = answer.numpy()
    np.savez_compressed(Path(__file__).parent / "golden_networks.npz", **found)


def label_hippocampi() -> dict[str, np.ndarray]:
    """Label real images with the shared model, its logits shifted so that it finds something."""
    import SimpleITK

    shared = Path(__file__).resolve().parents[4] / "shared"
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        result = cases.write_shifted(shared / "weights" / "nnunet_hippocampus_own", Path(folder) / "model")
        for name in cases.HIPPOCAMPI:
            image = SimpleITK.ReadImage(str(shared / "data" / "hippocampus_msd" / "images" / f"{name}.nii.gz"))
            samples = SimpleITK.GetArrayFromImage(image)[None].astype(np.float32)
            found[name] = predict(result, samples, image.GetSpacing()[::-1]).astype(np.uint8)
    return found


def main() -> None:
    """Write golden.npz and golden_networks.npz beside this file."""
    answer_networks()
    found = label_hippocampi()
    for name, case in cases.CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            result = write(case, Path(folder))
            if len(sys.argv) > 1:
                import shutil

                shutil.copytree(folder, Path(sys.argv[1]) / name, dirs_exist_ok=True)
            found[name] = predict(result, case.image, case.spacing_mm).astype(np.uint8)
        print(name, found[name].shape, np.bincount(found[name].ravel()) / found[name].size)
    np.savez_compressed(Path(__file__).parent / "golden.npz", **found)


if __name__ == "__main__":
    main()
