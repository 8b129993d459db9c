"""The sound files that malformed cases are made from are sound: other programs read the reference from them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.testing.dicom_bytes import encode_file
from napari_medclf.testing.malformed import all_malformed, reference_affine, reference_samples
from napari_medclf.testing.malformed_dicom import sound
from napari_medclf.testing.malformed_nifti import sound_nifti
from napari_medclf.testing.malformed_pictures import sound_png, sound_tiff
from napari_medclf.testing.malformed_volumes import sound_meta_image, sound_nrrd


def test_names_are_unique_and_every_case_gives_a_path_inside_its_folder(tmp_path):
    cases = all_malformed()
    assert len({case.name for case in cases}) == len(cases)
    for number, case in enumerate(cases):
        if "GiB" in case.name or "30000" in case.name:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        path = case.build(folder)
        assert folder in (path, *path.parents)


def test_nibabel_reads_the_sound_nifti(tmp_path):
    import nibabel as nib

    (tmp_path / "a.nii").write_bytes(sound_nifti())
    image = nib.load(tmp_path / "a.nii")
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, reference_samples())
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    np.testing.assert_allclose(to_lps[:, [2, 1, 0, 3]], reference_affine(), atol=1e-5)


@pytest.mark.parametrize(("name", "content"), [("a.nrrd", sound_nrrd), ("a.mha", sound_meta_image)])
def test_simpleitk_reads_the_sound_volumes(name, content, tmp_path):
    itk = pytest.importorskip("SimpleITK")
    (tmp_path / name).write_bytes(content())
    image = itk.ReadImage(str(tmp_path / name))
    np.testing.assert_array_equal(itk.GetArrayFromImage(image), reference_samples())
    np.testing.assert_allclose(image.GetOrigin(), reference_affine()[:3, 3])
    np.testing.assert_allclose(image.GetSpacing()[::-1], (2.5, 0.75, 0.6))


@pytest.mark.parametrize(("name", "content"), [("a.png", sound_png), ("a.tif", sound_tiff)])
def test_pillow_reads_the_sound_pictures(name, content, tmp_path):
    from PIL import Image

    (tmp_path / name).write_bytes(content())
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), reference_samples()[0])


def test_pydicom_reads_the_sound_slices(tmp_path):
    import pydicom

    for k in (0, 1):
        (tmp_path / "a").write_bytes(encode_file(sound(k)))
        dataset = pydicom.dcmread(tmp_path / "a")
        np.testing.assert_array_equal(dataset.pixel_array, reference_samples()[k])
        corner = reference_affine() @ (k, 0, 0, 1)
        np.testing.assert_allclose(np.array(dataset.ImagePositionPatient, float), corner[:3])
