"""`medclf pacs` asks, fetches and sends, for people and for programs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "web_archive", Path(__file__).parents[1] / "io" / "pacs" / "web_archive.py"
)
archive = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(archive)
STUDY = archive.STUDY


@pytest.fixture
def server():
    with archive.web_archive() as address:
        yield address


@pytest.fixture
def ct(tmp_path):
    return archive.write_ct(tmp_path / "ct")


def test_results_are_sent_listed_and_fetched_to_be_read(medclf, server, ct, tmp_path):
    assert medclf("pacs", "servers", "add", "home", server) == 0
    sent = medclf.json("pacs", "send", "home", ct, "--verify")
    assert medclf.code == 0
    assert [(one["reason"], one["is_listed"], one["is_same"]) for one in sent["objects"]] == [("", True, True)] * 3

    found = medclf.json("pacs", "find", "home", "--level", "series")
    assert [one["study_uid"] for one in found["studies"]] == [STUDY]
    assert [(one["modality"], one["n_instances"]) for one in found["series"]] == [("CT", 3)]

    got = medclf.json("pacs", "get", "home", "--study", STUDY, "--out", tmp_path / "got")
    assert [(one["n_received"], one["is_whole"]) for one in got["series"]] == [(3, True)]
    (image,) = medclf.json("read", got["folder"])["images"]
    assert image["shape"] == [3, 20, 28]
    assert image["spacing_mm"] == [3.5, 0.75, 0.5]


def test_people_read_who_a_patient_is_only_when_they_ask(medclf, server):
    assert medclf("pacs", "find", server) == 0
    assert "SECRET" not in medclf.out + medclf.err
    assert "Thorax" in medclf.out
    assert medclf("pacs", "find", server, "--show-names") == 0
    assert "SECRET^JANE  mrn-0077" in medclf.out


def test_what_was_received_is_told(medclf, server, ct, tmp_path):
    assert medclf("pacs", "send", server, ct) == 0
    assert f"3 of 3 are at {server}" in medclf.out
    assert medclf("pacs", "get", server, "--study", STUDY, "--out", tmp_path / "got") == 0
    assert "CT, 3 objects received" in medclf.out
    assert medclf("pacs", "get", server, "--study", STUDY, "--out", tmp_path / "got") == 0
    assert "0 objects received, 3 were here" in medclf.out


def test_file_that_is_no_object_makes_the_exit_code_1(medclf, server, ct, tmp_path):
    (tmp_path / "notes.dcm").write_text("not for the archive")
    assert medclf("pacs", "send", server, ct, tmp_path / "notes.dcm") == 1
    assert "refused" in medclf.out
    assert medclf("pacs", "send", server, tmp_path / "notes.dcm") == 2


def test_server_answers_to_echo(medclf, server):
    document = medclf.json("pacs", "echo", server)
    assert document["protocol"] == "DICOMweb"
    assert document["elapsed_ms"] > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["echo", "home"], "There is no server 'home'"),
        (["echo", "http://127.0.0.1:9/x"], "no server listens there"),
        (["ecko", "home"], "Did you mean 'echo'"),
        (["get", "home", "--study", "x"], "is no UID"),
        (["servers", "add", "home", "https://a:b@host/x"], "holds a password"),
    ],
)
def test_what_goes_wrong_is_one_sentence(medclf, arguments, sentence):
    assert medclf("pacs", *arguments) == 2
    assert sentence in medclf.err
    assert len(medclf.err.strip().splitlines()) == 1


def test_line_that_others_can_read_is_warned_of(medclf):
    assert medclf("pacs", "servers", "add", "home", "http://pacs.example/dicom-web") == 0
    assert "warning: pacs.example is spoken to without encryption" in medclf.err
    assert medclf.json("pacs", "servers")["servers"] == {"home": "http://pacs.example/dicom-web"}


def test_commands_are_listed_without_one(medclf):
    assert medclf("pacs") == 0
    assert all(name in medclf.out for name in ("echo", "find", "get", "send", "servers"))
