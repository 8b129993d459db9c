"""What ends a run, and what only one case."""

import errno
import os
import shutil

import pytest

from napari_medclf.domain.errors import CardError, OutputsLost, ReadError, WriteError
from napari_medclf.jobs.runs import faults
from napari_medclf.jobs.runs.faults import check_outputs


def _caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EFBIG])
def test_fault_of_the_disk_ends_the_run_however_deep_it_lies(tmp_path, number):
    error = _caused(WriteError("labels.nii.gz"), _caused(ValueError("gzip"), OSError(number, os.strerror(number))))
    with pytest.raises(OutputsLost, match=rf"{os.strerror(number)}.*go on with --resume"):
        check_outputs(tmp_path, error)


@pytest.mark.parametrize(
    "error",
    [
        CardError("It needs three dimensions."),
        WriteError("labels.nii.gz: came back different."),
        OSError("numpy has no number for it"),
        _caused(ReadError("ct.nii.gz", "cannot be read"), OSError(errno.EIO, "Input/output error")),
    ],
)
def test_fault_of_a_case_leaves_the_run_alone(tmp_path, error):
    check_outputs(tmp_path, error)
    assert list(tmp_path.iterdir()) == []


def test_disk_that_a_library_hides_is_found_by_trying(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(faults.os, "fsync", refuse)
    with pytest.raises(OutputsLost, match="Disk quota exceeded"):
        check_outputs(tmp_path, OSError("4096 requested and 17 written"))
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_gone_ends_the_run(tmp_path):
    shutil.rmtree(tmp_path)
    with pytest.raises(OutputsLost, match="is gone"):
        check_outputs(tmp_path, CardError("It needs three dimensions."))
