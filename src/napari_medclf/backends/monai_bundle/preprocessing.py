"""From a bundle's chain of transforms to what `engine.prepare` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from napari_medclf.backends.monai_bundle.chain import numbers, steps_of, text_of, truth
from napari_medclf.backends.monai_bundle.scaling import SCALINGS, tidy
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.store.monai_config.pieces import Component

# What changes nothing that `engine.prepare` does not do anyhow.
_HARMLESS = frozenset(
    {
        "AddChannel",
        "AsChannelFirst",
        "CastToType",
        "DeleteItems",
        "EnsureChannelFirst",
        "EnsureType",
        "FromMetaTensor",
        "Identity",
        "SelectItems",
        "SpatialPad",
        "SqueezeDim",
        "ToDevice",
        "ToNumpy",
        "ToTensor",
    }
)
_LINEAR = ("bilinear", "linear", "trilinear", "1")


@dataclass
class Preparation:
    """What the chain does, gathered step by step.

    Parameters
    ----------
    keys : tuple of str
        Under which the images are loaded: several where they become the channels.
    spacing_mm, resize_to, axis_codes
        As in `InputSpec`, in the network's order of axes.
    scalings : list of Intensity
        One after the other.
    limits : list of str
        What the chain does and this program does not, as sentences.
    """

    keys: tuple[str, ...] = ()
    axis_codes: str | None = None
    is_transposed: bool = True
    spacing_mm: tuple[float, ...] | None = None
    resize_to: tuple[int, ...] | None = None
    resampling: str = "linear"
    align: str = "centre"
    divisible_by: int = 1
    scalings: list[Intensity] = field(default_factory=list)
    is_scaled_first: bool = False
    limits: list[str] = field(default_factory=list)


def read_preprocessing(value: Any, spatial_dims: int) -> Preparation:
    """Understand a described chain.

    Raises
    ------
    CardError
        With the first step that cannot be expressed, and what a person can do.
    """
    preparation = Preparation()
    for step in steps_of(value):
        if step.is_disabled and step.short_name != "Spacing":
            continue  # a Spacing is switched off for images that are resampled already; it changes nothing for those
        _take(step, preparation, spatial_dims)
    preparation.scalings = tidy(preparation.scalings)
    return preparation


def _take(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    name = step.short_name
    if name in _HARMLESS or (name == "LoadImage" and preparation.keys and not _is_of(step, preparation)):
        return
    if not step.is_allowed:
        raise _cannot(step)
    if preparation.keys and not _is_of(step, preparation):
        return  # it prepares something else, such as the reference labels
    if name in SCALINGS:
        preparation.scalings.append(SCALINGS[name](step))
        return
    if name not in _STEPS:
        raise _cannot(step)
    if preparation.scalings and name in ("Spacing", "Resize"):
        preparation.is_scaled_first = True
    _STEPS[name](step, preparation, spatial_dims)


def _load(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    preparation.keys = _keys(step) or ("image",)
    if step.arguments.get("reverse_indexing") is False:
        preparation.is_transposed = False


def _orient(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    codes = step.arguments.get("axcodes")
    if truth(step.arguments.get("as_closest_canonical", False)):
        codes = "RAS"
    joined = "".join(map(str, codes)) if isinstance(codes, (str, list)) else ""
    if len(joined) != 3:
        raise _cannot(step, f"the axis codes {codes!r} do not name three axes")
    preparation.axis_codes = joined.upper()


def _space(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    mode = text_of(step.arguments.get("mode", "bilinear"))
    if mode not in _LINEAR:
        raise _cannot(step, f"images are resampled with mode {mode!r}")
    pixdim = step.arguments.get("pixdim")
    spacing = numbers(pixdim if isinstance(pixdim, list) else [pixdim], "pixdim")
    if len(spacing) < spatial_dims:
        spacing += (spacing[-1],) * (spatial_dims - len(spacing))
    if any(size <= 0 for size in spacing):
        raise _cannot(step, "an axis keeps its own spacing")
    preparation.spacing_mm = spacing[:spatial_dims]
    preparation.align = "edges" if truth(step.arguments.get("scale_extent", False)) else "centre"


def _resize(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    mode = text_of(step.arguments.get("mode", "area"))
    size = step.arguments.get("spatial_size")
    sizes = numbers(size if isinstance(size, list) else [size] * spatial_dims, "spatial_size")
    if mode not in (*_LINEAR, "area") or step.arguments.get("size_mode", "all") != "all" or any(n < 1 for n in sizes):
        raise _cannot(step, f"the size is {size!r} with mode {mode!r}")
    preparation.resize_to = tuple(int(n) for n in sizes[:spatial_dims])
    preparation.resampling = "area" if mode == "area" else "linear"
    preparation.align = "edges"


def _pad(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    k = step.arguments.get("k")
    preparation.divisible_by = int(max(numbers(k if isinstance(k, list) else [k], "k")))


def _crop(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    preparation.limits.append(
        "Its author cuts away the rim without foreground before the network; here windows cover the whole image, "
        "so that results near their borders may differ a little."
    )


def _transpose(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    indices = step.arguments.get("indices")
    if indices not in ([0, 3, 2, 1], [0, 2, 1]):
        raise _cannot(step, f"axes are exchanged by {indices!r}")
    preparation.is_transposed = not preparation.is_transposed


def _concat(step: Component, preparation: Preparation, spatial_dims: int) -> None:
    """Images under several keys become the channels of one; their keys name them."""
    preparation.keys = (*_keys(step), text_of(step.arguments.get("name", "image")))


_STEPS: dict[str, Callable[[Component, Preparation, int], None]] = {
    "LoadImage": _load,
    "Orientation": _orient,
    "Spacing": _space,
    "Resize": _resize,
    "DivisiblePad": _pad,
    "CropForeground": _crop,
    "Transpose": _transpose,
    "ConcatItems": _concat,
}


def _is_of(step: Component, preparation: Preparation) -> bool:
    keys = _keys(step)
    return not keys or bool(set(keys) & set(preparation.keys)) or "image" in keys


def _keys(step: Component) -> tuple[str, ...]:
    keys = step.arguments.get("keys", ())
    each = [keys] if isinstance(keys, str) else keys
    return tuple(str(one) for one in each) if isinstance(each, (list, tuple)) else ()


def _cannot(step: Component, why: str = "") -> CardError:
    reason = f" ({why})" if why else ""
    return CardError(
        f"Before the network, {step.target} is applied{reason}, which this program cannot take from the configuration. "
        "Give a card that says what the network takes, as medclf.json beside the bundle."
    )
