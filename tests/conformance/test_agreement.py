"""Two independent programs put the real series where we put them, with the same voxels."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.io.read import read

APART_MM = 0.01
FEWEST_SLICES = 2
# What lossy encodings change, in HU, as measured with other decoders; all others nothing.
MOST_OFF_HU = {
    "JPEG2000TransferSyntax": 5,
    "JPEGLSLossy": 1,
    "JPEGProcess2_4": 36,
    "JPEGProcess1T": 65,
    "JPEGProcess10_12": 64,
    "JPEGProcess6_8": 64,
}
LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Single files and folders whose series are regular; the others are refused or told apart in test_zoo.
REGULAR = (
    "seg_sr_rt/dcmqi/segmentations/ct-3slice",
    "seg_sr_rt/dcmqi/segmentations/23x38x3/image",
    "seg_sr_rt/dcmqi/segmentations/24x38x3/image",
    "seg_sr_rt/rt_utils_oblique",
    "seg_sr_rt/rt_utils_phantom",
    "series/ct_philips_phantom_S21570/S2010",
    "series/ct_small_torchio_17",
    "series/mr_multiseries_study3/11-T1post-18670",
    "series/mr_multiseries_study3/11_HCropVolume",
    "series/mr_multiseries_study3/36468-FLAIRreg-58706",
    "series/mr_enhanced_siemens_xa10",
)


@pytest.fixture(scope="module")
def zoo(shared_data) -> Path:
    return shared_data / "dicom_zoo"


@pytest.fixture(scope="module", params=REGULAR)
def folder(request, zoo) -> Path:
    return zoo / request.param


def volumes(folder: Path) -> list[MedImage]:
    images = read([folder]).images
    return [
        image
        for image in images
        if image.geometry.shape[0] >= FEWEST_SLICES and image.channel_kind is not ChannelKind.COLOUR
    ]


def apart_mm(image: MedImage, samples: np.ndarray, affine_lps: np.ndarray) -> float:
    """Bring (i, j, k) samples of another program onto our grid by the affines alone.

    Returns the largest distance of two voxels that should be one, infinite where samples differ.
    """
    to_theirs = np.linalg.inv(affine_lps) @ image.geometry.affine
    turn = np.rint(to_theirs[:3, :3])
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(image.geometry.shape) - 1)
    ours = image.geometry.to_world(corners)
    theirs_index = corners @ turn.T + np.rint(to_theirs[:3, 3])
    theirs = theirs_index @ affine_lps[:3, :3].T + affine_lps[:3, 3]
    index = np.indices(image.geometry.shape).reshape(3, -1).T @ turn.T.astype(int) + np.rint(to_theirs[:3, 3])
    index = index.astype(int)
    if index.min() < 0 or (index >= samples.shape).any():
        return np.inf
    found = samples[tuple(index.T)].reshape(image.geometry.shape)
    volume = image.data if image.channel_kind is ChannelKind.NONE else image.data[0]
    is_same = np.allclose(found, volume, rtol=1e-6, atol=1e-6)
    return float(np.linalg.norm(ours - theirs, axis=1).max()) if is_same else np.inf


def test_dcm2niix_agrees(folder, tmp_path):
    import nibabel as nib

    program = shutil.which("dcm2niix") or shutil.which("dcm2niix", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("dcm2niix is not installed")
    images = volumes(folder)
    assert images
    subprocess.run([program, "-b", "n", "-z", "n", "-o", tmp_path, folder], check=True, capture_output=True)
    theirs = [nib.load(path) for path in sorted(tmp_path.glob("*.nii"))]
    for image in images:
        found = [_of_nifti(image, one, time) for one in theirs for time in range(_n_times(one))]
        assert min(found, default=np.inf) <= APART_MM, image.name


def test_simpleitk_agrees(folder):
    itk = pytest.importorskip("SimpleITK")
    compared = 0
    for image in volumes(folder):
        files = image.source.files
        if image.source.frame_numbers or image.channel_kind is not ChannelKind.NONE:
            continue
        names = itk.ImageSeriesReader.GetGDCMSeriesFileNames(str(files[0].parent), image.source.series_uid)
        if len(names) != image.geometry.shape[0]:
            names = [str(path) for path in files]
        theirs = itk.ReadImage(names)
        samples = itk.GetArrayFromImage(theirs).transpose(2, 1, 0)
        assert apart_mm(image, samples, _affine_of_itk(theirs)) <= APART_MM, image.name
        compared += 1
    if not compared:
        pytest.skip("a multi-frame series, which SimpleITK reads without its places")


@pytest.mark.parametrize("fault", ["flip", "shift", "samples"])
def test_a_planted_fault_is_seen(fault):
    from napari_medclf.testing.phantoms import oblique_phantom

    image = oblique_phantom()
    samples, affine = image.data.transpose(2, 1, 0), image.geometry.affine[:, [2, 1, 0, 3]].copy()
    assert apart_mm(image, samples, affine) < 1e-9
    if fault == "flip":
        samples = samples[::-1]
    elif fault == "shift":
        affine[:3, 3] += 0.02
    else:
        samples = samples + 1
    assert apart_mm(image, samples, affine) > APART_MM


def test_lossless_encodings_of_one_slice_give_the_same_hounsfield_units(zoo):
    """The lossy ones stay within what the collection's manifest measured with other decoders."""
    files = [path for path in sorted((zoo / "transfer_syntaxes_ct").iterdir()) if path.is_file()]
    reports = {path.name: read([path]) for path in files}
    assert len(reports) == 16
    refused = [name for name, report in reports.items() if not report.images]
    assert all("Process6_8" in name or "Process10_12" in name for name in refused), refused
    images = {name: report.images[0] for name, report in reports.items() if report.images}
    truth = images["CTImage.dcm"]
    for name, image in images.items():
        allowed = next((most for part, most in MOST_OFF_HU.items() if part in name), 0)
        assert np.abs(image.data.astype(float) - truth.data).max() <= allowed, name
        assert image.geometry.same_grid(truth.geometry), name


def _n_times(file) -> int:
    return file.shape[3] if len(file.shape) > 3 else 1


def _of_nifti(image: MedImage, file, time: int) -> float:
    if sorted(file.shape[:3]) != sorted(image.geometry.shape):
        return np.inf
    samples = np.asanyarray(file.dataobj)
    volume = samples[..., time] if samples.ndim > 3 else samples
    return apart_mm(image, volume, LPS_OF_RAS @ file.affine)


def _affine_of_itk(image) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return affine
