"""The ``inference.json`` of a MONAI bundle: lets MONAI's own tools build and run the network."""

from __future__ import annotations

from typing import Any

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.store.bundle_intensity import intensity_steps

_RUN = (
    "$[@postprocessing({**item, 'pred': "
    "torch.no_grad()(@inferer)(item['image'][None].to(@device), @network_def)[0]}) for item in @dataset]"
)


def inference_config(card: ModelCard) -> dict[str, Any]:
    """Make a configuration for `monai.bundle.ConfigParser`.

    ``network_def`` builds the network, ``network`` loads the weights strictly, ``preprocessing``,
    ``inferer`` and ``postprocessing`` come as near to ours as MONAI's stock transforms do, and
    ``python -m monai.bundle run --config_file configs/inference.json`` predicts the images of
    ``dataset_dir`` into ``output_dir``. The exact preparation is the card's `InputSpec`; this
    program uses that one. MONAI has no transforms for `InputSpec.steps`: for a model with steps, give it images that
    ``medclf preprocess`` wrote.

    Raises
    ------
    CardError
        If MONAI has no transform for how the card scales intensities.
    """
    return {
        "imports": [
            "$import glob",
            "$import os",
            "$import numpy as np",
            "$import torch",
            "$from safetensors.torch import load_file",
        ],
        "bundle_root": ".",
        "dataset_dir": "./images",
        "output_dir": "./eval",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "datalist": "$[{'image': path} for path in sorted(glob.glob(os.path.join(@dataset_dir, '*')))]",
        "network_def": {"_target_": card.network.target, **card.network.arguments},
        "weights": "$load_file(os.path.join(@bundle_root, 'models', 'model.safetensors'))",
        "preprocessing": {"_target_": "Compose", "transforms": _preprocessing(card.input)},
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        "inferer": _inferer(card),
        "postprocessing": {"_target_": "Compose", "transforms": _postprocessing(card)},
        "initialize": [
            "$@network_def.load_state_dict(@weights, strict=True)",
            "$@network_def.to(@device).eval()",
        ],
        "run": [_RUN],
    }


def _preprocessing(spec: InputSpec) -> list[dict[str, Any]]:
    load: dict[str, Any] = {"_target_": "LoadImaged", "keys": "image", "ensure_channel_first": True, "image_only": True}
    if spec.spatial_dims == 2 and spec.spacing_mm is None:  # pictures, as (row, column) like ours
        mode = "RGB" if len(spec.channels) == 3 else "L"
        load |= {
            "reader": "PILReader",
            "reverse_indexing": False,
            "converter": f"$lambda image: image.convert('{mode}')",
        }
    steps: list[dict[str, Any]] = [load]
    if spec.spatial_dims == 3:
        # both name the direction an index grows to; MONAI loads (i, j, k), our arrays are (k, j, i)
        reorder = {"_target_": "Transposed", "keys": "image", "indices": [0, 3, 2, 1]}
        orient = {"_target_": "Orientationd", "keys": "image", "axcodes": spec.axis_codes}
        steps.append(orient if spec.axis_codes is not None else reorder)
    if spec.spacing_mm is not None:
        pixdim = list(spec.spacing_mm)
        # ours keeps the edges of the volume where they are, not the centre of the first voxel
        resample = {"_target_": "Spacingd", "keys": "image", "pixdim": pixdim, "mode": "bilinear", "scale_extent": True}
        steps.append(resample)
    if spec.resize_to is not None:
        steps.append(
            {
                "_target_": "Resized",
                "keys": "image",
                "spatial_size": list(spec.resize_to),
                "mode": "area",
            }
        )
    return [*steps, *intensity_steps(spec), {"_target_": "EnsureTyped", "keys": "image"}]


def _inferer(card: ModelCard) -> dict[str, Any]:
    if card.task.is_of_whole_image:
        return {"_target_": "SimpleInferer"}
    return {
        "_target_": "SlidingWindowInferer",
        "roi_size": list(card.input.patch_vox),
        "sw_batch_size": 4,
        "overlap": 0.25,
        "mode": "gaussian",
    }


def _postprocessing(card: ModelCard) -> list[dict[str, Any]]:
    if card.task in (Task.REGRESS, Task.DETECT):  # MONAI has no transform for them; the network's own answer is left
        return []
    if card.output.activation == "ordinal":  # the probabilities of lying above each class but the last
        return [{"_target_": "Activationsd", "keys": "pred", "sigmoid": True}]
    activation: dict[str, Any] = {"_target_": "Activationsd", "keys": "pred", card.output.activation: True}
    if card.task is Task.CLASSIFY:
        scaled = {
            "_target_": "Lambdad",
            "keys": "pred",
            "func": f"$lambda logits: logits / {card.output.temperature!r}",
        }
        activation["dim"] = 0
        if card.output.activation == "sigmoid":
            del activation["dim"]
        return [scaled, activation]
    decide: dict[str, Any] = {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}
    if card.output.activation == "sigmoid":
        decide = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}
    return [activation, *_go_home(card.input), decide, *_save(card.input)]


def _go_home(spec: InputSpec) -> list[dict[str, Any]]:
    """Bring probabilities, never labels, back to the grid of the volume."""
    if spec.spatial_dims == 2:
        return []
    home = {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image"}
    return [home | {"nearest_interp": False, "to_tensor": True}]


def _save(spec: InputSpec) -> list[dict[str, Any]]:
    save = {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "output_dtype": "$np.uint8"}
    if spec.spatial_dims == 3:
        return [save]
    return [
        {"_target_": "CopyItemsd", "keys": "pred", "names": "picture"},
        {"_target_": "Transposed", "keys": "picture", "indices": [0, 2, 1]},  # MONAI writes pictures column first
        save | {"keys": "picture", "output_ext": ".png", "scale": None, "resample": False},
    ]
