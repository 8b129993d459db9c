import numpy as np

from napari_medclf.io.window import robust_window


def test_outliers_do_not_set_the_contrast():
    samples = np.linspace(0, 100, 10_000).reshape(1, 100, 100)
    samples[0, 0, 0] = 1_700_000
    low, high = robust_window(samples)
    assert 0 <= low < 2
    assert 98 < high < 101


def test_constant_and_not_finite_images_still_get_two_limits():
    assert robust_window(np.full((1, 4, 4), 7)) == (7.0, 8.0)
    assert robust_window(np.full((1, 4, 4), np.nan)) == (0.0, 1.0)
