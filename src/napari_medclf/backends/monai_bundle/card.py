"""A card for a bundle: from its inference configuration first, from its metadata second."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationError

from napari_medclf.backends.monai_bundle.detecting import read_detector
from napari_medclf.backends.monai_bundle.files import BundleFiles
from napari_medclf.backends.monai_bundle.inferring import Windows, halvings_of, hover_windows, read_inferer
from napari_medclf.backends.monai_bundle.kinds import count_inputs, count_outputs, mode_of, spatial_dims_of, task_of
from napari_medclf.backends.monai_bundle.metadata import (
    data_format,
    metrics_of,
    modality_of,
    names_of_channels,
    slug,
    spatial_shape_of,
    text_of,
)
from napari_medclf.backends.monai_bundle.network import as_spec
from napari_medclf.backends.monai_bundle.output import make_output
from napari_medclf.backends.monai_bundle.postprocessing import read_postprocessing
from napari_medclf.backends.monai_bundle.preprocessing import Preparation, read_preprocessing
from napari_medclf.domain.card import DataCredit, ModelCard, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.store.monai_config.pieces import Component

_PREPROCESSING = ("preprocessing", "pre_transforms", "val_transforms", "transforms", "preprocess")
_POSTPROCESSING = ("postprocessing", "post_transforms", "postprocess")
_INTENDED = "Research use only. Not a medical device."
_RGB = ("red", "green", "blue")


def make_card(bundle: BundleFiles, network: Component, name: str) -> ModelCard:
    """Say what a bundle's network takes and returns.

    Parameters
    ----------
    name : str
        Of the backend.

    Raises
    ------
    CardError
        In one sentence, with what cannot be expressed or is contradictory.
    """
    metadata = bundle.metadata
    task = task_of(network, str(data_format(metadata, "outputs").get("format", "")))
    inferer = bundle.inference.describe("inferer") if "inferer" in bundle.inference else None
    dims = spatial_dims_of(network, inferer, spatial_shape_of(metadata))
    preparation = read_preprocessing(_first_of(bundle, _PREPROCESSING), dims)
    decision = read_postprocessing(_first_of(bundle, _POSTPROCESSING))
    windows = _windows(bundle, task, network, inferer, dims, preparation)
    n_outputs = count_outputs(network, data_format(metadata, "outputs").get("num_channels"))
    output, output_limits = make_output(task, decision, metadata, n_outputs)
    if task is Task.DETECT:
        output = output.model_copy(update=dict(read_detector(bundle.inference).thresholds))
    limits = (*preparation.limits, *windows.limits, *decision.limits, *output_limits)
    try:
        return ModelCard(
            name=slug(bundle.folder.resolve().name),
            version=text_of(metadata, "version") or "unknown",
            task=task,
            title=text_of(metadata, "name") or text_of(metadata, "task") or bundle.folder.resolve().name,
            description=text_of(metadata, "description"),
            limits=tuple(dict.fromkeys(limits)),
            input=_input(preparation, windows, network, metadata, dims, task),
            output=output,
            network=as_spec(network),
            licence=_licence(bundle),
            data=_credits(metadata),
            metrics=metrics_of(metadata),
            author=text_of(metadata, "authors"),
            backend=name,
            intended_use=_intended(metadata),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise CardError(f"{bundle.folder}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def _windows(
    bundle: BundleFiles, task: Task, network: Component, inferer: Any, dims: int, preparation: Preparation
) -> Windows:
    if task is Task.DETECT:
        return read_detector(bundle.inference).windows
    if task is Task.INSTANCES:
        return hover_windows(mode_of(network))
    return read_inferer(inferer, dims, preparation.resize_to or spatial_shape_of(bundle.metadata))


def _input(
    preparation: Preparation, windows: Windows, network: Component, metadata: dict[str, Any], dims: int, task: Task
) -> InputSpec:
    channels = _channels(preparation, network, metadata, dims)
    first, *then = _spread(preparation.scalings, len(channels)) or (Intensity(kind="none"),)
    is_linear = preparation.spacing_mm is not None or preparation.resampling == "linear"
    resampling: Literal["linear", "area"] = "linear" if is_linear else "area"
    return InputSpec(
        spatial_dims=3 if dims == 3 else 2,
        channels=channels,
        intensity=first,
        then=tuple(then),
        modality=modality_of(metadata),
        spacing_mm=preparation.spacing_mm,
        axis_codes=_axis_codes(preparation, windows, dims),
        axis_order=_axis_order(preparation, windows, dims),
        resize_to=preparation.resize_to,
        resampling=resampling,
        align="edges" if preparation.resize_to is not None or preparation.align == "edges" else "centre",
        is_normalised_first=preparation.is_scaled_first,
        patch_vox=windows.patch_vox,
        overlap=windows.overlap,
        blending=windows.blending,
        divisible_by=_divisor(preparation, windows, network, task),
    )


def _divisor(preparation: Preparation, windows: Windows, network: Component, task: Task) -> int:
    is_free = windows.is_whole and task is Task.SEGMENT and preparation.resize_to is None
    return max(preparation.divisible_by, halvings_of(network.arguments) if is_free else 1)


def _axis_order(preparation: Preparation, windows: Windows, dims: int) -> tuple[int, int, int]:
    """Axes of our (k, j, i) in the network's order; MONAI loads (i, j, k), and pictures (i, j)."""
    if dims == 3:
        return (2, 1, 0) if preparation.is_transposed else (0, 1, 2)
    first = 2 - windows.slice_axis
    others = [axis for axis in ((2, 1, 0) if preparation.is_transposed else (0, 1, 2)) if axis != first]
    return (first, others[0], others[1])


