"""Packed samples, by pydicom's decoders and, for JPEG lossless and 12-bit JPEG, by imagecodecs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.dicom.syntax import BY_IMAGECODECS, JPEG_LOSSLESS, syntax_name
from napari_medclf.io.preflight import refusing


def decode_file(path: Path) -> NDArray[Any]:
    """Decode all frames as stored: ``(J, I)``, ``(frames, J, I)``, or with colour last.

    Colour spaces are brought to RGB; native byte order.

    Raises
    ------
    ReadError
        Naming the transfer syntax of samples that are damaged.
    """
    with refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        from pydicom import dcmread

        dataset = dcmread(path, force=True)
        _complete(dataset)
        syntax = str(dataset.file_meta.TransferSyntaxUID)
    with refusing(path, f"has damaged samples ({syntax_name(syntax)})", with_text=False), quiet():
        if syntax in BY_IMAGECODECS:
            return _by_imagecodecs(path, dataset)
        return _by_pydicom(dataset)


def _by_pydicom(dataset: Any) -> NDArray[Any]:
    from pydicom.pixels.utils import pixel_array as decode

    samples = decode(dataset)
    return np.asarray(samples.astype(samples.dtype.newbyteorder("="), copy=False))


def _by_imagecodecs(path: Path, dataset: Any) -> NDArray[Any]:
    """Decode what pydicom's free decoders leave out, frame by frame."""
    import imagecodecs
    from pydicom.encaps import generate_frames

    is_lossless = str(dataset.file_meta.TransferSyntaxUID) in JPEG_LOSSLESS
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    codec = imagecodecs.ljpeg_decode if is_lossless and dataset.SamplesPerPixel == 1 else imagecodecs.jpeg_decode
    frames = [
        np.asarray(codec(frame)).reshape(dataset.Rows, dataset.Columns, -1)
        for frame in generate_frames(dataset.PixelData, number_of_frames=n_frames)
    ]
    if len(frames) != n_frames:
        raise ReadError(path, f"holds {len(frames)} of {n_frames} frames")
    samples = np.stack(frames)
    if dataset.get("PixelRepresentation") == 1:
        samples = _signed(samples, int(dataset.BitsStored))
    return np.asarray(samples[..., 0] if samples.shape[-1] == 1 else samples).squeeze(axis=0 if n_frames == 1 else ())


def _signed(samples: NDArray[Any], bits_stored: int) -> NDArray[Any]:
    """Read the stored bits as two's complement."""
    width = 8 * samples.dtype.itemsize
    unused = width - bits_stored
    return np.asarray((samples << unused).view(f"i{samples.dtype.itemsize}") >> unused)


def _complete(dataset: Any) -> None:
    """Add the transfer syntax to a bare data set, as it was found when parsing."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if getattr(dataset, "file_meta", None) is None:
        dataset.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in dataset.file_meta:
        is_implicit, is_little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit
