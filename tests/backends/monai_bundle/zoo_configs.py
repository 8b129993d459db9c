"""Bundles of the MONAI Model Zoo, written here from the facts about them in `zoo_facts.json`.

No file of the zoo is read: keywords are those of MONAI's documentation, and ids and expressions our own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zoo_forms import FORMS, add_detector, add_search, call_builder, share_arguments
from zoo_transforms import answer, prepare

Facts = dict[str, Any]
FACTS: dict[str, Facts] = json.loads((Path(__file__).parent / "zoo_facts.json").read_text(encoding="utf-8"))
NAMES = tuple(sorted(FACTS, key=str.casefold))
_FILE_FORMS = ("yaml", "classes as label_def")
_WINDOWS = {
    "roi": "roi_size",
    "overlap": "overlap",
    "at_once": "sw_batch_size",
    "blending": "mode",
    "rim": "padding_mode",
    "slice_axis": "spatial_dim",
}


def write_zoo_bundle(name: str, folder: Path) -> Path:
    """Write one of the zoo's bundles into a folder, in the format its authors chose, without its weights."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "models/model.pt").write_bytes(b"no weights")
    (folder / "configs/metadata.json").write_text(json.dumps(make_metadata(name)))
    if "yaml" in FACTS[name].get("written", ()):
        import yaml

        (folder / "configs/inference.yaml").write_text(yaml.safe_dump(make_inference(name), sort_keys=False))
    else:
        (folder / "configs/inference.json").write_text(json.dumps(make_inference(name)))
    return folder


def make_inference(name: str) -> dict[str, Any]:
    """Give what ``configs/inference.json`` says: network, steps before it, windows, steps after it, weights."""
    facts: Facts = json.loads(json.dumps(FACTS[name]))
    config: dict[str, Any] = {
        "imports": ["$import os", *(f"$import {module}" for module in facts.get("imports", ()))],
        "bundle_root": ".",
        "results": "$os.path.join(@bundle_root, 'results')",
        "device": "$torch.device('cuda' if torch.cuda.device_count() else 'cpu')",
    }
    if "autoencoder" in facts:
        config["autoencoder"] = _component(facts["autoencoder"])
    if "network" in facts:
        config |= _network(facts)
    if "steps" in facts:
        config["preprocessing"] = _compose(prepare(facts["steps"], facts.get("images", ["image"])))
    if "windows" in facts:
        config["inferer"] = _inferer(facts["windows"])
    if "answer" in facts:
        config["postprocessing"] = _compose(answer(facts["answer"], facts.get("gives", {}).get("channels", 1)))
    _rewrite(config, facts)
    return config


def make_metadata(name: str) -> dict[str, Any]:
    """Give what ``configs/metadata.json`` says: version, published numbers, channels that go in and come out."""
    facts = FACTS[name]
    metadata: dict[str, Any] = {"name": name.replace("_", " "), "version": facts["version"]}
    if "published" in facts:
        metadata["eval_metrics"] = facts["published"]
    if "takes" in facts:
        metadata["network_data_format"] = {"inputs": {"image": _input(facts["takes"])}, "outputs": _outputs(facts)}
    return metadata


def _network(facts: Facts) -> dict[str, Any]:
    return {
        "network_def": _component(facts["network"]),
        "network": "$@network_def.eval().to(@device)",
        "weights": f"$os.path.join(@bundle_root, 'models', {facts.get('weights', 'model.pt')!r})",
        "checkpointloader": {
            "_target_": "CheckpointLoader",
            "load_path": "@weights",
            "load_dict": {"model": "@network"},
        },
    }


def _inferer(windows: Facts | str) -> dict[str, Any]:
    if isinstance(windows, str):
        return {"_target_": "SimpleInferer"}
    return {"_target_": windows["by"]} | {theirs: windows[ours] for ours, theirs in _WINDOWS.items() if ours in windows}


def _rewrite(config: dict[str, Any], facts: Facts) -> None:
    """Write the same as its authors do: nested, by reference, by expression."""
    if "search" in facts:
        add_search(config, facts["search"])
    if "detector" in facts:
        add_detector(config, facts["detector"])
    share_arguments(config, facts.get("shared", []))
    if "builder call" in facts.get("needs", ()):
        call_builder(config)
    for form in facts.get("written", ()):
        if form not in _FILE_FORMS:
            FORMS[form](config, facts)


def _component(facts: Facts) -> dict[str, Any]:
    return {"_target_": facts["name"], **{name: value for name, value in facts.items() if name != "name"}}


def _compose(transforms: list[dict[str, Any]]) -> dict[str, Any]:
    return {"_target_": "Compose", "transforms": transforms}


def _input(takes: Facts) -> dict[str, Any]:
    said = {"num_channels": takes["channels"], "spatial_shape": takes["size"]}
    said["channel_def"] = _numbered(takes.get("names", ["image"]))
    return said | ({"modality": takes["modality"]} if "modality" in takes else {})


def _outputs(facts: Facts) -> dict[str, Any]:
    """Long lists of classes are numbered; which of two words names them is one of the facts."""
    gives = facts["gives"]
    said = {"format": gives["as"], "num_channels": gives["channels"]}
    names = gives.get("names")
    if gives["channels"] > 100:
        names = ["background", *(f"structure {n}" for n in range(1, gives["channels"]))]
    if names:
        said["label_def" if "classes as label_def" in facts.get("written", ()) else "channel_def"] = _numbered(names)
    return {gives.get("key", "pred"): said}


def _numbered(names: list[str]) -> dict[str, str]:
    return {str(n): name for n, name in enumerate(names)}
