"""Read a packed CT series, and a large packed X-ray for a small network: ours, SimpleITK and pydicom.

python benchmarks/read_packed.py [--rounds 5] [--slices 60] [--only j2k|jpegls|rle|xray]

The series are made up in a temporary folder (512 x 512, 12 of 16 bits, noise on a smooth body).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from scipy.ndimage import gaussian_filter
from side_by_side import compare, show

from napari_medclf.io.dicom.pixels.reduced import read_reduced
from napari_medclf.io.read import read, read_image

Pack = Callable[[np.ndarray], Any]


def _run_lengths(slice_: np.ndarray) -> bytes:
    from pydicom.pixels.encoders.base import RLELosslessEncoder

    return bytes(
        RLELosslessEncoder.encode(
            slice_,
            rows=512,
            columns=512,
            samples_per_pixel=1,
            bits_allocated=16,
            bits_stored=12,
            pixel_representation=0,
            photometric_interpretation="MONOCHROME2",
            number_of_frames=1,
        )
    )


PACKINGS: dict[str, tuple[str, Pack]] = {
    "j2k": (
        "1.2.840.10008.1.2.4.90",
        lambda one: imagecodecs.jpeg2k_encode(one, level=0, reversible=True, codecformat="j2k", bitspersample=12),
    ),
    "jpegls": ("1.2.840.10008.1.2.4.80", imagecodecs.jpegls_encode),
    "rle": ("1.2.840.10008.1.2.5", _run_lengths),
}
NAMES = {"j2k": "JPEG 2000", "jpegls": "JPEG-LS", "rle": "RLE"}


def main() -> None:
    """Print one table a packing, and one for the X-ray."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slices", type=int, default=60)
    parser.add_argument("--only", choices=[*PACKINGS, "xray"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in PACKINGS:
            if options.only in (None, name):
                compare_series(name, Path(temporary) / name, options.slices, options.rounds)
        if options.only in (None, "xray"):
            compare_xray(Path(temporary) / "xray.dcm", options.rounds)


def compare_series(name: str, folder: Path, n_slices: int, rounds: int) -> None:
    """Time reading a folder of packed slices into an array in Hounsfield units."""
    import SimpleITK

    write_packed_series(folder, n_slices, *PACKINGS[name])

    def ours() -> np.ndarray:
        report = read([folder])
        assert len(report.images) == 1, report.refusals
        return report.images[0].data

    def simpleitk() -> np.ndarray:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
        return np.asarray(SimpleITK.GetArrayFromImage(reader.Execute()))

    assert np.array_equal(ours(), simpleitk())
    show(f"{NAMES[name]} series, {n_slices} files", compare({"napari-medclf": ours, "SimpleITK": simpleitk}, rounds))


def compare_xray(path: Path, rounds: int) -> None:
    """Time getting at least 224 pixels a side out of a JPEG 2000 X-ray of 2560 x 2048."""
    from pydicom import dcmread

    noise = np.random.default_rng(0).normal(size=(2560, 2048))
    body = gaussian_filter(noise, 60)
    gray = (body - body.min()) / (body.max() - body.min()) * 3600 + 200 + noise * 8
    write_slice(path, np.clip(gray, 0, 4095).astype(np.uint16), 0, *PACKINGS["j2k"], modality="DX")
    ways: dict[str, Callable[[], Any]] = {
        "napari-medclf, reduced": lambda: read_reduced(path, at_least_px=224).data,
        "napari-medclf, full": lambda: read_image(path).data,
        "pydicom, full": lambda: dcmread(path).pixel_array,
    }
    assert min(ways["napari-medclf, reduced"]().shape[1:]) >= 224
    show("X-ray 2560 x 2048 in JPEG 2000, for a network of 224 pixels", compare(ways, rounds))


def write_packed_series(folder: Path, n_slices: int, syntax: str, pack: Pack) -> None:
    """Make a CT series of one smooth body and noise of its own a slice."""
    folder.mkdir()
    random = np.random.default_rng(0)
    body = gaussian_filter(random.normal(size=(512, 512)), 20)
    body = 1000 + 800 * (body - body.min()) / np.ptp(body)
    for number in range(n_slices):
        gray = np.clip(body + random.normal(size=body.shape) * 15, 0, 4095).astype(np.uint16)
        write_slice(folder / f"{number * 37 % n_slices:04d}.dcm", gray, number, syntax, pack)


def write_slice(path: Path, gray: np.ndarray, number: int, syntax: str, pack: Pack, modality: str = "CT") -> None:
    """Write one packed slice with the least of a header that places it."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, CTImageStorage

    slice_ = Dataset()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = UID(syntax)
    slice_.file_meta.MediaStorageSOPClassUID = slice_.SOPClassUID = CTImageStorage
    slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID = UID(
        f"1.2.826.0.1.3680043.8.498.7.{number + 1}"
    )
    slice_.SeriesInstanceUID, slice_.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.5", "1.2.826.0.1.3680043.8.498.6"
    slice_.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.4"
    slice_.Modality, slice_.InstanceNumber, slice_.PatientID = modality, number + 1, "phantom"
    slice_.ImagePositionPatient = [-180.0, -180.0, 2.5 * number]
    slice_.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    slice_.PixelSpacing, slice_.SliceThickness = [0.7, 0.7], 2.5
    slice_.RescaleSlope, slice_.RescaleIntercept = 1, -1024
    (slice_.Rows, slice_.Columns), slice_.SamplesPerPixel = gray.shape, 1
    slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 12, 11, 0
    slice_.PhotometricInterpretation = "MONOCHROME2"
    slice_.PixelData = encapsulate([pack(gray)])
    slice_["PixelData"].VR = "OB"
    slice_.save_as(path, enforce_file_format=True)


if __name__ == "__main__":
    main()
