import zlib

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import layout
from napari_medclf.io.dicom.header import read_header


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
