"""Where things lie in a bundle's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.config import Config, read_config
from napari_medclf.store.monai_config.parse import read_file
from napari_medclf.store.monai_config.pieces import Component

_INFERENCE = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
_METADATA = "configs/metadata.json"
_WEIGHTS = ("models/model.pt", "models/model.safetensors", "models/model.pth", "models/model.ts")
_MOST_SNIFFED = 2_000_000


@dataclass(frozen=True, eq=False)
class BundleFiles:
    """A bundle's folder, with its configuration parsed.

    Parameters
    ----------
    inference : Config
        ``configs/inference.json`` or ``.yaml``.
    metadata : dict
        ``configs/metadata.json``; empty where it is missing.
    """

    folder: Path
    inference_path: Path
    inference: Config
    metadata: dict[str, Any]


def looks_like_bundle(folder: Path) -> bool:
    """Whether a folder holds a MONAI bundle for inference that is none of our own packages; never raises."""
    path = find_inference(folder)
    if path is None:
        return False
    try:
        if path.stat().st_size > _MOST_SNIFFED:
            return False
        text = path.read_text(encoding="utf-8", errors="replace")
        return "_target_" in text and not _has_own_card(folder)
    except OSError:
        return False


def find_inference(folder: Path) -> Path | None:
    """Find the configuration that says how the network is used."""
    try:
        return next((folder / name for name in _INFERENCE if (folder / name).is_file()), None)
    except OSError:
        return None


def read_bundle(folder: Path) -> BundleFiles:
    """Parse a bundle's configuration and metadata; nothing in them runs.

    Raises
    ------
    CardError
        If one of them is damaged, or there is no inference configuration.
    """
    path = find_inference(folder)
    if path is None:
        raise CardError(f"{folder}: has no {' or '.join(_INFERENCE[:2])}, which says how the network is used.")
    metadata = read_file(folder / _METADATA) if (folder / _METADATA).is_file() else {}
    return BundleFiles(folder, path, read_config(path, folder), metadata)


def find_weights(bundle: BundleFiles) -> Path:
    """Find the file with the network's numbers: the one that the configuration loads, or the usual one.

    Raises
    ------
    CardError
        If there is none, or the configuration loads one from outside of the bundle.
    """
    said = [text for text in map(_loaded_path, _loaders(bundle.inference)) if text is not None]
    for text in said:
        path = bundle.folder / text
        if not is_inside(path, bundle.folder):
            raise CardError(f"{bundle.folder}: its configuration loads {text[:200]!r}, which is outside of the bundle.")
        if _is_file(path):
            return path
    for name in _WEIGHTS:
        if _is_file(bundle.folder / name) and is_inside(bundle.folder / name, bundle.folder):
            return bundle.folder / name
    wanted = Path(said[0][:200]).as_posix() if said else _WEIGHTS[0]
    raise CardError(f"{bundle.folder}: the weights {wanted} are missing; large_files.yml says where they can be had.")


def is_program(weights: Path) -> bool:
    """Whether a weights file is a TorchScript program, whatever it is called; it is looked at and not read."""
    from napari_medclf.engine.weight_files.kinds import FileKind, sniff

    return sniff(weights) is FileKind.TORCHSCRIPT


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path stays below a folder, links followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # no path at all: too long, a loop of links
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _has_own_card(folder: Path) -> bool:
    from napari_medclf.store.bundle import has_card

    return has_card(folder)


def _loaders(config: Config) -> list[Component]:
    """List the ``CheckpointLoader``s, wherever in the file they stand."""
    found: list[Component] = []
    for name in ("checkpointloader", "handlers", "val_handlers", "evaluator::val_handlers"):
        if name.partition("::")[0] not in config:
            continue
        try:
            value = config.describe(name)
        except CardError:
            continue
        each = value if isinstance(value, list) else [value]
        found += [one for one in each if isinstance(one, Component) and one.short_name == "CheckpointLoader"]
    return found


def _loaded_path(loader: Component) -> str | None:
    path = loader.arguments.get("load_path")
    return path if isinstance(path, str) else None
