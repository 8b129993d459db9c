"""The list of names in bundle configurations that this program understands; none of them is imported here.

Bundles name classes of MONAI without their module (``UNet``), with it (``monai.networks.nets.UNet``), or with the file
(``monai.networks.nets.unet.UNet``); all become the second form.
"""

from __future__ import annotations

from napari_medclf.domain.monai_networks import NETWORK_MODULE, NETWORKS

_OTHERS = {
    "RetinaNet": "monai.apps.detection.networks.retinanet_network",
    "RetinaNetDetector": "monai.apps.detection.networks.retinanet_detector",
    "resnet_fpn_feature_extractor": "monai.apps.detection.networks.retinanet_network",
    "AnchorGeneratorWithAnchorShape": "monai.apps.detection.utils.anchor_utils",
    "SimpleInferer": "monai.inferers",
    "SlidingWindowInferer": "monai.inferers",
    "SlidingWindowInfererAdapt": "monai.inferers",
    "SliceInferer": "monai.inferers",
    "SlidingWindowHoVerNetInferer": "monai.apps.pathology.inferers",
    "CheckpointLoader": "monai.handlers",
    "Compose": "monai.transforms",
    "torch.load": "",
    "torch.device": "",
    "torch.from_numpy": "",
    "torch.tensor": "",
}
TRANSFORMS = frozenset(
    [
        "Activations",
        "AddChannel",
        "AsChannelFirst",
        "AsDiscrete",
        "CastToType",
        "CenterSpatialCrop",
        "ClipIntensityPercentiles",
        "ConcatItems",
        "CropForeground",
        "DeleteItems",
        "EnsureChannelFirst",
        "EnsureType",
        "FlattenSubKeys",
        "FromMetaTensor",
        "Identity",
        "Invert",
        "KeepLargestConnectedComponent",
        "Lambda",
        "LoadImage",
        "NormalizeIntensity",
        "Orientation",
        "RemoveSmallObjects",
        "Resize",
        "ResizeWithPadOrCrop",
        "SaveImage",
        "ScaleIntensity",
        "ScaleIntensityRange",
        "ScaleIntensityRangePercentiles",
        "SelectItems",
        "Spacing",
        "SpatialPad",
        "SqueezeDim",
        "ToDevice",
        "ToNumpy",
        "ToTensor",
        "Transpose",
        "HoVerNetInstanceMapPostProcessing",
        "HoVerNetNuclearTypePostProcessing",
        "ClipBoxToImage",
        "AffineBoxToWorldCoordinate",
        "ConvertBoxMode",
        "DivisiblePad",
        "Flip",
        "FillHoles",
    ]
)
_TRANSFORM_HOMES = ("monai.transforms", "monai.apps.pathology.transforms", "monai.apps.detection.transforms")

CALLS = frozenset(
    {
        "monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor",
        "monai.inferers.SimpleInferer",
        "torch.load",
        "torch.device",
        "torch.from_numpy",
        "torch.tensor",
    }
)
"""Dotted names that an expression may call, as a description, beside networks."""

CONSTANTS: dict[str, str | float | bool | None] = {
    "monai.utils.CommonKeys.IMAGE": "image",
    "monai.utils.CommonKeys.LABEL": "label",
    "monai.utils.CommonKeys.PRED": "pred",
    "np.pi": 3.141592653589793,
    "numpy.pi": 3.141592653589793,
    **{
        f"{module}.{name}": None
        for module in ("torch", "np", "numpy")
        for name in (
            "float",
            "float16",
            "float32",
            "float64",
            "int",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
        )
    },
}
"""Names that stand for a value; None where the name itself is all that matters."""


def canonical(target: str) -> str:
    """Write out the full name of a class, where it is known; else leave it as it is.

    >>> canonical("UNet"), canonical("monai.networks.nets.unet.UNet"), canonical("Spacingd")
    ('monai.networks.nets.UNet', 'monai.networks.nets.UNet', 'monai.transforms.Spacing')
    """
    module, _, name = target.rpartition(".")
    if name in NETWORKS and (not module or _is_inside(module, NETWORK_MODULE)):
        return f"{NETWORK_MODULE}.{name}"
    home = _OTHERS.get(name)
    if home and (not module or _is_inside(module, home) or _is_inside(home, module)):
        return f"{home}.{name}"
    plain = _without_dictionary_suffix(name)
    if plain in TRANSFORMS and (not module or any(_is_inside(module, home) for home in _TRANSFORM_HOMES)):
        return f"monai.transforms.{plain}"
    return target


def is_allowed(target: str) -> bool:
    """Whether a full name from `canonical` is on the list."""
    module, _, name = target.rpartition(".")
    if module == NETWORK_MODULE:
        return name in NETWORKS
    if module == "monai.transforms":
        return name in TRANSFORMS or name in _OTHERS
    return target in _OTHERS or (bool(module) and _OTHERS.get(name) == module)


def is_call(name: str) -> bool:
    """Whether an expression may call a dotted name, as a description."""
    module, _, last = name.rpartition(".")
    return name in CALLS or (last in NETWORKS and _is_inside(module, NETWORK_MODULE))


def _is_inside(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")


def _without_dictionary_suffix(name: str) -> str:
    for suffix in ("Dict", "d", "D"):
        if name.endswith(suffix) and name.removesuffix(suffix) in TRANSFORMS:
            return name.removesuffix(suffix)
    return name
