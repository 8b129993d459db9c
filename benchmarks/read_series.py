"""Read a CT series from DICOM, and a volume from NIfTI: ours, SimpleITK, nibabel and MONAI.

python benchmarks/read_series.py [--rounds 5] [--slices 300] [--folder A_SERIES_OF_YOURS]

Without --folder a series is made up in a temporary folder (512 x 512, 16 bit, not compressed).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from peak_memory import peak_mib
from side_by_side import compare, show

from napari_medclf.io.read import read
from napari_medclf.testing.phantoms import integer_noise


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or write_series(Path(temporary) / "series", options.slices)
        compare_dicom(folder, options.rounds)
        compare_memory(folder)
        compare_nifti(folder, Path(temporary), options.rounds)


def compare_dicom(folder: Path, rounds: int) -> None:
    """Time reading a folder of slices into an array in Hounsfield units."""
    import SimpleITK
    from monai.transforms import LoadImage

    def ours() -> np.ndarray:
        report = read([folder])
        assert len(report.images) == 1, report.refusals
        return report.images[0].data

    def simpleitk() -> np.ndarray:
        names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(names)
        return np.asarray(SimpleITK.GetArrayFromImage(reader.Execute()))

    load_image = LoadImage(image_only=True, reader="PydicomReader")
    assert np.array_equal(ours(), simpleitk())
    ways = {"napari-medclf": ours, "SimpleITK": simpleitk, "MONAI LoadImage": lambda: load_image(folder)}
    show(f"DICOM series, {len(list(folder.iterdir()))} files", compare(ways, rounds))


def compare_memory(folder: Path) -> None:
    """Tell the peak of each reader as a multiple of the volume."""
    volume_mib = read([folder]).images[0].data.nbytes / 2**20
    ways = {
        "napari-medclf": (
            "import pydicom, napari_medclf.io.dicom.read; from pathlib import Path; from napari_medclf.io import read",
            f"report = read.read([Path({str(folder)!r})])",
        ),
        "SimpleITK": (
            "import SimpleITK as s; r = s.ImageSeriesReader()",
            f"r.SetFileNames(r.GetGDCMSeriesFileNames({str(folder)!r})); a = s.GetArrayFromImage(r.Execute())",
        ),
        "MONAI LoadImage": (
            "import pydicom; from monai.transforms import LoadImage; l = LoadImage('PydicomReader', True)",
            f"a = l({str(folder)!r})",
        ),
    }
    print(f"\nPeak memory above the imports; the volume has {volume_mib:.0f} MiB")
    for name, (setup, work) in ways.items():
        peak = peak_mib(setup, work)
        print(f"  {name:34} {peak:9.0f} MiB {peak / volume_mib:8.2f} x the volume")


def compare_nifti(folder: Path, temporary: Path, rounds: int) -> None:
    """Time reading the same volume from .nii and .nii.gz."""
    import nibabel
    import SimpleITK

    from napari_medclf.io.write import write_image

    image = read([folder]).images[0]
    # Two names: given volume.nii.gz, ITK's reader takes a volume.nii beside it.
    for name in ("plain.nii", "packed.nii.gz"):
        path = temporary / name
        write_image(image, path)
        ways = {
            "napari-medclf": lambda path=path: read([path]).images[0].data,
            "SimpleITK": lambda path=path: SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))),
            "nibabel": lambda path=path: np.array(nibabel.load(path).dataobj),  # type: ignore[attr-defined]  # its base class has none
        }
        # nibabel keeps the file's own axis order, so the samples' sum is compared.
        assert len({int(way().sum(dtype=np.int64)) for way in ways.values()}) == 1
        show(f"NIfTI, {name}, {image.data.nbytes / 2**20:.0f} MB", compare(ways, rounds))


def write_series(folder: Path, n_slices: int) -> Path:
    """Make a CT series of noise, one file a slice, in shuffled file order."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir()
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    pixels = (integer_noise((512, 512), 1000) + 1000).astype(np.uint16)
    for number in range(n_slices):
        slice_ = Dataset()
        slice_.file_meta = FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.SOPClassUID = slice_.file_meta.MediaStorageSOPClassUID = CTImageStorage
        slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        slice_.SeriesInstanceUID, slice_.StudyInstanceUID, slice_.FrameOfReferenceUID = series, study, frame
        slice_.Modality, slice_.InstanceNumber, slice_.PatientID = "CT", number + 1, "phantom"
        slice_.ImagePositionPatient = [-180.0, -180.0, 2.5 * number]
        slice_.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        slice_.PixelSpacing, slice_.SliceThickness = [0.7, 0.7], 2.5
        slice_.RescaleSlope, slice_.RescaleIntercept = 1, -1024
        slice_.Rows, slice_.Columns, slice_.SamplesPerPixel = 512, 512, 1
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 12, 11, 0
        slice_.PhotometricInterpretation = "MONOCHROME2"
        slice_.PixelData = np.roll(pixels, number).tobytes()
        slice_.save_as(folder / f"{number * 37 % n_slices:04d}.dcm", enforce_file_format=True)
    return folder


if __name__ == "__main__":
    main()
