"""Networks of MONAI that a card or a bundle may name; building one runs no code but MONAI's own."""

from __future__ import annotations

NETWORK_MODULE = "monai.networks.nets"

NETWORKS = frozenset(
    [
        "AHNet",
        "AttentionUnet",
        "AutoencoderKL",
        "BasicUNet",
        "BasicUNetPlusPlus",
        "Classifier",
        "DenseNet",
        "DenseNet121",
        "DenseNet169",
        "DenseNet201",
        "DenseNet264",
        "DiNTS",
        "DiffusionModelUNet",
        "DynUNet",
        "EfficientNetBN",
        "FlexibleUNet",
        "Generator",
        "HighResNet",
        "HoVerNet",
        "MedNeXt",
        "RegUNet",
        "ResNet",
        "SENet154",
        "SEResNet101",
        "SEResNet50",
        "SegResNet",
        "SegResNetDS",
        "SegResNetVAE",
        "SwinUNETR",
        "TopologyInstance",
        "TopologySearch",
        "TorchVisionFCModel",
        "UNETR",
        "UNet",
        "VISTA3D",
        "VNet",
        "ViT",
        "resnet10",
        "resnet101",
        "resnet18",
        "resnet34",
        "resnet50",
        "vista3d132",
    ]
)
"""Names in `NETWORK_MODULE`, of MONAI 1.6.1."""
