"""What TorchXRayVision 1.5.7 says about the weights it released (its ``models.model_urls``; Apache-2.0)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

DEFAULT_LABELS = (
    "Atelectasis", "Consolidation", "Infiltration", "Pneumothorax", "Edema", "Emphysema", "Fibrosis", "Effusion",
    "Pneumonia", "Pleural_Thickening", "Cardiomegaly", "Nodule", "Mass", "Hernia", "Lung Lesion", "Fracture",
    "Lung Opacity", "Enlarged Cardiomediastinum",
)  # fmt: skip
"""Its ``datasets.default_pathologies``: what 18 outputs mean unless something else is said."""


@dataclass(frozen=True)
class Released:
    """One set of weights.

    Parameters
    ----------
    name : str
        As its library calls it: ``all``, ``nih`` ...
    labels : tuple of str
        What each output means; empty where it was not trained.
    op_threshs : tuple of float or None
        The probability at which each output was found to decide best; None where there is none.
    """

    name: str
    labels: tuple[str, ...]
    op_threshs: tuple[float | None, ...]


def find_released(file_name: str) -> Released | None:
    """Find weights by the name of their file on the library's releases page; None for any other."""
    text = files("napari_medclf.backends.xrayvision").joinpath("released.json").read_text(encoding="utf-8")
    for name, said in json.loads(text).items():
        if said["file"].casefold() == file_name.casefold():
            return Released(name, tuple(said["labels"]), tuple(said["op_threshs"]))
    return None
