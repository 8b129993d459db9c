"""Animated GIF files: a film in gray or colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.preflight import check_budget, refusing
from napari_medclf.io.sniff import name_of

_MOST_FRAMES = 10_000


def read_film(path: Path) -> MedImage | None:
    """Read the frames of a GIF with the time each one begins at; None where there is only one.

    Gray where no frame has a colour, else red, green and blue.

    Raises
    ------
    ReadError
        If it is damaged or too large.
    """
    with refusing(path, "cannot be decoded"):
        from PIL import Image

        with Image.open(path, formats=("GIF",)) as picture:
            n_frames = getattr(picture, "n_frames", 1)
            if n_frames < 2:
                return None
            if n_frames > _MOST_FRAMES:
                raise ReadError(path, f"holds {n_frames} frames, and at most {_MOST_FRAMES} are read")
            check_budget(path, n_frames * picture.width * picture.height * 6)
            frames, times_ms = _frames(picture, n_frames)
    is_gray = bool((frames == frames[..., :1]).all())
    # (T, J, I, 3) to (T, K, J, I) or (T, 3, K, J, I)
    data = frames[:, None, :, :, 0] if is_gray else np.moveaxis(frames, -1, 1)[:, :, None]
    return MedImage(
        data=np.ascontiguousarray(data),
        geometry=Geometry.flat(*data.shape[-2:]),
        name=name_of(path),
        scale=Scale.DISPLAY,
        channel_kind=ChannelKind.TIME if is_gray else ChannelKind.COLOUR_TIME,
        channel_names=() if is_gray else ("red", "green", "blue"),
        channel_values=times_ms,
        channel_unit="ms",
        window=(0.0, 255.0) if is_gray else None,
        source=Source(path),
    )


def film_size(path: Path) -> tuple[int, ...]:
    """Tell the size of a GIF without decoding it: (1, J, I), or (T, 1, J, I) of a film.

    Raises
    ------
    ReadError
        If it is damaged.
    """
    with refusing(path, "cannot be decoded"):
        from PIL import Image

        with Image.open(path, formats=("GIF",)) as picture:
            n_frames = getattr(picture, "n_frames", 1)
            return (n_frames,) * (n_frames > 1) + (1, picture.height, picture.width)


def _frames(picture: Any, n_frames: int) -> tuple[PixelArray, tuple[float, ...]]:
    frames = np.empty((n_frames, picture.height, picture.width, 3), np.uint8)
    times_ms, now_ms = [], 0.0
    for number in range(n_frames):
        picture.seek(number)
        frames[number] = np.asarray(picture.convert("RGB"))
        times_ms.append(now_ms)
        now_ms += float(picture.info.get("duration", 0))
    return frames, tuple(times_ms)
