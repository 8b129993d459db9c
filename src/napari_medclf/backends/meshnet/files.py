"""What the files beside a MeshNet's weights say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.weight_files.kinds import TENSOR_KINDS, sniff
from napari_medclf.store.monai_config.parse import read_file

LAYERS, COLOURS = "model.json", "colormap.json"
_WEIGHTS = ("model.pth", "model.pt", "model.safetensors")
_MOST_LAYERS = 200
_MOST_SIZE = 512
# FreeSurfer's conformed volume, for which all of them are made: https://surfer.nmr.mgh.harvard.edu (mri_convert -c).
_CONFORMED = {"spacing_mm": (1.0, 1.0, 1.0), "axis_codes": "LIA", "patch_vox": (256, 256, 256)}
# Which network of brainchop-models was trained on quantiles cannot be read from its files: those with norms were, and
# the one with these classes.
_QUANTILE_CLASSES = 50
_MINMAX, _QUANTILES = Intensity(kind="minmax"), Intensity(kind="percentile", low=2, high=98)


@dataclass(frozen=True)
class MeshNetFiles:
    """The files of one model."""

    folder: Path
    weights: Path

    @property
    def all(self) -> tuple[Path, ...]:
        """Those that are there, the weights first."""
        beside = (self.folder / name for name in (LAYERS, COLOURS))
        return (self.weights, *(path for path in beside if path.is_file()))


def find_files(path: Path) -> MeshNetFiles | None:
    """Find the files by one of them or by their folder; None where it is no MeshNet. Never raises."""
    folder = path if path.is_dir() else path.parent
    if path.is_file() and path.name not in (LAYERS, *_WEIGHTS):
        return None
    weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    try:
        is_meshnet = (folder / LAYERS).is_file() and '"dilation"' in (folder / LAYERS).read_text("utf-8")[:100_000]
    except (OSError, ValueError):
        return None
    return MeshNetFiles(folder, weights) if is_meshnet and weights is not None else None


def read_card(files: MeshNetFiles, backend: str) -> ModelCard:
    """Make the card from ``model.json`` and ``colormap.json``.

    Raises
    ------
    CardError
        If they are damaged, or the network is of another kind.
    """
    _check_files(files)
    content = read_file(files.folder / LAYERS)
    network = _read_network(content, files.folder / LAYERS)
    schema = _read_schema(files)
    is_mask = len(schema) == 1
    has_quantiles = network.arguments["norm"] != "none" or len(schema) + 1 == _QUANTILE_CLASSES
    title = str(content.get("header") or files.folder.name)
    return ModelCard(
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", files.folder.name).strip("-._")[:80] or "meshnet",
        version="0",
        task=Task.SEGMENT,
        title=title,
        description=f"{title}. A MeshNet over the whole head, conformed to 1 mm.",
        limits=("Needs the whole head: pieces of it are segmented otherwise than the whole.",),
        input=InputSpec(
            spatial_dims=3,
            channels=("T1",) if not is_mask else ("image",),
            intensity=_QUANTILES if has_quantiles else _MINMAX,
            modality=() if is_mask else ("MR",),
            resampling="linear",
            overlap=0.5,
            **_CONFORMED,  # type: ignore[arg-type]  # a dict has one type for all
        ),
        output=OutputSpec(schema=schema),
        network=network,
        licence="not given; see where it came from",
        backend=backend,
    )


def _check_files(files: MeshNetFiles) -> None:
    for path in files.all:
        if not path.resolve().is_relative_to(files.folder.resolve()):
            raise CardError(f"{path}: is a link that leads out of its folder; put the file itself there.")
    if sniff(files.weights) not in TENSOR_KINDS:
        raise CardError(f"{files.weights}: is {sniff(files.weights)}, and holds no weights.")


def _read_network(content: Mapping[str, Any], path: Path) -> NetworkSpec:
    layers = content.get("layers")
    if not isinstance(layers, list) or not 1 < len(layers) <= _MOST_LAYERS:
        raise CardError(f"{path}: has no list of layers.")
    sizes = [_read_layer(layer, number, path) for number, layer in enumerate(layers)]
    is_normalised = bool(content.get("bnorm"))
    arguments = {
        "kernel_sizes": [kernel_size for kernel_size, _ in sizes],
        "dilations": [dilation for _, dilation in sizes],
        "norm": "group" if is_normalised else "none",
        "act": "gelu" if content.get("gelu") else "elu" if content.get("elu") else "relu",
        "bias": bool(content.get("bias", not is_normalised)),
    }
    return NetworkSpec(target="napari_medclf.engine.nets.MeshNet", arguments=arguments)


def _read_layer(layer: Any, number: int, path: Path) -> tuple[int, int]:
    given = {"stride": 1, **layer} if isinstance(layer, dict) else {}
    values = [given.get(key) for key in ("kernel_size", "dilation", "padding", "stride")]
    kernel_size, dilation, padding, stride = (n if isinstance(n, int) and 0 <= n <= _MOST_SIZE else -1 for n in values)
    if min(kernel_size, dilation, padding, stride) < 0:
        raise CardError(f"{path}: layer {number} lacks kernel_size, dilation or padding as whole numbers.")
    if kernel_size % 2 == 0 or dilation < 1 or stride != 1 or padding != dilation * (kernel_size // 2):
        raise CardError(f"{path}: layer {number} changes the size of the volume, which no MeshNet does.")
    return kernel_size, dilation


def _read_schema(files: MeshNetFiles) -> LabelSchema:
    path = files.folder / COLOURS
    if not path.is_file():
        raise CardError(
            f"{files.folder}: has no {COLOURS} with the names of the classes; put it there, or give a card."
        )
    content = read_file(path)
    names, colours = content.get("labels"), [content.get(channel) for channel in "RGB"]
    lists = [names, *colours]
    if not all(isinstance(one, list) and len(one) == len(names or ()) > 1 for one in lists):
        raise CardError(f"{path}: names and colours of the classes do not go together.")
    hexes = [_hex(values, path) for values in zip(*colours, strict=True)]
    texts = _unique([str(name) for name in names or ()])
    return LabelSchema(
        classes=tuple(LabelClass(value=value, name=texts[value], colour=hexes[value]) for value in range(1, len(texts)))
    )


def _hex(values: Sequence[Any], path: Path) -> str:
    if not all(isinstance(value, int) and 0 <= value < 256 for value in values):
        raise CardError(f"{path}: a colour is no three numbers from 0 to 255.")
    return "#" + "".join(f"{value:02X}" for value in values)


def _unique(names: list[str]) -> list[str]:
    return [f"{name} {place}" if names.count(name) > 1 or not name else name for place, name in enumerate(names)]
