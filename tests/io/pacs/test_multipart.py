"""Parts are found wherever the network cuts the answer into pieces."""

from __future__ import annotations

import email.generator
import email.mime.application
import email.mime.multipart
import io

import pytest

from napari_medclf.domain.errors import ServerError
from napari_medclf.io.pacs.multipart import read_parts

PARTS = [b"DICM\r\n--b\r\n--bx", b"", b"\x00\r\n" * 50, b"--"]
BODY = b"".join(b"\r\n--b-1\r\nContent-Type: application/dicom\r\n\r\n" + part for part in PARTS) + b"\r\n--b-1--\r\n"


def cut(content, n_bytes):
    return (content[start : start + n_bytes] for start in range(0, len(content), n_bytes))


@pytest.mark.parametrize("n_bytes", [1, 2, 3, 7, 64, 10_000])
def test_parts_are_whole_however_they_come(n_bytes):
    assert [b"".join(part) for part in read_parts(cut(BODY, n_bytes), b"b-1")] == PARTS


def test_parts_left_alone_are_passed_over():
    assert len(list(read_parts(cut(BODY, 5), b"b-1"))) == len(PARTS)


def test_message_written_by_another_library_is_read():
    message = email.mime.multipart.MIMEMultipart("related", boundary="b-1")
    for part in (b"one", b"two\r\n"):
        message.attach(email.mime.application.MIMEApplication(part, "dicom", lambda one: None))
    text = io.BytesIO()
    email.generator.BytesGenerator(text, policy=message.policy.clone(linesep="\r\n")).flatten(message)
    assert len(list(read_parts(cut(text.getvalue(), 9), b"b-1"))) == 2


@pytest.mark.parametrize("n_left", [0, 10, 60, len(BODY) - 8])
def test_answer_that_ends_early_is_told(n_left):
    with pytest.raises(ServerError, match="broke off"):
        [b"".join(part) for part in read_parts([BODY[:n_left]], b"b-1")]


def test_header_without_end_is_not_collected_for_ever():
    with pytest.raises(ServerError, match="no proper headers"):
        list(read_parts((b"x" * 2**15 for _ in range(100)), b"b-1"))
