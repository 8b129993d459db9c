import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from napari_medclf.io.dicom.pixels.voi import find_window


def header(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def curve(first, entries):
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, 16])
    item.add_new("LUTData", "US", [int(one) for one in entries])
    return header(VOILUTSequence=[item])


@pytest.mark.parametrize(
    ("function", "limits"),
    [("", (-160, 239)), ("LINEAR", (-160, 239)), ("LINEAR_EXACT", (-160, 240)), ("SIGMOID", (-160, 240))],
)
def test_window_follows_its_function(function, limits):
    found = find_window(header(WindowCenter="40", WindowWidth="400", VOILUTFunction=function))
    assert (found.low, found.high) == limits
    assert ("sigmoid" in found.note) == (function == "SIGMOID")


def test_first_of_several_windows_is_taken():
    found = find_window(header(WindowCenter=["40", "-600"], WindowWidth=["400", "1500"]))
    assert (found.low, found.high) == (-160, 239)


@pytest.mark.parametrize("width", ["0", "1", "-5"])
def test_window_without_width_is_none(width):
    assert find_window(header(WindowCenter="40", WindowWidth=width)) is None
    assert find_window(header()) is None


def test_narrow_window_of_small_numbers_is_kept_where_it_is_exact():
    found = find_window(header(WindowCenter="0.5", WindowWidth="1", VOILUTFunction="LINEAR_EXACT"))
    assert (found.low, found.high) == (0, 1)


def test_curve_becomes_the_window_in_which_it_rises():
    entries = np.concatenate([np.zeros(100), np.linspace(0, 65535, 201), np.full(99, 65535)])
    found = find_window(curve(-50, entries))
    assert found.low == pytest.approx(50, abs=3)
    assert found.high == pytest.approx(250, abs=3)
    assert "curve" in found.note


def test_falling_curve_is_told():
    assert "dark" in find_window(curve(0, np.linspace(65535, 0, 256))).note


def test_flat_or_damaged_curve_is_none():
    assert find_window(curve(0, np.full(16, 7))) is None
    broken = curve(0, np.arange(16))
    broken.VOILUTSequence[0].LUTDescriptor = [4096, 0, 16]
    assert find_window(broken) is None


def test_real_curve_spans_its_table(shared_data):
    found = find_window(pydicom.dcmread(shared_data / "dicom_zoo" / "single_files" / "vlut_04.dcm"))
    assert (found.low, found.high) == (pytest.approx(1, abs=2), pytest.approx(254, abs=3))
