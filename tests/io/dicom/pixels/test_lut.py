import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from napari_medclf.io.dicom.pixels.lut import find_lut


def item(descriptor, data):
    found = Dataset()
    found.add_new("LUTDescriptor", "SS" if min(descriptor) < 0 else "US", descriptor)
    found.add_new("LUTData", "OW" if isinstance(data, bytes) else "US", data)
    return found


def test_samples_are_looked_up_and_clamped():
    lut = find_lut(item([3, -1, 16], [7, 8, 9]), is_signed=True)
    assert lut.apply(np.array([-5, -1, 0, 1, 5], np.int16)).tolist() == [7, 7, 8, 9, 9]


def test_first_sample_of_a_signed_image_is_signed_though_written_unsigned():
    lut = find_lut(item([2, 65534, 16], [1, 2]), is_signed=True)
    assert lut.first == -2
    assert find_lut(item([2, 65534, 16], [1, 2]), is_signed=False).first == 65534


def test_two_bytes_may_share_a_word():
    data = bytes([1, 2, 3, 4])
    assert find_lut(item([4, 0, 8], data), is_signed=False).entries.tolist() == [1, 2, 3, 4]
    assert find_lut(item([4, 0, 8], data), is_signed=False, is_little_endian=False).entries.tolist() == [2, 1, 4, 3]


def test_zero_entries_mean_65536():
    data = np.arange(2**16, dtype="<u2").tobytes()
    assert len(find_lut(item([0, 0, 16], data), is_signed=False).entries) == 2**16


@pytest.mark.parametrize(("descriptor", "data"), [([4, 0, 16], [1, 2]), ([4, 0], [1, 2, 3, 4])])
def test_damaged_tables_are_refused(descriptor, data):
    with pytest.raises(ValueError, match=r"lookup table|entries"):
        find_lut(item(descriptor, data), is_signed=False)


def test_real_modality_table_equals_pydicoms(shared_data):
    from pydicom.pixels import apply_modality_lut

    dataset = pydicom.dcmread(shared_data / "dicom_zoo" / "single_files" / "mlut_18.dcm")
    lut = find_lut(dataset.ModalityLUTSequence[0], is_signed=dataset.PixelRepresentation == 1)
    samples = dataset.pixel_array
    assert np.array_equal(lut.apply(samples), apply_modality_lut(samples, dataset))
