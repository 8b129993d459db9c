"""A card from what nnU-Net writes about a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from napari_medclf.backends.nnunet.classes import read_output
from napari_medclf.backends.nnunet.intensity import read_intensity
from napari_medclf.backends.nnunet.plans import Plans
from napari_medclf.backends.nnunet.result_folder import CHECKPOINTS, ResultFolder
from napari_medclf.domain.card import DataCredit, ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec

_NOT_STATED = "not stated"
# nnU-Net's reader that turns images so that i grows to the right, j to the front and k upwards, before its transpose.
_REORIENTING = "NibabelIOWithReorient"
_UPRIGHT = "SAR"
_PICTURE_CHANNELS = {"r": "red", "g": "green", "b": "blue"}
_MODALITY_OF = {"ct": "CT", "mr": "MR", "mri": "MR", "t1": "MR", "t2": "MR", "flair": "MR", "pet": "PT", "us": "US"}


def make_card(result: ResultFolder, plans: Plans, dataset: Mapping[str, Any]) -> ModelCard:
    """Make a card for a result folder.

    Raises
    ------
    CardError
        If its files contradict each other.
    """
    try:
        return _make(result, plans, dataset)
    except ValidationError as error:
        first = error.errors()[0]
        raise CardError(f"{result.path}: its files contradict each other ({first['msg']}).") from error
    except CardError as error:
        raise CardError(f"{result.path}: {error}") from error


def _make(result: ResultFolder, plans: Plans, dataset: Mapping[str, Any]) -> ModelCard:
    licence = str(dataset.get("licence") or dataset.get("license") or _NOT_STATED)
    name = f"{plans.dataset_name}-{plans.configuration}"
    n_folds = "all cases" if result.folds == ("fold_all",) else _count(len(result.folds), "fold")
    output = read_output(dataset)
    return ModelCard(
        name=re.sub(r"[^A-Za-z0-9._-]", "-", name)[:80],
        version=str(dataset.get("release", "1")),
        task=Task.SEGMENT,
        title=f"{plans.dataset_name}, nnU-Net {plans.configuration}",
        description=str(dataset.get("description") or f"nnU-Net v2 {plans.configuration}, {n_folds}."),
        limits=_list_limits(result),
        input=_read_input(plans, dataset),
        output=output,
        network=NetworkSpec(
            target=plans.network,
            arguments={
                **plans.arguments,
                "configuration": plans.configuration,
                "checkpoint": result.checkpoint,
                "folds": list(result.folds),
            },
        ),
        licence=licence,
        data=(_credit(plans, dataset, licence),),
        author=str(dataset.get("author", "")),
        backend="nnunet",
    )


def _read_input(plans: Plans, dataset: Mapping[str, Any]) -> InputSpec:
    channels = _read_channels(dataset)
    if not len(channels) == len(plans.normalisation) == len(plans.is_masked):
        raise CardError(f"has {len(channels)} channels, but {len(plans.normalisation)} normalisations.")
    scaled = [
        read_intensity(*each) for each in zip(plans.normalisation, plans.is_masked, plans.fingerprint, strict=True)
    ]
    return InputSpec(
        spatial_dims=2 if len(plans.patch_vox) == 2 else 3,
        channels=tuple(_PICTURE_CHANNELS.get(one.casefold(), one) for one in channels),
        intensity=scaled[0],
        channel_intensity=tuple(scaled) if len(scaled) > 1 else (),
        modality=_guess_modality(channels),
        spacing_mm=plans.spacing_mm,
        axis_codes="".join(_UPRIGHT[axis] for axis in plans.transpose) if plans.reader == _REORIENTING else None,
        axis_order=plans.transpose,
        crop="nonzero",
        resampling=plans.resampling,
        is_normalised_first=True,
        patch_vox=plans.patch_vox,
        overlap=0.5,
        tiling="nnunet",
    )


def _read_channels(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    named = dataset.get("channel_names") or dataset.get("modality")
    if not isinstance(named, Mapping) or not named:
        raise CardError("its dataset.json names no channels.")
    return tuple(str(named[key]) for key in sorted(named, key=lambda key: int(key) if key.isdigit() else 0))


def _guess_modality(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Say which DICOM modality fits, where all channels' names tell; none where they do not."""
    words = [re.split(r"[^a-z0-9]", one.casefold())[0] for one in channels]
    found = {_MODALITY_OF.get(word, "") for word in words}
    return tuple(found) if len(found) == 1 and "" not in found else ()


def _list_limits(result: ResultFolder) -> tuple[str, ...]:
    limits = ["Flips for test-time augmentation are read from its weights, when it is loaded."]
    if result.checkpoint != CHECKPOINTS[0]:
        limits.append(f"Its training did not end: {result.checkpoint} is used.")
    return tuple(limits)


def _credit(plans: Plans, dataset: Mapping[str, Any], licence: str) -> DataCredit:
    n_train = dataset.get("numTraining", 0)
    return DataCredit(
        name=str(dataset.get("name") or plans.dataset_name),
        licence=licence,
        attribution=str(dataset.get("reference") or _NOT_STATED),
        n_train=n_train if isinstance(n_train, int) else 0,
        split="nnU-Net's cross-validation",
    )


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
