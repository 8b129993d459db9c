import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from napari_medclf.io.dicom.pixels.palette import expand, find_palette


def words(*values):
    return np.array(values, "<u2").tobytes()


def palette(**changes):
    dataset = Dataset()
    for colour, top in (("Red", 100), ("Green", 200), ("Blue", 250)):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [3, 10, 16])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", words(0, 128 * 256, top * 256))
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return find_palette(dataset, is_signed=False, is_little_endian=True)


def test_samples_outside_the_table_take_its_ends():
    found = palette().apply(np.array([[0, 10, 11, 12, 900]]))
    assert found.dtype == np.uint8
    assert found[0].tolist() == [[0, 0, 0], [0, 0, 0], [128, 128, 128], [100, 200, 250], [100, 200, 250]]


def test_eight_bit_colours_in_sixteen_bit_tables_are_not_black():
    data = {f"{colour}PaletteColorLookupTableData": words(0, 128, 255) for colour in ("Red", "Green", "Blue")}
    assert palette(**data).apply(np.array([[12]])).tolist() == [[[255, 255, 255]]]


def test_segments_are_expanded():
    # Discrete 5, 6; a line to 10 in four steps; the two segments once more.
    assert expand([0, 2, 5, 6, 1, 4, 10, 2, 2, 0, 0]) == [5, 6, 7, 8, 9, 10] * 2


def test_segmented_table_equals_pydicoms():
    from pydicom.pixels import apply_color_lut

    dataset = Dataset()
    segments = words(0, 1, 0, 1, 127, 0x7FFF, 1, 128, 0xFFFF)
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"Segmented{colour}PaletteColorLookupTableData", segments)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    samples = np.arange(256, dtype=np.uint8).reshape(8, 32)
    found = find_palette(dataset, is_signed=False, is_little_endian=True).apply(samples)
    expected = np.asarray(apply_color_lut(samples, dataset))[..., :3] >> 8
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert found[-1, -1].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    "bad", [[1, 3, 9], [7, 1, 1], [0, 5, 1], [2, 1, 9, 0], [0, 1, 5, 2, 9999, 0, 0], [0, 1, 5, *[1, 65535, 9] * 3]]
)
def test_damaged_segments_are_refused(bad):
    with pytest.raises(ValueError, match=r"segment|entries"):
        expand(bad)


def test_missing_table_is_refused():
    with pytest.raises(ValueError, match="no lookup table"):
        palette(RedPaletteColorLookupTableData=None)
