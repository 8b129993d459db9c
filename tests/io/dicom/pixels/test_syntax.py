from pathlib import Path

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.pixels.syntax import check_syntax, syntax_name
from napari_medclf.io.read import discover

HERE = Path("a.dcm")


def test_video_and_foreign_packings_are_refused_by_name():
    with pytest.raises(ReadError, match="is a video .MPEG2"):
        check_syntax(HERE, "1.2.840.10008.1.2.4.100")
    with pytest.raises(ReadError, match="Hierarchical .*imagecodecs"):
        check_syntax(HERE, "1.2.840.10008.1.2.4.59")


def test_text_of_a_damaged_file_is_not_shown_as_a_name():
    assert syntax_name("SECRET^JANE") == "an unknown transfer syntax"


def test_dry_run_refuses_none_of_the_sixteen_encodings_of_one_slice(shared_data):
    files = sorted((shared_data / "dicom_zoo" / "transfer_syntaxes_ct").iterdir())
    assert [discover(file).refusals for file in files] == [()] * 16


def test_every_readable_packing_has_its_decoder_installed():
    import imagecodecs

    for codec in ("JPEG2K", "JPEGLS", "JPEG8", "JPEGXL", "DICOMRLE"):
        assert getattr(imagecodecs, codec).available
