"""From a bundle's inferer to windows: how large, how much they overlap, how they are blended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from napari_medclf.backends.monai_bundle.chain import number, numbers, text_of
from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.pieces import Component

_SLIDING = ("SlidingWindowInferer", "SlidingWindowInfererAdapt", "SliceInferer")
_HOVER_VOX = {"original": 400, "fast": 492}  # a few of the network's own windows
_WHOLE_VOX = {2: 512, 3: 128}  # a window for networks that take whole images of any size


@dataclass(frozen=True)
class Windows:
    """How the network is led over an image.

    Parameters
    ----------
    patch_vox : tuple of int
        In the network's order of axes.
    slice_axis : int
        For 2D networks: which axis of the (i, j, k) volume is cut into slices.
    is_whole : bool
        Whether its author gives the network whole images; they are then padded to what the network can halve.
    """

    patch_vox: tuple[int, ...]
    overlap: float = 0.25
    blending: Literal["gaussian", "constant"] = "gaussian"
    slice_axis: int = 2
    is_whole: bool = False
    limits: tuple[str, ...] = ()


def read_inferer(inferer: Any, spatial_dims: int, shape_said: tuple[int, ...] | None) -> Windows:
    """Understand a described inferer.

    Parameters
    ----------
    shape_said : tuple of int or None
        The input's size by the metadata: used for networks that take whole images.

    Raises
    ------
    CardError
        If it is none that this program knows and has no ``roi_size`` either.
    """
    if isinstance(inferer, Component) and inferer.short_name == "SimpleInferer":
        return _whole(spatial_dims, shape_said)
    if isinstance(inferer, Component) and inferer.short_name in _SLIDING:
        return _sliding(inferer, spatial_dims)
    if isinstance(inferer, Component) and "roi_size" in inferer.arguments:
        windows = _sliding(inferer, spatial_dims)
        said = f"Its author's own {inferer.target} is not run; windows are laid as MONAI's SlidingWindowInferer does."
        return Windows(windows.patch_vox, windows.overlap, windows.blending, limits=(said,))
    if inferer is None:
        return _whole(spatial_dims, shape_said)
    name = inferer.target if isinstance(inferer, Component) else "an expression"
    raise CardError(
        f"The network is led over the image by {name}, which is not known here. Give a card that says the window "
        "(patch_vox), as medclf.json beside the bundle."
    )


def hover_windows(mode: str) -> Windows:
    """Say how a HoVerNet is led over a picture; inside of a window it leads itself (`engine.nets.hover_windows`)."""
    said = (
        "Pictures are cut into windows that overlap by half and are blended; its authors give the network the whole "
        "picture's surroundings. Nuclei are told apart as HoVerNet's first authors do, and their types are not told."
    )
    return Windows((_HOVER_VOX[mode],) * 2, 0.5, "gaussian", limits=(said,))


def _sliding(inferer: Component, spatial_dims: int) -> Windows:
    given = inferer.arguments
    size = given.get("roi_size")
    sizes = numbers(size if isinstance(size, list) else [size] * spatial_dims, "roi_size")
    if len(sizes) != spatial_dims or not all(0 < one <= 4096 and one == int(one) for one in sizes):
        raise CardError(f"The windows have the size {size!r}; {spatial_dims} whole numbers were expected.")
    mode = text_of(given.get("mode", "constant"))
    overlap = number(given.get("overlap", 0.25), "overlap")
    if not 0 <= overlap < 1:
        raise CardError(f"Windows overlap by {overlap:g}; at least 0 and below 1 was expected.")
    axis = int(number(given.get("spatial_dim", 2), "spatial_dim"))
    if axis not in (0, 1, 2):
        raise CardError(f"The volume is cut into slices along axis {axis}; 0, 1 or 2 was expected.")
    return Windows(
        tuple(int(one) for one in sizes), overlap, "gaussian" if mode == "gaussian" else "constant", slice_axis=axis
    )


def _whole(spatial_dims: int, shape_said: tuple[int, ...] | None) -> Windows:
    sizes = shape_said if shape_said is not None and len(shape_said) == spatial_dims else None
    return Windows(sizes or (_WHOLE_VOX[spatial_dims],) * spatial_dims, is_whole=True)


def halvings_of(arguments: dict[str, Any]) -> int:
    """Say by what the sizes of a U-shaped network's input must be divisible, from its arguments; 1 where unknown."""
    strides = arguments.get("strides")
    if isinstance(strides, list) and strides:
        largest = [max(one, default=1) if isinstance(one, list) else one for one in strides]
        return math.prod(largest) if all(isinstance(one, int) and 0 < one < 16 for one in largest) else 1
    if isinstance(arguments.get("blocks_down"), list):
        return int(2 ** min(max(len(arguments["blocks_down"]) - 1, 0), 8))
    if "feature_size" in arguments or "backbone" in arguments:
        return 32  # SwinUNETR, FlexibleUNet: five halvings
    if isinstance(arguments.get("features"), list):
        return 16  # BasicUNet: four
    return 1
