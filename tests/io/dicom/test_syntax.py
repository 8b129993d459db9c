from pathlib import Path

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.syntax import check_syntax, syntax_name
from napari_medclf.io.read import discover

HERE = Path("a.dcm")


def test_video_and_foreign_packings_are_refused_by_name():
    with pytest.raises(ReadError, match="is a video .MPEG2"):
        check_syntax(HERE, "1.2.840.10008.1.2.4.100")
    with pytest.raises(ReadError, match="Process 6 and 8"):
        check_syntax(HERE, "1.2.840.10008.1.2.4.53")


def test_text_of_a_damaged_file_is_not_shown_as_a_name():
    assert syntax_name("SECRET^JANE") == "an unknown transfer syntax"


def test_dry_run_already_knows_what_cannot_be_decoded(shared_data):
    refused = discover(shared_data / "dicom_zoo" / "transfer_syntaxes_ct").refusals
    assert sum("cannot be decoded" in one.reason for one in refused) == 2


def test_every_readable_packing_has_its_decoder_installed():
    from pydicom.pixels.decoders.base import get_decoder

    from napari_medclf.io.dicom import syntax

    for uid in syntax._BY_PYDICOM:
        assert get_decoder(uid).is_available
    import imagecodecs

    assert imagecodecs.LJPEG.available
    assert imagecodecs.JPEG8.available
