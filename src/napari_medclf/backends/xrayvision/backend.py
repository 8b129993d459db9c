"""TorchXRayVision's DenseNets as models: their preprocessing, their thresholds, their labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.backends.foreign import Source, check_digest, package_of, ready
from napari_medclf.backends.xrayvision.looks import is_whole_network, looks_like_xrayvision
from napari_medclf.backends.xrayvision.released import DEFAULT_LABELS, Released, find_released
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

if TYPE_CHECKING:
    from torch import Tensor

_DEFAULT_SETTINGS = LoadSettings()
_TARGET = "torchxrayvision.models.DenseNet"
_SIZE_PX = 224
# (2 x / largest - 1) * 1024, written as x / largest from 0 to 1, less its middle, over 1 / 2048.
_INTENSITY = Intensity(kind="stored", is_clipped=False, mean=(0.5,), std=(1 / 2048,))
_LIMITS = (
    "Frontal chest radiographs of adults only.",
    "Scores are 0.5 at the operating point of each finding, where one was published; they are no probabilities.",
    "Pictures are shrunk by means, where the library blurs and interpolates: scores differ a little from its own.",
)


class XRayVisionBackend:
    """See `domain.backend.Backend`."""

    name = "xrayvision"
    title = "TorchXRayVision weights (DenseNet)"

    def unavailable_because(self) -> str:
        """Nothing beyond this program's own dependencies is needed."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether a file's pickle names the layers of a DenseNet for one gray channel."""
        return path.is_file() and looks_like_xrayvision(path)

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Take what the library's releases page says about a file of that name, or a person's card."""
        if not looks_like_xrayvision(path):
            raise CardError(f"{path}: holds no DenseNet of TorchXRayVision, or is cut short or damaged.")
        if card is None:
            card = _make_card(path, find_released(path.name))
        return package_of(Source(path), card.model_copy(update={"backend": self.name}))

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Build the network with all of its weights; a network that was pickled whole is read without running it."""
        from napari_medclf.engine.nets.xray_classifier import XRayClassifier, build_densenet
        from napari_medclf.engine.weights import fill

        path = package.files[0]
        package = check_digest(package, path)
        network, state = build_densenet(_read_state(path), str(path))
        fill(network, state, str(path))
        labels, points = _outputs(package.card, len(state["class_layers.out.bias"]))
        chosen = [labels.index(name) for name in package.card.schema_.names]
        return ready(package, XRayClassifier(network, chosen, [points[index] for index in chosen]), settings)


def _read_state(path: Path) -> dict[str, Tensor]:
    if not is_whole_network(path):
        from napari_medclf.engine.weights import read_tensors

        return read_tensors(path)
    from napari_medclf.engine.weight_files.clean import clean_tensors
    from napari_medclf.engine.weight_files.whole_module import read_whole_module

    return clean_tensors(read_whole_module(path), str(path), path.stat().st_size)


def _outputs(card: ModelCard, n_outputs: int) -> tuple[list[str], list[float | None]]:
    """Name and operating point of every output of the network."""
    labels = list(card.network.arguments.get("labels", card.schema_.names))
    points = list(card.network.arguments.get("op_threshs", [None] * len(labels)))
    unknown = [name for name in card.schema_.names if name not in labels]
    if len(labels) != n_outputs or len(points) != n_outputs or unknown:
        raise CardError(
            f"The card of {card.name!r} names {len(labels)} outputs and {len(points)} operating points, but the "
            f"network has {n_outputs} outputs. Name each in network.arguments, empty where it means nothing."
        )
    return labels, points


def _make_card(path: Path, released: Released | None) -> ModelCard:
    labels = DEFAULT_LABELS if released is None else released.labels
    points = (None,) * len(labels) if released is None else released.op_threshs
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")[:60] or "weights"
    name = f"xrayvision-{slug if released is None else released.name}"
    whose = f"weights {path.name!r}" if released is None else f"weights 'densenet121-res{_SIZE_PX}-{released.name}'"
    return ModelCard(
        name=name,
        version="1",
        task=Task.CLASSIFY,
        title=f"Chest X-ray findings (TorchXRayVision, {'unknown' if released is None else released.name})",
        description=f"DenseNet-121 of TorchXRayVision, {whose} (Cohen 2022, arXiv 2111.00595).",
        limits=_LIMITS,
        input=InputSpec(
            spatial_dims=2,
            channels=("gray",),
            intensity=_INTENSITY,
            modality=("CR", "DX"),
            crop="square",
            resize_to=(_SIZE_PX, _SIZE_PX),
            patch_vox=(_SIZE_PX, _SIZE_PX),
        ),
        output=OutputSpec(
            schema=LabelSchema.from_names([label for label in labels if label]),
            activation="sigmoid",
            is_activated=True,
        ),
        network=NetworkSpec(target=_TARGET, arguments={"labels": list(labels), "op_threshs": list(points)}),
        licence="Apache-2.0 (TorchXRayVision); the data sets it learned from have terms of their own",
    )
