import numpy as np

from napari_medclf.io.frames import lps_from_ras, ras_from_lps


def test_left_of_the_patient_grows_x_in_lps_and_falls_in_ras(phantom):
    ras = ras_from_lps(phantom.geometry.affine)
    k, j, i = 3, 14, 6
    x, y, z = phantom.geometry.to_world(np.array([k, j, i]))
    assert np.allclose(ras @ [i, j, k, 1], [-x, -y, z, 1])


def test_there_and_back_is_the_same_affine(phantom):
    assert np.allclose(lps_from_ras(ras_from_lps(phantom.geometry.affine)), phantom.geometry.affine, atol=1e-12)
