import numpy as np

from napari_medclf.io.digest import array_digest, with_digest


def test_digest_ignores_how_samples_lie_in_memory():
    samples = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    assert array_digest(samples) == array_digest(np.asfortranarray(samples))
    assert array_digest(samples) == array_digest(samples.astype(">i2"))


def test_digest_tells_apart_dtype_shape_and_samples():
    samples = np.arange(24, dtype=np.int16)
    changed = samples.copy()
    changed[5] += 1
    digests = {array_digest(one) for one in (samples, samples.astype(np.int32), samples.reshape(4, 6), changed)}
    assert len(digests) == 4


def test_image_gets_the_digest_of_its_samples_once(phantom):
    filled = with_digest(phantom)
    assert filled.source.digest == array_digest(phantom.data)
    assert with_digest(filled) is filled
