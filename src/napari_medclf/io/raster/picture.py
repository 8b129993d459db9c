"""PNG, JPEG, GIF and BMP files: pictures without a place in a patient."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.preflight import check_budget, check_file, refusing
from napari_medclf.io.raster.film import read_film
from napari_medclf.io.raster.jpeg_end import check_jpeg_end
from napari_medclf.io.raster.picture_check import check_jpeg, check_png
from napari_medclf.io.sniff import name_of
from napari_medclf.io.window import robust_window

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_JPEG_MAGIC = b"\xff\xd8\xff"
_GIF_MAGIC = b"GIF8"
_EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Raster:
    """Decoded samples before they are given a meaning.

    Parameters
    ----------
    samples : (J, I) or (J, I, S)
        As stored; palette entries stay indices.
    palette : (N, 3) uint8 or None
        Colours of the indices.
    """

    samples: NDArray[Any]
    palette: NDArray[np.uint8] | None = None
    warnings: tuple[str, ...] = ()


def read_picture(path: Path) -> MedImage:
    """Read a PNG, JPEG, GIF or BMP as a flat image in pixels; a GIF of several frames becomes a film.

    Gray of 2 and 4 bits is spread over 0 to 255, as viewers do.

    Raises
    ------
    ReadError
        If it is damaged or too large.
    """
    check_file(path)
    with path.open("rb") as file:
        is_gif = file.read(4) == _GIF_MAGIC
    film = read_film(path) if is_gif else None
    return picture_image(path, load_raster(path)) if film is None else film


def load_raster(path: Path) -> Raster:
    """Decode a picture, all bits kept; of several frames the first."""
    check_file(path)
    with refusing(path, "cannot be decoded"):
        bits = _check(path)
        from PIL import Image

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; the budget decides here
            if bits > 8 and not _is_png(path):
                return Raster(_decode_deep_jpeg(path))
            with Image.open(path, formats=("PNG", "JPEG", "GIF", "BMP")) as picture:
                check_budget(path, picture.width * picture.height * 4)
                if picture.format in ("JPEG", "MPO"):
                    check_jpeg_end(path)
                notes = _notes(picture)
                if _is_deep_colour_png(path):
                    return Raster(_decode_deep_png(path), warnings=notes)
                return _from_pillow(picture, notes)


def picture_image(path: Path, raster: Raster) -> MedImage:
    """Give a decoded raster its meaning as an image."""
    samples, notes = raster.samples, list(raster.warnings)
    if raster.palette is not None:
        samples = raster.palette[np.minimum(samples, len(raster.palette) - 1)]
    if samples.dtype == np.bool_:
        samples = samples.astype(np.uint8) * np.uint8(255)
    samples = _without_alpha(path, samples, notes)
    data, kind = _arrange(samples)
    rows, columns = data.shape[-2:]
    return MedImage(
        data=data,
        geometry=Geometry.flat(rows, columns),
        name=name_of(path),
        scale=Scale.DISPLAY if data.dtype == np.uint8 else Scale.RAW,
        channel_kind=kind,
        channel_names=("red", "green", "blue") if kind is ChannelKind.COLOUR else (),
        window=None if kind is ChannelKind.COLOUR else picture_window(data),
        source=Source(path),
        warnings=tuple(notes),
    )


def picture_window(data: PixelArray) -> tuple[float, float]:
    """Contrast limits of a gray picture: the whole range of 8 bits, else chosen by the samples."""
    return (0.0, 255.0) if data.dtype == np.uint8 else robust_window(data)


def _without_alpha(path: Path, samples: NDArray[Any], notes: list[str]) -> NDArray[Any]:
    if samples.ndim == 2 or samples.shape[-1] in (1, 3):
        return samples
    if samples.shape[-1] not in (2, 4):
        raise ReadError(path, f"has {samples.shape[-1]} samples a pixel, and gray, RGB or RGBA was expected")
    alpha = samples[..., -1]
    if alpha.min() != alpha.max():
        notes.append("Its transparency was left out; transparent parts show the colours stored under them.")
    return samples[..., :-1]


def _arrange(samples: NDArray[Any]) -> tuple[PixelArray, ChannelKind]:
    native = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if native.ndim == 3 and native.shape[-1] == 1:
        native = native[..., 0]
    if native.ndim == 2:
        return np.ascontiguousarray(native[None]), ChannelKind.NONE
    return np.ascontiguousarray(np.moveaxis(native, -1, 0)[:, None]), ChannelKind.COLOUR


def _from_pillow(picture: Any, notes: tuple[str, ...]) -> Raster:
    if picture.mode == "P":
        colours = np.asarray(picture.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
        return Raster(np.asarray(picture), colours, notes)
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "PA", "RGBX"):
        notes = (*notes, f"Its colours were converted from {picture.mode} to RGB.")
        return Raster(np.asarray(picture.convert("RGB")), warnings=notes)
    return Raster(np.asarray(picture), warnings=notes)


def _notes(picture: Any) -> tuple[str, ...]:
    notes = []
    if getattr(picture, "n_frames", 1) > 1:
        notes.append(f"It holds {picture.n_frames} frames; the first one was read.")
    turned = picture.getexif().get(_EXIF_ORIENTATION, 1)
    if turned != 1:
        notes.append(f"Its EXIF asks viewers to turn it (orientation {turned}); it is kept as stored, like its labels.")
    return tuple(notes)


def _check(path: Path) -> int:
    """Look at a PNG or JPEG before it is decoded; gives its bits a sample, 8 for other kinds."""
    with path.open("rb") as file:
        head = file.read(8)
    if head == _PNG_MAGIC:
        return check_png(path)
    return check_jpeg(path) if head.startswith(_JPEG_MAGIC) else 8


def _is_png(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8) == _PNG_MAGIC


def _decode_deep_jpeg(path: Path) -> NDArray[Any]:
    """12-bit and lossless JPEG, which Pillow does not decode."""
    import imagecodecs

    raw = path.read_bytes()
    try:
        return np.asarray(imagecodecs.jpeg_decode(raw))
    except RuntimeError:
        return np.asarray(imagecodecs.ljpeg_decode(raw))


def _is_deep_colour_png(path: Path) -> bool:
    """Whether this is a 16-bit PNG of more than one sample a pixel, which Pillow cuts to 8 bits."""
    with path.open("rb") as file:
        head = file.read(26)
    if not head.startswith(_PNG_MAGIC) or len(head) < 26:
        return False
    depth, colour_type = struct.unpack("BB", head[24:26])
    return depth == 16 and colour_type != 0


def _decode_deep_png(path: Path) -> NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.png_decode(path.read_bytes()))