def _axis_codes(preparation: Preparation, windows: Windows, dims: int) -> str | None:
    """Directions of the network's axes; for a 2D network the axis of the slices comes first."""
    codes = preparation.axis_codes
    if codes is None or dims == 3:
        return codes
    return codes[windows.slice_axis] + codes[: windows.slice_axis] + codes[windows.slice_axis + 1 :]


def _channels(preparation: Preparation, network: Component, metadata: dict[str, Any], dims: int) -> tuple[str, ...]:
    n = count_inputs(network, data_format(metadata, "inputs").get("num_channels"))
    named = names_of_channels(metadata, "inputs", n)
    if n == 3 and dims == 2 and (named is None or tuple(one[:1].casefold() for one in named) == ("r", "g", "b")):
        return _RGB
    if n == 1:
        return ("gray",)
    if named is not None:
        return named
    keys = preparation.keys[:-1] if len(preparation.keys) == n + 1 else preparation.keys
    return keys if len(keys) == n else tuple(f"channel {position + 1}" for position in range(n))


def _spread(scalings: list[Intensity], n_channels: int) -> tuple[Intensity, ...]:
    """Give every channel the numbers that the configuration gives once for all."""
    return tuple(
        one.model_copy(
            update={
                "mean": one.mean * n_channels if len(one.mean) == 1 else one.mean,
                "std": one.std * n_channels if len(one.std) == 1 else one.std,
            }
        )
        for one in scalings
    )


def _first_of(bundle: BundleFiles, names: tuple[str, ...]) -> Any:
    return next((bundle.inference.describe(name) for name in names if name in bundle.inference), None)


def _licence(bundle: BundleFiles) -> str:
    said = text_of(bundle.metadata, "license") or text_of(bundle.metadata, "licence")
    if said and "see" not in said.casefold():
        return said[:100]
    return "see LICENSE" if (bundle.folder / "LICENSE").is_file() else said[:100] or "not stated"


def _credits(metadata: dict[str, Any]) -> tuple[DataCredit, ...]:
    source, references = text_of(metadata, "data_source"), text_of(metadata, "references")
    if not source and not references:
        return ()
    return (DataCredit(name=source[:200] or "not stated", licence="not stated", attribution=references[:500]),)


def _intended(metadata: dict[str, Any]) -> str:
    said = text_of(metadata, "intended_use")
    return f"Research use only. Not a medical device. Its author says: {said}" if said else _INTENDED
