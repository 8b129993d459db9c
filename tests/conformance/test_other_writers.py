"""Volumes that other programs wrote lie where those programs say, whatever the orientation and the byte order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_medclf.io.read import read_image
from napari_medclf.testing.coded_check import EXACT_MM

SHAPE = (5, 7, 9)  # (i, j, k)
SPACING = (0.6, 0.75, 2.5)
LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SIGNS = list(itertools.product((1, -1), repeat=3))
ORDERS = list(itertools.permutations(range(3)))


def codes(dtype=np.int16) -> np.ndarray:
    return np.arange(np.prod(SHAPE), dtype=dtype).reshape(SHAPE)


def turned(degrees: float) -> np.ndarray:
    a = np.radians(degrees)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    return about_x @ about_z


def affines(degrees: float = 13.0):
    """All 48 ways to lay out the axes of a grid, turned a little, (i, j, k) to RAS."""
    for order in ORDERS:
        for signs in SIGNS:
            affine = np.eye(4)
            affine[:3, :3] = turned(degrees) @ (np.eye(3)[:, order] * signs) * SPACING
            affine[:3, 3] = (-31.25, 12.375, 104.5)
            yield affine


def worst_mm(path, affine_lps: np.ndarray) -> float:
    """Largest distance of a voxel, known by its code, from where (i, j, k) puts it."""
    image = read_image(path)
    k, j, i = np.indices(image.geometry.shape)
    ours = image.geometry.to_world(np.stack([k, j, i], axis=-1).astype(float))
    index = np.stack(np.unravel_index(np.asarray(image.data).astype(int), SHAPE), axis=-1)
    return float(np.linalg.norm(ours - (index @ affine_lps[:3, :3].T + affine_lps[:3, 3]), axis=-1).max())


@pytest.mark.parametrize("form", ["sform", "qform", "both"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_nifti_of_nibabel_in_all_48_layouts(form, order, tmp_path):
    import nibabel as nib

    path = tmp_path / "a.nii"
    for affine in affines():
        header = nib.Nifti1Header(endianness=order)
        header.set_data_dtype(np.int16)
        image = nib.Nifti1Image(codes(), None, header)
        if form != "qform":
            image.set_sform(affine, code=1)
        if form != "sform":
            image.set_qform(affine, code=1)
        nib.save(image, path)
        assert worst_mm(path, LPS_OF_RAS @ affine) <= EXACT_MM


def test_nifti_2_and_shear_of_nibabel(tmp_path):
    import nibabel as nib

    path = tmp_path / "a.nii.gz"
    for affine in affines():
        sheared = affine.copy()
        sheared[:3, 2] += 0.3 * sheared[:3, 1]
        nib.save(nib.Nifti2Image(codes(), sheared), path)
        assert worst_mm(path, LPS_OF_RAS @ sheared) <= EXACT_MM


@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd", "a.nii", "a.nii.gz"])
@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
def test_files_of_simpleitk_in_all_48_layouts(name, is_packed, tmp_path):
    itk = pytest.importorskip("SimpleITK")
    path = tmp_path / name
    for affine in affines():
        lps = LPS_OF_RAS @ affine
        image = itk.GetImageFromArray(codes().transpose(2, 1, 0))
        image.SetSpacing(SPACING)
        image.SetOrigin(lps[:3, 3].tolist())
        image.SetDirection((lps[:3, :3] / SPACING).ravel().tolist())
        itk.WriteImage(image, str(path), useCompression=is_packed)
        assert worst_mm(path, lps) <= EXACT_MM


def test_analyze_of_nibabel_lies_where_its_origin_says(tmp_path):
    import nibabel as nib

    affine = np.diag([-0.6, 0.75, 2.5, 1.0])
    image = nib.Spm99AnalyzeImage(codes(), affine)
    nib.save(image, tmp_path / "a.img")
    (tmp_path / "a.mat").unlink(missing_ok=True)
    found = read_image(tmp_path / "a.hdr")
    assert found.warnings  # its left and right are a guess, and that is said
    np.testing.assert_allclose(found.geometry.spacing, (2.5, 0.75, 0.6), rtol=1e-6)
    assert sorted(found.data.ravel()) == list(range(315))
