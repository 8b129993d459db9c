"""Number the objects that a network saw, in the way its card says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.instances.border import split_at_borders
from napari_medclf.engine.instances.channels import count_channels, is_object
from napari_medclf.engine.instances.distance import split_at_necks
from napari_medclf.engine.instances.flows import follow_flows
from napari_medclf.engine.instances.hover import split_at_gradients
from napari_medclf.engine.instances.numbers import number_without_gaps

Split = Callable[[FloatArray, OutputSpec, Sequence[float]], LabelArray]


def find_instances(
    channels: FloatArray,
    output: OutputSpec,
    *,
    min_object_vox: float = 0,
    is_3d: bool = False,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
) -> LabelArray:
    """Number the objects that a network saw.

    Parameters
    ----------
    channels : (C, K, J, I)
        Of the whole image, activated (`channels.activate_channels`). Windows were blended before, so that an object on
        the border of two is one.
    min_object_vox : float
        Smaller objects are dropped.
    is_3d : bool
        Whether objects reach over slices; else every slice has objects of its own.
    spacing : (k, j, i)
        Step of the axes.

    Returns
    -------
    (K, J, I) int32
        0 for background, objects from 1 without gaps.

    Raises
    ------
    CardError
        If there is another number of channels than the card's kind of instances has.
    """
    expected = count_channels(output, 3 if is_3d else 2)
    if len(channels) != expected:
        raise CardError(f"Instances from {output.instances} need {expected} channels, not {len(channels)}.")
    split = _SPLIT[output.instances]
    if is_3d:
        if output.instances == "hover":
            raise CardError("Horizontal and vertical distances (hover) are made for pictures, not for volumes.")
        return number_without_gaps(split(channels, output, spacing), min_object_vox)
    numbered: list[LabelArray] = []
    n_before = 0
    for k in range(channels.shape[1]):
        objects = number_without_gaps(split(channels[:, k], output, spacing[1:]), min_object_vox)
        objects[objects > 0] += n_before
        n_before = max(n_before, int(objects.max(initial=0)))
        numbered.append(objects)
    return np.stack(numbered)


def _borders(channels: FloatArray, output: OutputSpec, spacing: Sequence[float]) -> LabelArray:
    return split_at_borders(channels, spacing)


def _necks(channels: FloatArray, output: OutputSpec, spacing: Sequence[float]) -> LabelArray:
    return split_at_necks(is_object(channels, output), spacing)


def _flows(channels: FloatArray, output: OutputSpec, spacing: Sequence[float]) -> LabelArray:
    return follow_flows(is_object(channels, output), channels[1:])


def _gradients(channels: FloatArray, output: OutputSpec, spacing: Sequence[float]) -> LabelArray:
    return split_at_gradients(is_object(channels, output), channels[2], channels[3])


def _components(channels: FloatArray, output: OutputSpec, spacing: Sequence[float]) -> LabelArray:
    return _connected(is_object(channels, output))


def _connected(mask: BoolArray) -> LabelArray:
    from scipy import ndimage

    return np.asarray(ndimage.label(mask)[0])


_SPLIT: Mapping[str, Split] = MappingProxyType(
    {"border": _borders, "distance": _necks, "flows": _flows, "hover": _gradients, "components": _components}
)
