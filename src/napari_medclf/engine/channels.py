"""Match an image's channels to those a network takes."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.input_spec import InputSpec

# ITU-R BT.601: how bright red, green and blue look.
_LUMA = (0.299, 0.587, 0.114)


def select_channels(image: MedImage, spec: InputSpec) -> tuple[PixelArray, str]:
    """Arrange samples as (C, K, J, I) with the channels of the card.

    Returns
    -------
    array, warning
        A view where possible; a sentence where grey was made from colour or the reverse.

    Raises
    ------
    CardError
        If the channels do not fit.
    """
    data = np.asarray(image.data)
    data = data[np.newaxis] if image.channel_kind is ChannelKind.NONE else data
    wanted = spec.channels
    if image.channel_kind is ChannelKind.TIME:
        raise CardError(f"{image.name}: a series of {len(data)} time points. Choose one of them, then run the model.")
    if set(wanted) <= set(image.channel_names) and tuple(image.channel_names) != wanted:
        return data[[image.channel_names.index(name) for name in wanted]], ""
    if len(data) == len(wanted):
        return data, ""
    if len(wanted) == 1 and image.channel_kind is ChannelKind.COLOUR:
        return _to_grey(data)
    if _is_colour(wanted) and len(data) == 1:
        return np.repeat(data, 3, axis=0), "The image is grey and the model takes colour: grey was used three times."
    raise CardError(
        f"{image.name}: {_count(len(data))}, but the model takes {_count(len(wanted))} "
        f"({', '.join(wanted)}). Choose another model, or stack the images that belong together."
    )


def _to_grey(data: PixelArray) -> tuple[PixelArray, str]:
    if np.array_equal(data[0], data[1]) and np.array_equal(data[0], data[2]):
        return data[:1], ""
    grey = np.tensordot(np.asarray(_LUMA, dtype=np.float32), data[:3].astype(np.float32), axes=1)
    return grey[np.newaxis], "The image is in colour and the model takes grey: the brightness was used."


def _is_colour(names: tuple[str, ...]) -> bool:
    return tuple(name.casefold() for name in names) == ("red", "green", "blue")


def _count(n: int) -> str:
    return "1 channel" if n == 1 else f"{n} channels"
