"""Small pictures of images, for choosing among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.io.archive import unpacked
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.relocate import inner_ref
from napari_medclf.io.sniff import Kind
from napari_medclf.io.upright import turn_slice
from napari_medclf.io.walk import collect, identify
from napari_medclf.io.window import robust_window

_SIDE = 128
# Rec. 601 luma.
_GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_MOST_BYTES = 2**28
"""Larger files are not unpacked only to draw a thumbnail."""


def draw(ref: FileRef) -> PixelArray:
    """Draw the middle slice of an image within its window: uint8, at most 128 x 128, gray.

    Raises
    ------
    ReadError
        If it cannot be read, is no image, or is too large to be read for that.
    """
    ref = _unpacked_ref(ref)
    is_dicom, headers = _dicom_headers(ref)
    if is_dicom:
        from napari_medclf.io.dicom.pixels.thumbnail import thumbnail

        return thumbnail(headers)
    from napari_medclf.io.read import read_image

    if ref.path.is_file() and ref.path.stat().st_size > _MOST_BYTES:
        raise ReadError(ref.path, "is too large to be read for a thumbnail")
    return small_picture(read_image(ref.path, ref.member))


def _unpacked_ref(ref: FileRef) -> FileRef:
    """Lead from a member of a zip archive to the unpacked file; all else stays."""
    if not ref.path.is_file() or identify(ref.path) is not Kind.ZIP:
        return ref
    folder = unpacked(ref.path)
    return inner_ref(ref.member, ref.path, folder) if ref.member else FileRef(folder)


def small_picture(image: MedImage) -> PixelArray:
    """Draw the middle slice of an image that was read, upright."""
    middle = image.data.shape[-3] // 2
    plane = np.asarray(image.data[..., middle, :, :])
    if image.channel_kind is ChannelKind.COLOUR:
        gray = np.tensordot(_GRAY, plane.astype(np.float32), axes=(0, 0))
    else:
        gray = plane.reshape(-1, *plane.shape[-2:])[0].astype(np.float32)
    reduced = _reduced(turn_slice(np.nan_to_num(gray), image.geometry))
    low, high = image.window or ((0.0, 255.0) if plane.dtype == np.uint8 else robust_window(reduced))
    scaled = (reduced - low) / (high - low) * 255
    return np.asarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _reduced(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average blocks, so that the longer side has at most 128 pixels."""
    step = -(-max(plane.shape) // _SIDE)
    rows, columns = (max(n // step, 1) for n in plane.shape)
    if min(plane.shape) < step:
        return plane[::step, ::step]
    blocks = plane[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _dicom_headers(ref: FileRef) -> tuple[bool, tuple[Header, ...]]:
    """Headers of a DICOM series; (False, ()) for everything else."""
    from napari_medclf.io.read import STACK_MEMBER

    if ref.member == STACK_MEMBER:
        return False, ()
    found = collect([ref.path]).of_kind(Kind.DICOM)
    if not found:
        return False, ()
    from napari_medclf.io.dicom.read import scan_files

    stacks = scan_files(found).stacks
    chosen = [stack for stack in stacks if not ref.member or stack.answers_to(ref.member)]
    if not chosen:
        raise ReadError(ref.path, f"has no readable series {ref.member!r}")
    return True, chosen[0].headers
