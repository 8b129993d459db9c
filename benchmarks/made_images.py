"""Folders of images for benchmarks: X-rays as DICOM or PNG, volumes, and small pictures; no two files are alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from made_models import HIGHEST, TINY_PX, XRAY_PX
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

FILM_PX = (2560, 2048)
VOLUME_VOX = (64, 192, 192)
_N_FILMS = 4
_N_PICTURES = 16


def write_films(folder: Path, n: int, packing: str) -> Path:
    """Write large X-rays as DICOM, ``raw`` or ``j2k``: a few pictures again and again, under their own identifiers."""
    folder.mkdir()
    random = np.random.default_rng(0)
    pictures = [_xray(random, FILM_PX, 60, 3600, 200, 8) for _ in range(_N_FILMS)]
    packed = [_pack(picture, packing) for picture in pictures]
    for number in range(n):
        which = number % _N_FILMS
        _write_xray(folder / f"{number:04d}.dcm", pictures[which], packed[which], number, packing)
    return folder


def write_xrays(folder: Path, n: int, packing: str) -> Path:
    """Write X-rays of 224 x 224, ``png`` or ``dicom``: a few pictures, moved aside so that no two files are alike."""
    folder.mkdir()
    random = np.random.default_rng(0)
    pictures = [_xray(random, (XRAY_PX, XRAY_PX), 12, 3686, 205, 41) for _ in range(_N_PICTURES)]
    for number in range(n):
        picture = np.roll(pictures[number % _N_PICTURES], number // _N_PICTURES, axis=1)
        if packing == "png":
            Image.fromarray((picture // 16).astype(np.uint8)).save(folder / f"{number:05d}.png")
        else:
            _write_xray(folder / f"{number:05d}.dcm", picture, _pack(picture, "raw"), number, "raw")
    return folder


def write_small_pictures(folder: Path, n: int) -> Path:
    """Write pictures of noise, 32 x 32 as PNG, a thousand a folder."""
    random = np.random.default_rng(0)
    for number in range(n):
        place = folder / f"{number // 1000:03d}"
        place.mkdir(parents=True, exist_ok=True)
        picture = random.integers(0, 255, size=(TINY_PX, TINY_PX), dtype=np.uint8)
        Image.fromarray(picture).save(place / f"{number:06d}.png", compress_level=0)
    return folder


def write_volumes(folder: Path, n: int) -> Path:
    """Write volumes of smooth noise as NIfTI with gzip."""
    import nibabel

    folder.mkdir()
    random = np.random.default_rng(0)
    base = gaussian_filter(random.normal(size=VOLUME_VOX), 3) * 4000
    for number in range(n):
        samples = (np.roll(base, number, axis=1) + random.normal(size=VOLUME_VOX) * 10).astype(np.int16)
        volume = nibabel.Nifti1Image(samples, np.diag([1.0, 1.0, 2.0, 1.0]))  # type: ignore[no-untyped-call]
        nibabel.save(volume, folder / f"{number:03d}.nii.gz")
    return folder


def real_xrays(npz: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the X-rays of a MedMNIST file, all splits, enlarged to 224 x 224; without end, and no two alike.

    From the second time on they are moved aside; a little noise stands for the grain that small pictures have lost.
    """
    with np.load(npz) as arrays:
        pictures = np.concatenate([arrays[f"{split}_images"] for split in ("train", "val", "test")])
    random = np.random.default_rng(0)
    shift_px = 0
    while True:
        for picture in pictures:
            large = Image.fromarray(picture).resize((XRAY_PX, XRAY_PX), Image.Resampling.BICUBIC)
            grain = random.normal(scale=2, size=(XRAY_PX, XRAY_PX))
            yield np.clip(np.roll(np.asarray(large), shift_px, axis=1) + grain, 0, 255).astype(np.uint8)
        shift_px += 3


def _xray(
    random: np.random.Generator, shape: tuple[int, int], blur_px: float, highest: float, lowest: float, noise: float
) -> NDArray[np.uint16]:
    """A smooth body with noise, 12 bits."""
    grain = random.normal(size=shape)
    body = gaussian_filter(grain, blur_px)
    gray = (body - body.min()) / np.ptp(body) * highest + lowest + grain * noise
    picture: NDArray[np.uint16] = np.clip(gray, 0, HIGHEST).astype(np.uint16)
    return picture


def _pack(picture: NDArray[np.uint16], packing: str) -> bytes:
    """Pixel data as raw little-endian samples, or as reversible JPEG 2000."""
    import imagecodecs

    if packing == "raw":
        return picture.astype("<u2").tobytes()
    return bytes(imagecodecs.jpeg2k_encode(picture, level=0, reversible=True, codecformat="j2k", bitspersample=12))


def _write_xray(path: Path, picture: NDArray[np.uint16], packed: bytes, number: int, packing: str) -> None:
    """Write one Digital X-Ray image."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless

    root = "1.2.826.0.1.3680043.8.498.9"
    xray: Any = Dataset()
    xray.file_meta = FileMetaDataset()
    xray.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if packing == "raw" else JPEG2000Lossless
    xray.file_meta.MediaStorageSOPClassUID = xray.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.1")
    xray.file_meta.MediaStorageSOPInstanceUID = xray.SOPInstanceUID = UID(f"{root}.{number + 1}.1")
    xray.StudyInstanceUID, xray.SeriesInstanceUID = UID(f"{root}.{number + 1}.2"), UID(f"{root}.{number + 1}.3")
    xray.Modality, xray.InstanceNumber, xray.PatientID = "DX", 1, f"phantom-{number}"
    xray.ImagerPixelSpacing = [0.14, 0.14]
    (xray.Rows, xray.Columns), xray.SamplesPerPixel = picture.shape, 1
    xray.BitsAllocated, xray.BitsStored, xray.HighBit, xray.PixelRepresentation = 16, 12, 11, 0
    xray.PhotometricInterpretation = "MONOCHROME2"
    xray.PixelData = packed if packing == "raw" else encapsulate([packed])
    xray["PixelData"].VR = "OW" if packing == "raw" else "OB"
    xray.save_as(path, enforce_file_format=True)
