"""Steps of `zoo_facts.json` as transforms of MONAI, in the keywords that its documentation gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Transform = dict[str, Any]
_BOX_KEYS = {"box_keys": "box", "box_ref_image_keys": "image"}


def prepare(steps: list[list[Any]], images: list[str]) -> list[Transform]:
    """Write the steps before the network; several `images` are taken alike, until code makes one of them."""
    keys: str | list[str] = images if len(images) > 1 else images[0]
    found: list[Transform] = []
    for word, *rest in steps:
        if word == "own code" or word in _OF_ONE_IMAGE:
            keys = "image"
        found.append(_PREPARING[word](*rest) | ({"keys": keys} if word != "clicks as channels" else {}))
    return found


def answer(steps: list[list[Any]], n_channels: int) -> list[Transform]:
    """Write the steps after a network of `n_channels`."""
    return [_answering(word, rest, n_channels) for word, *rest in steps]


def _answering(word: str, rest: list[Any], n_channels: int) -> Transform:
    step: Transform = {"keys": "pred"} | _ANSWERING[word](*rest)
    if "one hot" in rest:
        step["to_onehot"] = n_channels
    if "reference too" in rest:
        step |= {"keys": ["pred", "label"], "argmax": [True, False]}
    return step


def _load(*rest: str) -> Transform:
    given = {("reader" if one.endswith("Reader") else "dtype"): one for one in rest}
    return {"_target_": "LoadImaged", **given}


def _window(low: float, high: float, new_low: float, new_high: float, is_clipped: bool) -> Transform:
    range_ = {"a_min": low, "a_max": high, "b_min": new_low, "b_max": new_high}
    return {"_target_": "ScaleIntensityRanged", **range_, **({"clip": True} if is_clipped else {})}


def _percentiles(low: float, high: float, new_low: float, new_high: float, is_clipped: bool, *how: str) -> Transform:
    range_ = {"lower": low, "upper": high, "b_min": new_low, "b_max": new_high, "clip": is_clipped}
    return {"_target_": "ScaleIntensityRangePercentilesd", **range_, **_how(how)}


def _min_max(low: float, high: float, *how: str) -> Transform:
    range_ = {} if (low, high) == (0, 1) else {"minv": low, "maxv": high}
    return {"_target_": "ScaleIntensityd", **range_, **_how(how)}


def _how(words: tuple[str, ...]) -> dict[str, bool]:
    return {{"nonzero": "nonzero", "per channel": "channel_wise"}[word]: True for word in words}


def _home(how: str) -> Transform:
    back = {"transform": "@preprocessing", "orig_keys": "image", "to_tensor": True}
    return {"_target_": "Invertd", **back, "nearest_interp": how == "nearest"}


def _paint_regions(order: list[list[int]]) -> Transform:
    """Channels of overlapping regions into one label image; `order` gives (channel, label), painted one after another.

    >>> _paint_regions([[0, 1], [1, 3]])["func"]
    '$lambda region: torch.where(region[[1]] > 0, 3, torch.where(region[[0]] > 0, 1, 0))'
    """
    text = "0"
    for channel, label in order:
        text = f"torch.where(region[[{channel}]] > 0, {label}, {text})"
    return {"_target_": "Lambdad", "func": f"$lambda region: {text}"}


def _nuclei_apart(kernel: int, threshold: float, radius: int) -> Transform:
    given = {"sobel_kernel_size": kernel, "marker_threshold": threshold, "marker_radius": radius}
    return {"_target_": "HoVerNetInstanceMapPostProcessingd", **given}


_OF_ONE_IMAGE = ("window", "min max", "z score", "percentiles", "label as guidance")
_PREPARING: dict[str, Callable[..., Transform]] = {
    "load": _load,
    "channels first": lambda: {"_target_": "EnsureChannelFirstd"},
    "channels last": lambda: {"_target_": "EnsureChannelFirstd", "channel_dim": -1},
    "orientation": lambda codes: {"_target_": "Orientationd", "axcodes": codes},
    "spacing": lambda pixdim: {"_target_": "Spacingd", "pixdim": pixdim, "mode": "bilinear"},
    "resize": lambda size, mode: {"_target_": "Resized", "spatial_size": size, "mode": mode},
    "window": _window,
    "percentiles": _percentiles,
    "min max": _min_max,
    "z score": lambda *how: {"_target_": "NormalizeIntensityd", **_how(how)},
    "tensor": lambda: {"_target_": "EnsureTyped"},
    "cast": lambda dtype: {"_target_": "CastToTyped", "dtype": f"$torch.{dtype}"},
    "crop to foreground": lambda: {"_target_": "CropForegroundd", "source_key": "image", "mode": ["minimum"]},
    "squeeze": lambda: {"_target_": "SqueezeDimd"},
    "exchange axes": lambda indices: {"_target_": "Transposed", "indices": indices},
    "label as guidance": lambda: {"_target_": "AddLabelAsGuidanced", "source": "label"},
    "clicks as channels": lambda: {"_target_": "AddClickSignalsd", "image": "image", "foreground": "clicks"},
    "guidance as channels": lambda: {"_target_": "AddGuidanceSignalDeepEditd", "guidance": "clicks"},
    "own code": lambda target: {"_target_": target},
}
_ANSWERING: dict[str, Callable[..., Transform]] = {
    "softmax": lambda: {"_target_": "Activationsd", "softmax": True},
    "sigmoid": lambda: {"_target_": "Activationsd", "sigmoid": True},
    "argmax": lambda *_: {"_target_": "AsDiscreted", "argmax": True},
    "threshold": lambda value: {"_target_": "AsDiscreted", "threshold": value},
    "home": _home,
    "paint regions": _paint_regions,
    "drop background": lambda: {"_target_": "Lambdad", "func": "$lambda channels: channels[1:]"},
    "largest component": lambda *labels: {
        "_target_": "KeepLargestConnectedComponentd",
        **({"applied_labels": labels[0]} if labels else {}),
    },
    "tensor": lambda: {"_target_": "ToTensord", "device": "@device"},
    "numpy": lambda: {"_target_": "ToNumpyd"},
    "save": lambda: {"_target_": "SaveImaged", "output_dir": "@results"},
    "branches": lambda names: {"_target_": "FlattenSubKeysd", "sub_keys": names},
    "nuclei apart": _nuclei_apart,
    "nuclei typed": lambda: {"_target_": "HoVerNetNuclearTypePostProcessingd"},
    "boxes clipped": lambda: {"_target_": "ClipBoxToImaged", **_BOX_KEYS, "label_keys": "label"},
    "boxes in world": lambda: {"_target_": "AffineBoxToWorldCoordinated", **_BOX_KEYS, "affine_lps_to_ras": True},
    "boxes as": lambda before, after: {
        "_target_": "ConvertBoxModed",
        "box_keys": "box",
        "src_mode": before,
        "dst_mode": after,
    },
    "own code": lambda target: {"_target_": target},
}
