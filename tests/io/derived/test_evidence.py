"""Results quote the headers of the very files their image was read from."""

from dataclasses import replace

import pydicom
import pytest

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import Source
from napari_medclf.io.derived.evidence import read_evidence


@pytest.fixture
def image(phantom, write_series, tmp_path):
    folder = write_series(tmp_path / "ct", phantom)
    files = sorted(folder.iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
    uids = tuple(str(pydicom.dcmread(path).SOPInstanceUID) for path in files)
    return replace(phantom, source=Source(folder, sop_instance_uids=uids, files=tuple(files)))


def test_each_slice_has_its_header_without_samples(image):
    headers = read_evidence(image)
    assert [str(one.SOPInstanceUID) for one in headers] == list(image.source.sop_instance_uids)
    assert not any("PixelData" in one for one in headers)


def test_an_image_from_elsewhere_has_none(phantom):
    with pytest.raises(WriteError, match="not read from DICOM"):
        read_evidence(phantom)


def test_a_file_that_is_gone_is_named(image):
    image.source.files[3].unlink()
    with pytest.raises(WriteError, match=image.source.files[3].name):
        read_evidence(image)


def test_files_that_were_exchanged_are_found_out(image):
    files = list(image.source.files)
    files[0], files[1] = files[1], files[0]
    with pytest.raises(WriteError, match="another instance"):
        read_evidence(replace(image, source=replace(image.source, files=tuple(files))))
