from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest

from napari_medclf.domain.derived import LabelOrigin
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.pixels.overlay import read_overlays
from napari_medclf.io.dicom.read import read_stack, scan_files

ROWS, COLUMNS = 20, 28


def bitmap():
    bits = np.zeros((ROWS, COLUMNS), bool)
    bits[3, 5] = bits[10:12, 20:27] = True
    return bits


def overlaid(folder, phantom, write_series, at=2, **elements):
    """A series with an overlay on slice `at`; elements are given by their number, as in e0050."""

    def edit(dataset, k):
        if k != at:
            return
        packed = np.packbits(bitmap().ravel(), bitorder="little").tobytes()
        block = {"e0010": ("US", ROWS), "e0011": ("US", COLUMNS), "e0040": ("CS", "G"), "e0050": ("SS", [1, 1])}
        block |= {"e0100": ("US", 1), "e0102": ("US", 0), "e3000": ("OW", packed + b"\0" * (len(packed) % 2))}
        for name, value in (block | elements).items():
            if value is not None:
                dataset.add_new((0x6002, int(name[1:], 16)), *value)

    return read(write_series(folder, phantom, edit))


def read(*folders):
    (stack,) = scan_files(path for folder in folders for path in sorted(folder.iterdir())).stacks
    image = read_stack(stack)
    return read_overlays(stack.headers, image), image


def test_overlay_becomes_a_label_on_its_slice(tmp_path, phantom, write_series):
    labels, image = overlaid(tmp_path / "ct", phantom, write_series)
    (segmentation,) = labels.segmentations
    assert labels.origin is LabelOrigin.OVERLAY
    assert labels.is_on_source_grid
    assert segmentation.schema.names == ("overlay 2 (graphics)",)
    assert segmentation.geometry.same_grid(image.geometry)
    assert np.array_equal(segmentation.labels[2], bitmap())
    assert segmentation.labels.sum() == bitmap().sum()


@pytest.mark.parametrize(("top", "left"), [(4, 3), (-2, -4), (17, 25), (25, 3), (-30, 0)])
def test_overlay_that_reaches_outside_is_cut(tmp_path, phantom, write_series, top, left):
    labels, _ = overlaid(tmp_path / "ct", phantom, write_series, e0050=("SS", [top + 1, left + 1]))
    expected = {(j + top, i + left) for j, i in np.argwhere(bitmap())}
    inside = {place for place in expected if 0 <= place[0] < ROWS and 0 <= place[1] < COLUMNS}
    found = (
        set()
        if labels is None
        else {tuple(place[1:]) for place in np.argwhere(labels.segmentations[0].labels).tolist()}
    )
    assert found == inside


def test_overlay_in_unused_bits_is_found_and_leaves_the_samples(tmp_path, phantom, write_series):
    def edit(dataset, k):
        if k == 1:
            stored = np.frombuffer(dataset.PixelData, "<u2") | (bitmap().ravel().astype(np.uint16) << 13)
            dataset.PixelData = stored.astype("<u2").tobytes()
        dataset.add_new((0x6000, 0x0102), "US", 13)
        dataset.add_new((0x6000, 0x0100), "US", 16)

    labels, image = read(write_series(tmp_path / "ct", phantom, edit))
    assert np.array_equal(labels.segmentations[0].labels[1], bitmap())
    assert labels.segmentations[0].labels.sum() == bitmap().sum()
    assert np.array_equal(image.data, phantom.data)


def test_bit_of_the_sample_itself_is_no_overlay(tmp_path, phantom, write_series):
    def edit(dataset, k):
        dataset.add_new((0x6000, 0x0102), "US", 11)
        dataset.add_new((0x6000, 0x0100), "US", 16)

    assert read(write_series(tmp_path / "ct", phantom, edit))[0] is None


def test_truncated_overlay_is_refused(tmp_path, phantom, write_series):
    with pytest.raises(ReadError, match="damaged overlay"):
        overlaid(tmp_path / "ct", phantom, write_series, e3000=("OW", b"\1\2"))
    with pytest.raises(ReadError, match="damaged overlay"):
        overlaid(tmp_path / "mr", phantom, write_series, e0010=("US", 0))


def test_images_without_overlays_give_none(tmp_path, phantom, write_series):
    assert read(write_series(tmp_path / "ct", phantom))[0] is None


def test_real_overlay_equals_pydicoms():
    path = pydicom.data.get_testdata_file("examples_overlay.dcm")
    dataset = pydicom.dcmread(path)
    (stack,) = scan_files([Path(path)]).stacks
    labels = read_overlays(stack.headers, read_stack(stack))
    assert np.array_equal(labels.segmentations[0].labels[0], dataset.overlay_array(0x6000))
    assert labels.segmentations[0].labels.any()
