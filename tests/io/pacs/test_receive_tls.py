"""The C-STORE receiver on encrypted lines: Debian's storescu is the other side."""

from __future__ import annotations

import importlib.util
import socket
import time
from pathlib import Path

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.io.pacs.certificates import Certificates
from napari_medclf.io.pacs.dimse.reception import Ended, Reception, TurnedAway

_spec = importlib.util.spec_from_file_location("senders", Path(__file__).with_name("senders.py"))
senders = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(senders)
storescu = senders.storescu


@pytest.fixture(scope="module")
def ours(make_certificate):
    return make_certificate("medclf")


@pytest.fixture(scope="module")
def theirs(make_certificate):
    return make_certificate("scanner")


def shown(certificate, trusted):
    """Give the options with which storescu shows a certificate, and trusts another."""
    return ["+tls", certificate[1], certificate[0], "+cf", trusted[0]]


def test_study_comes_over_an_encrypted_line(desk, ct, ours):
    with desk(certificates=Certificates(*ours)) as one:
        assert storescu(one.port, ct[0].parent, more=["+tla", "+cf", ours[0]]) == 0
        assert one.told(Ended)[0].is_whole
        assert len(one.objects()) == len(ct)


def test_key_may_stand_in_the_file_of_the_certificate(desk, ct, ours, tmp_path):
    both = tmp_path / "both.pem"
    both.write_text(ours[0].read_text() + ours[1].read_text())
    with desk(certificates=Certificates(both)) as one:
        assert storescu(one.port, ct[0], more=["+tla", "+cf", ours[0]]) == 0


def test_sender_that_does_not_trust_our_certificate_sends_nothing(desk, ct, ours, theirs):
    with desk(certificates=Certificates(*ours)) as one:
        assert storescu(one.port, ct[0], more=["+tla", "+cf", theirs[0]]) != 0
        assert "does not trust our certificate" in one.told(TurnedAway)[0].reason
        assert one.objects() == {}


def test_only_senders_with_a_trusted_certificate_are_let_in(desk, ct, ours, theirs):
    with desk(certificates=Certificates(*ours, trusted=theirs[0])) as one:
        assert storescu(one.port, ct[0], more=["+tla", "+cf", ours[0]]) != 0
        assert "showed no certificate" in one.told(TurnedAway)[0].reason
        assert storescu(one.port, ct[0], more=shown(ours, ours)) != 0
        assert "not among those that may send" in one.told(TurnedAway)[0].reason
        assert one.objects() == {}
        assert storescu(one.port, ct[0], more=shown(theirs, ours)) == 0
        assert len(one.objects()) == 1


def test_open_line_is_turned_away_with_the_reason(desk, ct, ours):
    with desk(certificates=Certificates(*ours)) as one:
        assert storescu(one.port, ct[0]) != 0
        assert "speaks without encryption" in one.told(TurnedAway)[0].reason


def test_caller_that_says_nothing_holds_up_nobody(desk, ct, ours):
    with (
        desk(certificates=Certificates(*ours), idle_s=5.0) as one,
        socket.create_connection(("127.0.0.1", one.port)) as silent,
    ):
        time.sleep(0.2)
        assert storescu(one.port, ct[0], more=["+tla", "+cf", ours[0]]) == 0
        assert "within 5 s" in one.told(TurnedAway)[0].reason
        assert silent.recv(1) == b""


def test_trusted_certificates_are_as_good_as_a_list_of_names(ours, theirs):
    with pytest.raises(OptionError, match="--trusted their certificates"):
        Reception(11112, host="0.0.0.0", certificates=Certificates(*ours))
    assert Reception(11112, host="0.0.0.0", certificates=Certificates(*ours, trusted=theirs[0])).knows_senders


@pytest.mark.parametrize("what", ["absent", "no key", "key of another", "text", "trusted text"])
def test_files_that_are_no_certificates_are_refused_in_a_sentence(what, ours, theirs, tmp_path):
    text = tmp_path / "text.pem"
    text.write_text("hello")
    certificates = {
        "absent": Certificates(tmp_path / "absent.pem"),
        "no key": Certificates(ours[0]),
        "key of another": Certificates(ours[0], theirs[1]),
        "text": Certificates(text),
        "trusted text": Certificates(*ours, trusted=text),
    }[what]
    with pytest.raises(OptionError, match=r"(no certificate with its private key|no certificates that can be read)"):
        certificates.of_server()
