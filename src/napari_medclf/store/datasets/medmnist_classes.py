"""Class names of the MedMNIST files, which the files themselves do not hold (Yang et al. 2023)."""

from __future__ import annotations

import re

_ORGANS_2D = (
    "bladder",
    "femur-left",
    "femur-right",
    "heart",
    "kidney-left",
    "kidney-right",
    "liver",
    "lung-left",
    "lung-right",
    "pancreas",
    "spleen",
)

_NAMES: dict[str, tuple[str, ...]] = {
    "adrenalmnist3d": ("normal", "hyperplasia"),
    "bloodmnist": (
        "basophil",
        "eosinophil",
        "erythroblast",
        "immature granulocytes",
        "lymphocyte",
        "monocyte",
        "neutrophil",
        "platelet",
    ),
    "breastmnist": ("malignant", "normal, benign"),
    "chestmnist": (
        "atelectasis",
        "cardiomegaly",
        "effusion",
        "infiltration",
        "mass",
        "nodule",
        "pneumonia",
        "pneumothorax",
        "consolidation",
        "edema",
        "emphysema",
        "fibrosis",
        "pleural",
        "hernia",
    ),
    "dermamnist": (
        "actinic keratoses and intraepithelial carcinoma",
        "basal cell carcinoma",
        "benign keratosis-like lesions",
        "dermatofibroma",
        "melanoma",
        "melanocytic nevi",
        "vascular lesions",
    ),
    "fracturemnist3d": ("buckle rib fracture", "nondisplaced rib fracture", "displaced rib fracture"),
    "nodulemnist3d": ("benign", "malignant"),
    "octmnist": ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    "organamnist": _ORGANS_2D,
    "organcmnist": _ORGANS_2D,
    "organsmnist": _ORGANS_2D,
    "organmnist3d": (
        "liver",
        "kidney-right",
        "kidney-left",
        "femur-right",
        "femur-left",
        "bladder",
        "heart",
        "lung-right",
        "lung-left",
        "spleen",
        "pancreas",
    ),
    "pathmnist": (
        "adipose",
        "background",
        "debris",
        "lymphocytes",
        "mucus",
        "smooth muscle",
        "normal colon mucosa",
        "cancer-associated stroma",
        "colorectal adenocarcinoma epithelium",
    ),
    "pneumoniamnist": ("normal", "pneumonia"),
    "synapsemnist3d": ("inhibitory synapse", "excitatory synapse"),
    "vesselmnist3d": ("vessel", "aneurysm"),
}


def class_names(stem: str, n_classes: int) -> tuple[str, ...]:
    """Name the classes of a MedMNIST file; invented names where the file is not a known one.

    >>> class_names("pneumoniamnist_224", 2)
    ('normal', 'pneumonia')
    >>> class_names("ours", 2)
    ('class 0', 'class 1')
    """
    names = _NAMES.get(re.sub(r"_\d+$", "", stem.casefold()), ())
    return names if len(names) == n_classes else tuple(f"class {number}" for number in range(n_classes))
