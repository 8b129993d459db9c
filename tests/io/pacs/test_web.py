"""The DICOMweb client against servers that misbehave: nothing is written elsewhere, each failure is one sentence."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress

import pytest
from pydicom import dcmread

from napari_medclf.domain.errors import OptionError, ServerError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.pacs import StudyQuery
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.outgoing import find_outgoing
from napari_medclf.jobs import pacs
from napari_medclf.jobs.drive import drive

JSON = {"Content-Type": "application/dicom+json"}
MULTIPART = {"Content-Type": 'multipart/related; type="application/dicom"; boundary="b-1"'}


def as_json(*items):
    return 200, JSON, json.dumps([{tag: {"vr": "UI", "Value": [value]} for tag, value in one.items()} for one in items])


def packed(answers):
    return {path: (status, headers, body.encode()) for path, (status, headers, body) in answers.items()}


def multipart(contents, end=b"\r\n--b-1--\r\n"):
    parts = [b"\r\n--b-1\r\nContent-Type: application/dicom\r\n\r\n" + content for content in contents]
    return 200, MULTIPART, b"".join(parts) + end


def path_of(row):
    return f"/dicom-web/studies/{row.study_uid}/series/{row.series_uid}"


def fetch(link, inbox):
    arrivals = []
    with suppress(ServerError):
        link.fetch(inbox, inbox.wanted, arrivals.append)
    return arrivals


def test_series_comes_whole(web, link_to, rows, ct, tmp_path):
    url, requests = web({path_of(rows[0]): multipart([path.read_bytes() for path in ct])})
    inbox = Inbox(tmp_path, rows)
    with link_to(url) as link:
        assert [one.reason for one in fetch(link, inbox)] == [""] * len(ct)
    assert inbox.missing() == ()
    assert [inbox.path_of(row.sop_uid).read_bytes() for row in rows] == [path.read_bytes() for path in ct]
    assert "transfer-syntax=*" in requests[0][2]["Accept"]


def test_what_came_before_the_line_broke_is_kept(web, link_to, rows, ct, tmp_path):
    status, headers, body = multipart([path.read_bytes() for path in ct])
    url, _ = web({path_of(rows[0]): (status, headers, body[: len(body) // 2])})
    inbox = Inbox(tmp_path, rows)
    with link_to(url) as link, pytest.raises(ServerError, match="broke off"):
        link.fetch(inbox, rows, lambda arrival: None)
    assert 0 < len(inbox.missing()) < len(rows)
    assert [path.name for path in tmp_path.rglob("*.tmp-*")] == []


@pytest.mark.parametrize("uid", ["1.2.3.4", "../../x", "/tmp/x", ""])
def test_another_object_than_asked_for_is_not_kept(web, link_to, rows, ct, tmp_path, uid):
    dataset = dcmread(ct[0])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    spoiled = tmp_path / "spoiled"
    dataset.save_as(spoiled)
    url, _ = web({path_of(rows[0]): multipart([spoiled.read_bytes()])})
    spoiled.unlink()
    with link_to(url) as link:
        (arrival,) = fetch(link, Inbox(tmp_path / "in", rows))
    assert "not asked for" in arrival.reason
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: content[:-100], "cut short"),
        (lambda content: content[:1000], "cut short"),
        (lambda content: content.replace(b"498.1.0\0", b"498.9.0\0"), "another series"),
    ],
)
def test_spoiled_objects_are_not_kept(web, link_to, rows, ct, tmp_path, spoil, reason):
    whole = ct[0].read_bytes()
    assert spoil(whole) != whole
    url, _ = web({path_of(rows[0]): multipart([spoil(whole)])})
    with link_to(url) as link:
        (arrival,) = fetch(link, Inbox(tmp_path, rows))
    assert reason in arrival.reason
    assert list(tmp_path.iterdir()) == []


def test_uid_that_is_a_path_ends_the_listing(web, link_to):
    url, _ = web(packed({"/dicom-web/studies": as_json({"0020000D": "../../x"})}))
    with link_to(url) as link, pytest.raises(ServerError, match="no UID"):
        link.find_studies(StudyQuery(), 10, with_names=False)


def test_text_of_a_server_cannot_steer_a_terminal(web, link_to):
    url, _ = web(packed({"/dicom-web/studies": as_json({"0020000D": "1.2", "00081030": "\x1b[2Jboo\nend"})}))
    with link_to(url) as link:
        (row,) = link.find_studies(StudyQuery(), 10, with_names=False)
    assert row.description == "[2Jboo end"


def test_pages_are_asked_for_until_nothing_new_comes(web, link_to):
    def answers(path):
        offset = int(path.partition("offset=")[2].partition("&")[0] or 0)
        status, headers, body = as_json(*({"00080018": f"1.2.{n}"} for n in range(offset, min(offset + 2, 5))))
        return status, headers, body.encode()

    with link_to(web(answers)[0]) as link:
        assert [row.sop_uid for row in link.find_instances("1.2", "1.3")] == [f"1.2.{n}" for n in range(5)]


def test_server_without_pages_is_not_asked_for_ever(web, link_to):
    url, requests = web(packed({"/dicom-web/studies/1.2/series/1.3/instances": as_json({"00080018": "1.2.1"})}))
    with link_to(url) as link:
        assert len(link.find_instances("1.2", "1.3")) == 1
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, b"who is SECRET^JANE"), "asks for a password or token"),
        ((403, {}, b""), "does not allow this"),
        ((404, {}, b""), "knows nothing at this address"),
        ((503, {}, b""), "too busy"),
        ((500, {}, b""), "cannot do this now"),
        ((302, {"Location": "http://192.0.2.1/"}, b""), "sends its callers to another address"),
        ((200, JSON, b"<html>SECRET^JANE</html>"), "something else than DICOMweb"),
        ((200, JSON, b'{"a": 1}'), "something else than DICOMweb"),
    ],
)
def test_failures_are_one_sentence_without_the_servers_words(web, link_to, answer, words):
    url, _ = web({"/dicom-web/studies": answer})
    with link_to(url) as link, pytest.raises(ServerError, match=words) as caught:
        link.find_studies(StudyQuery(), 10, with_names=False)
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_empty_answer_is_an_empty_list(web, link_to):
    with link_to(web({"/dicom-web/studies": (204, {}, b"")})[0]) as link:
        assert link.find_studies(StudyQuery(), 10, with_names=False) == []


def test_silent_server_is_given_up(web, link_to):
    url, _ = web(lambda path: time.sleep(2) or (200, JSON, b"[]"))
    with link_to(f"{url}?timeout=0.3") as link, pytest.raises(ServerError, match=r"did not answer within 0\.3 s"):
        link.echo()


def test_job_stops_while_the_server_is_silent(web):
    url, _ = web(lambda path: time.sleep(5) or (200, JSON, b"[]"))
    events = []
    outcome = drive(pacs.echo(pacs.EchoOptions(url)), events.append, lambda: len(events) > 3)
    assert outcome.reason is FinishReason.CANCELED
    assert outcome.elapsed_s < 4


def failed(code):
    return {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [code]}}]}}


@pytest.mark.parametrize(
    ("status", "document", "reason", "note"),
    [
        (200, {"00081198": {"vr": "SQ", "Value": []}}, "", ""),
        (200, {"00081198": {"vr": "SQ"}}, "", ""),
        (200, None, "", ""),
        (200, failed(0x0122), "does not store this kind of object", ""),
        (409, failed(0xA900), "does not match its kind", ""),
        (409, None, "HTTP 409", ""),
        (400, None, "HTTP 400", ""),
        (202, {"00081199": {"Value": [{"00081196": {"Value": [0xB000]}}]}}, "", "0xB000"),
    ],
)
def test_each_object_has_the_servers_answer(web, link_to, ct, status, document, reason, note):
    body = b"" if document is None else json.dumps(document).encode()
    url, requests = web({"/dicom-web/studies": (status, JSON, body)})
    told = []
    with link_to(url) as link:
        link.send(find_outgoing(ct[:1])[0], told.append)
    assert reason in told[0].reason
    assert note in told[0].note
    assert bool(told[0].reason) == bool(reason)
    assert ct[0].read_bytes() in requests[0][3]


def test_token_is_taken_from_the_environment_and_sent(web, link_to, monkeypatch):
    monkeypatch.setenv("PACS_TOKEN", "t0ken")
    url, requests = web(packed({"/dicom-web/studies": as_json()}))
    with link_to(f"{url}?secret=env:PACS_TOKEN") as link:
        link.echo()
    assert requests[0][2]["Authorization"] == "Bearer t0ken"


def test_token_that_is_not_there_is_told(web, link_to, monkeypatch):
    monkeypatch.delenv("PACS_TOKEN", raising=False)
    with (
        pytest.raises(OptionError, match="no password or token in the environment variable PACS_TOKEN"),
        link_to(f"{web({})[0]}?secret=env:PACS_TOKEN"),
    ):
        pass


def test_nothing_of_a_patient_is_logged(web, link_to, caplog, capfd):
    url, _ = web(packed({"/dicom-web/studies": as_json({"0020000D": "1.2", "00100010": "SECRET"})}))
    with caplog.at_level(logging.DEBUG), link_to(url) as link:
        link.find_studies(StudyQuery(patient_name="SECRET*"), 10, with_names=True)
    out, err = capfd.readouterr()
    assert "SECRET" not in caplog.text + out + err
