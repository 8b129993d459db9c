"""Match an image's channels to those a network takes, and read them slab by slab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import CardError, MedclfError, ReadError
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.input_spec import InputSpec

# ITU-R BT.601: how bright red, green and blue look.
_LUMA = (0.299, 0.587, 0.114)
# Samples that are brought to float32 at once: small enough for a processor's cache.
_SLAB_VOX = 2**20


@dataclass(frozen=True, eq=False)
class Channels:
    """The samples of an image with the channels of a card, read when they are asked for.

    Parameters
    ----------
    shape : (C, K, J, I)
        What all slabs are together.
    dtype : numpy dtype
        Of the samples.
    slabs : tuple of (first, last)
        Slices k that are best read together.
    warning : str
        A sentence where gray was made from colour or the reverse.
    """

    shape: tuple[int, int, int, int]
    dtype: np.dtype[np.generic]
    slabs: tuple[tuple[int, int], ...]
    warning: str = ""
    _read: Callable[[int, int], PixelArray] = field(default=lambda first, last: np.empty(0), repr=False)

    def read(self, first: int, last: int) -> PixelArray:
        """Read slices k as (C, k, J, I); a view of the image where possible."""
        return self._read(first, last)

    def __iter__(self) -> Iterator[tuple[int, PixelArray]]:
        """Read slab by slab: the first slice, and the samples."""
        for first, last in self.slabs:
            yield first, self.read(first, last)


def select_channels(image: MedImage, spec: InputSpec) -> tuple[PixelArray, str]:
    """Read all samples as (C, K, J, I) with the channels of the card; a view where possible, and a warning or nothing.

    Raises
    ------
    CardError
        If the channels do not fit.
    """
    channels = open_channels(image, spec)
    return channels.read(0, channels.shape[1]), channels.warning


def open_channels(image: MedImage, spec: InputSpec) -> Channels:
    """Arrange samples with the channels of the card; they are read when they are asked for.

    Raises
    ------
    CardError
        If the channels do not fit.
    """
    data = image.data[np.newaxis] if image.channel_kind is ChannelKind.NONE else image.data
    wanted = spec.channels
    if image.channel_kind is ChannelKind.TIME:
        raise CardError(f"{image.name}: a series of {len(data)} time points. Choose one of them, then run the model.")
    if set(wanted) <= set(image.channel_names) and tuple(image.channel_names) != wanted:
        order = [image.channel_names.index(name) for name in wanted]
        return _from(image.name, data, len(order), lambda part: part[order])
    if len(data) == len(wanted):
        return _from(image.name, data, len(data), lambda part: part)
    if len(wanted) == 1 and image.channel_kind is ChannelKind.COLOUR:
        return _to_gray(image.name, data)
    if _is_colour(wanted) and len(data) == 1:
        warning = "The image is gray and the model takes colour: gray was used three times."
        return _from(image.name, data, 3, lambda part: np.repeat(part, 3, axis=0), warning)
    raise CardError(
        f"{image.name}: {_count(len(data))}, but the model takes {_count(len(wanted))} "
        f"({', '.join(wanted)}). Choose another model, or stack the images that belong together."
    )


def read_now(name: str, data: PixelArray) -> PixelArray:
    """Bring samples that are read on demand into memory.

    Raises
    ------
    ReadError
        If they cannot be read: the file was cut, or its disk is gone, since the image was opened.
    """
    try:
        return np.asarray(data)
    except (MedclfError, MemoryError):
        raise
    except Exception as error:  # whatever reads on demand fails in any way
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ReadError(name, f"a part of it cannot be read any more ({reason})", "Open it again.") from error


def _from(
    name: str, data: PixelArray, n_channels: int, arrange: Callable[[PixelArray], PixelArray], warning: str = ""
) -> Channels:
    def read(first: int, last: int) -> PixelArray:
        return arrange(read_now(name, data[:, first:last]))

    k, j, i = data.shape[-3:]
    return Channels((n_channels, k, j, i), data.dtype, _cut(data, (k, j, i)), warning, read)


def _cut(data: PixelArray, shape: Shape3) -> tuple[tuple[int, int], ...]:
    """Cut slices k into slabs; those of an image that is read on demand are the parts that are read together."""
    chunks = getattr(data, "chunks", None)
    if chunks is not None:
        ends = np.cumsum(chunks[-3])
        return tuple((int(end) - int(n), int(end)) for end, n in zip(ends, chunks[-3], strict=True))
    n = max(1, _SLAB_VOX // (shape[1] * shape[2]))
    return tuple((first, min(first + n, shape[0])) for first in range(0, shape[0], n))


def _to_gray(name: str, data: PixelArray) -> Channels:
    samples = read_now(name, data)
    if np.array_equal(samples[0], samples[1]) and np.array_equal(samples[0], samples[2]):
        return _from(name, samples[:1], 1, lambda part: part)
    gray = np.tensordot(np.asarray(_LUMA, dtype=np.float32), samples[:3].astype(np.float32), axes=1)[np.newaxis]
    warning = "The image is in colour and the model takes gray: the brightness was used."
    return _from(name, gray, 1, lambda part: part, warning)


def _is_colour(names: tuple[str, ...]) -> bool:
    return tuple(name.casefold() for name in names) == ("red", "green", "blue")


def _count(n: int) -> str:
    return "1 channel" if n == 1 else f"{n} channels"
