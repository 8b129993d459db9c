"""What nnU-Net's ``plans.json`` and ``dataset.json`` say about a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_medclf.backends.nnunet.old_plans import modernise
from napari_medclf.domain.errors import CardError, unknown_choice

Json = Mapping[str, Any]
_MAX_BYTES = 50_000_000
_DEFAULT = "resample_data_or_seg_to_shape"
_TORCH = "resample_torch_fornnunet"
_ANISOTROPY = 3


@dataclass(frozen=True)
class Plans:
    """One configuration of the plans, with what all of them share.

    Parameters
    ----------
    configuration : str
        ``2d``, ``3d_fullres``, ``3d_lowres`` or a name of its author's.
    spacing_mm, patch_vox : tuple
        In the network's order of axes.
    transpose : (int, int, int)
        The image's axis (k, j, i) that becomes each of the network's.
    resampling : str
        ``cubic`` (nnU-Net's default) or ``linear`` (its torch variant).
    normalisation : tuple of str
        Of each channel, such as ``CTNormalization``.
    is_masked : tuple of bool
        Whether each channel is normalised where the image is not zero.
    fingerprint : tuple of dict
        Of each channel: mean, std, percentile_00_5 ... of the training images' foreground.
    network, arguments :
        Class and arguments, in the way of the newer plans.
    reader : str
        nnU-Net's class that reads images.
    """

    dataset_name: str
    configuration: str
    spacing_mm: tuple[float, ...]
    patch_vox: tuple[int, ...]
    transpose: tuple[int, int, int]
    resampling: Literal["cubic", "linear"]
    normalisation: tuple[str, ...]
    is_masked: tuple[bool, ...]
    fingerprint: tuple[Mapping[str, float], ...]
    network: str
    arguments: Json
    reader: str


def read_json(path: Path) -> Json:
    """Read a JSON object.

    Raises
    ------
    CardError
        If it is something else, or too large.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CardError(f"{path}: is far too large for what nnU-Net writes there.")
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CardError(f"{path}: cannot be read as JSON ({' '.join(str(error).split())[:120]}).") from error
    if not isinstance(content, dict):
        raise CardError(f"{path}: holds no JSON object, as nnU-Net writes it.")
    return content


def read_plans(path: Path, configuration: str = "") -> Plans:
    """Read one configuration of a ``plans.json``.

    Parameters
    ----------
    configuration : str
        Which one; empty where there is only one.

    Raises
    ------
    CardError
        If it is damaged, or needs something that is not reproduced here; the sentence names it.
    """
    content = read_json(path)
    try:
        name = _choose(content["configurations"], configuration)
        return _read(content, name, modernise(_inherit(content["configurations"], name)))
    except CardError as error:
        raise CardError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CardError(f"{path}: is damaged, or no plans of nnU-Net v2 ({type(error).__name__}: {error}).") from error


def _choose(configurations: Json, wanted: str) -> str:
    if wanted:
        if wanted not in configurations:
            raise CardError(unknown_choice("configuration", wanted, configurations))
        return wanted
    if len(configurations) == 1:
        return str(next(iter(configurations)))
    raise CardError(
        f"has the configurations {', '.join(configurations)}, and the folder's name does not say which one was "
        "trained. Name the folder as nnU-Net does, such as nnUNetTrainer__nnUNetPlans__3d_fullres."
    )


def _inherit(configurations: Json, name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    own = dict(configurations[name])
    parent = own.get("inherits_from")
    if parent is None:
        return own
    if parent in (*seen, name):
        raise CardError(f"the configuration {name} inherits from itself.")
    return {**_inherit(configurations, parent, (*seen, name)), **own}


def _read(content: Json, name: str, chosen: Json) -> Plans:
    _check_reproducible(content, name, chosen)
    properties = content.get("foreground_intensity_properties_per_channel")
    if properties is None:  # plans of the first releases
        properties = content["foreground_intensity_properties_by_modality"]
    k, j, i = (int(axis) for axis in content["transpose_forward"])
    if sorted((k, j, i)) != [0, 1, 2]:
        raise ValueError(f"transpose_forward {(k, j, i)}")
    spacing = tuple(float(step) for step in chosen["spacing"])
    patch = tuple(int(size) for size in chosen["patch_size"])
    if len(spacing) != len(patch) or len(patch) not in (2, 3) or min(*patch, *spacing) <= 0 or math.inf in spacing:
        raise ValueError(f"spacing {spacing}, patch_size {patch}")
    schemes = tuple(map(str, chosen["normalization_schemes"]))
    return Plans(
        dataset_name=str(content["dataset_name"]),
        configuration=name,
        spacing_mm=spacing,
        patch_vox=patch,
        transpose=(k, j, i),
        resampling=_read_resampling(chosen),
        normalisation=schemes,
        is_masked=tuple(bool(one) for one in chosen["use_mask_for_norm"]),
        fingerprint=tuple(dict(properties.get(str(channel), {})) for channel in range(len(schemes))),
        network=str(chosen["architecture"]["network_class_name"]),
        arguments=dict(chosen["architecture"]["arch_kwargs"]),
        reader=str(content.get("image_reader_writer", "")),
    )


def _check_reproducible(content: Json, name: str, chosen: Json) -> None:
    if chosen.get("previous_stage"):
        raise CardError(
            f"the configuration {name} is the second stage of a cascade and needs the answer of "
            f"{chosen['previous_stage']} as input, which is not run here. Open 3d_fullres or 3d_lowres instead."
        )
    plain = {"preprocessor_name": "DefaultPreprocessor", "label_manager": "LabelManager"}
    for key, usual in plain.items():
        own = chosen.get(key, content.get(key, usual))
        if own != usual:
            raise CardError(f"asks for the {key} {own!r}, which is not known here; only nnU-Net's own {usual} is.")


def _read_resampling(chosen: Json) -> Literal["cubic", "linear"]:
    there = _describe(chosen, "resampling_fn_data")
    home = _describe(chosen, "resampling_fn_probabilities")
    usual = {"is_seg": False, "order_z": 0, "force_separate_z": None}
    if there == (_DEFAULT, {**usual, "order": 3}) and home == (_DEFAULT, {**usual, "order": 1}):
        return "cubic"
    if there[0] == home[0] == _TORCH and all(one.get("force_separate_z") is False for _, one in (there, home)):
        return "linear"
    raise CardError(
        f"asks for a resampling that is not known here: {there[0]} {there[1]}, back with {home[0]} {home[1]}."
    )


def _describe(chosen: Json, key: str) -> tuple[str, dict[str, Any]]:
    arguments = dict(chosen.get(f"{key}_kwargs") or {})
    if arguments.get("separate_z_anisotropy_threshold") == _ANISOTROPY:
        del arguments["separate_z_anisotropy_threshold"]
    return str(chosen[key]), arguments
