import zlib

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import layout
from napari_medclf.io.dicom.header import read_header
from napari_medclf.io.dicom.read import read_stack, scan_files


@pytest.fixture
def file(tmp_path, phantom, write_series):
    return next(write_series(tmp_path / "ct", phantom).glob("*-3"))


def test_native_samples_are_found_in_the_file(file, phantom):
    pixels = read_header(file).pixels
    raw = file.read_bytes()[pixels.offset : pixels.offset + pixels.length]
    assert raw == (phantom.data[3] + 1024).astype("<u2").tobytes()


def test_deflated_bomb_is_stopped_while_it_unpacks(file, monkeypatch):
    limits = []

    def refuse_above_a_megabyte(path, n_bytes):
        limits.append(n_bytes)
        if n_bytes > 2**22:
            raise ReadError(path, "declares too much")

    monkeypatch.setattr(layout, "check_budget", refuse_above_a_megabyte)
    raw = file.read_bytes()
    start = 144 + int.from_bytes(raw[140:144], "little")
    meta = raw[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta[:140] + (len(meta) - 144).to_bytes(4, "little") + meta[144:]
    syntax = meta.index(b"1.2.840.10008.1.2.1.99")
    meta = meta[: syntax - 2] + (22).to_bytes(2, "little") + meta[syntax:]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    file.write_bytes(meta + packer.compress(bytes(2**28)) + packer.flush())
    assert file.stat().st_size < 2**20
    with pytest.raises(ReadError, match="too much"):
        read_header(file)
    assert max(limits) < 2**24


def test_frames_together_larger_than_the_memory_are_no_reason_to_refuse(tmp_path, phantom, write_series, monkeypatch):
    def film(dataset, k):
        dataset.NumberOfFrames, dataset.Modality = 3, "XA"
        dataset.PixelData = dataset.PixelData * 3

    file = next(write_series(tmp_path / "film", phantom, film).iterdir())
    monkeypatch.setattr("napari_medclf.io.preflight._NEVER_ASKED", 0)
    monkeypatch.setattr("napari_medclf.io.dicom.image._ALWAYS_READ", 0)
    for module in ("napari_medclf.io.preflight", "napari_medclf.io.dicom.image"):
        monkeypatch.setattr(f"{module}.available_bytes", lambda: 2 * 20 * 28 * 2)
    (stack,) = scan_files([file]).stacks
    image = read_stack(stack)
    assert image.is_lazy
    assert image.data.shape == (3, 1, 20, 28)


def test_more_packed_frames_than_bytes_are_refused(shared_data, tmp_path):
    import pydicom

    dataset = pydicom.dcmread(shared_data / "dicom_zoo" / "single_files" / "emri_small_jpeg_2k_lossless.dcm")
    dataset.NumberOfFrames = 10_000_000
    dataset.save_as(tmp_path / "film.dcm")
    with pytest.raises(ReadError, match="declares 10000000 frames and has .* too few"):
        read_header(tmp_path / "film.dcm")
