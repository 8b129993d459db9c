import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.labels import read_label_map

LABELS = (np.arange(20 * 28).reshape(20, 28) % 7).astype(np.uint8)


def test_float_labels_that_are_whole_become_integers(tmp_path):
    stored = LABELS.T[:, :, None].astype(np.float32)
    nib.save(nib.Nifti1Image(stored, np.diag([1, 1, 2, 1.0])), tmp_path / "a.nii.gz")
    found = read_label_map(tmp_path / "a.nii.gz")
    assert found.labels.dtype == np.uint8
    assert np.array_equal(found.labels[0], LABELS)
    assert found.geometry.spacing == (2.0, 1.0, 1.0)


def test_probabilities_and_negative_values_are_no_labels(tmp_path):
    for name, value, reason in (("p", 0.25, "not whole"), ("n", -1, "negative"), ("nan", np.nan, "not whole")):
        stored = np.zeros((5, 4, 3), np.float32)
        stored[4, 2, 1] = value
        nib.save(nib.Nifti1Image(stored, np.eye(4)), tmp_path / f"{name}.nii")
        with pytest.raises(ReadError, match=reason):
            read_label_map(tmp_path / f"{name}.nii")


def test_bool_palette_and_rgba_pictures_become_values(tmp_path):
    Image.fromarray(LABELS > 3).save(tmp_path / "bool.png")
    assert np.array_equal(read_label_map(tmp_path / "bool.png").labels[0], LABELS > 3)
    palette = Image.new("P", (28, 20))
    palette.putpalette([n for value in range(7) for n in (value * 30, 9, 255 - value)])
    palette.putdata(LABELS.ravel().tolist())
    palette.save(tmp_path / "palette.png")
    assert np.array_equal(read_label_map(tmp_path / "palette.png").labels[0], LABELS)
    rgba = np.stack([LABELS, LABELS, LABELS, np.full_like(LABELS, 255)], axis=-1)
    Image.fromarray(rgba).save(tmp_path / "rgba.png")
    assert np.array_equal(read_label_map(tmp_path / "rgba.png").labels[0], LABELS)


def test_real_colours_are_refused_as_labels(tmp_path):
    rgb = np.stack([LABELS, LABELS + 1, LABELS], axis=-1)
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    with pytest.raises(ReadError, match="colour picture"):
        read_label_map(tmp_path / "rgb.png")


def test_tiff_stack_and_its_palette_keep_values(tmp_path):
    stack = np.stack([LABELS, LABELS * 2]).astype(np.int32)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    assert np.array_equal(read_label_map(tmp_path / "a.tif").labels, stack)
    colormap = np.zeros((3, 256), np.uint16)
    tifffile.imwrite(tmp_path / "p.tif", LABELS, photometric="palette", colormap=colormap)
    assert np.array_equal(read_label_map(tmp_path / "p.tif").labels[0], LABELS)


def test_npz_member_gives_its_mask(tmp_path):
    masks = np.stack([LABELS, LABELS[::-1]])
    np.savez(tmp_path / "a.npz", train_images=masks, train_masks=masks, train_labels=np.zeros((2, 1)))
    assert np.array_equal(read_label_map(tmp_path / "a.npz", "train/1").labels[0], LABELS[::-1])
    with pytest.raises(ReadError, match="no label image 'val/0'"):
        read_label_map(tmp_path / "a.npz", "val/0")


def test_real_labels_have_the_values_of_their_manifest(shared_data):
    vessels = read_label_map(shared_data / "retina_chase_db1" / "Image_01L_1stHO.png")
    assert set(np.unique(vessels.labels)) == {0, 1}
    for path in sorted((shared_data / "hippocampus_msd" / "labels").iterdir()):
        found = read_label_map(path).labels
        assert found.dtype == np.uint8
        assert set(np.unique(found)) == {0, 1, 2}
    nuclei = read_label_map(sorted((shared_data / "nuclei_dsb2018" / "labels").iterdir())[0])
    assert nuclei.labels.dtype == np.uint16


@pytest.mark.parametrize("bits", [2, 4])
def test_labels_of_few_bits_are_what_is_stored(tmp_path, bits):
    import struct
    import zlib

    labels = np.tile(np.arange(2**bits, dtype=np.uint8), 2).reshape(2, -1)
    per_byte = 8 // bits
    shifts = np.arange(per_byte - 1, -1, -1) * bits
    packed = (labels.reshape(2, -1, per_byte) << shifts).sum(axis=2).astype(np.uint8)
    lines = b"".join(b"\0" + line.tobytes() for line in packed)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", labels.shape[1], 2, bits, 0, 0, 0, 0)), (b"IDAT", zlib.compress(lines)))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (*chunks, (b"IEND", b""))
    )
    (tmp_path / "few.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert np.array_equal(read_label_map(tmp_path / "few.png").labels[0], labels)
