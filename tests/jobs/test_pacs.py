"""Network calls run beside a job: told in order, stopped at any moment, failures raised at the end."""

from __future__ import annotations

import threading

import pytest

from napari_medclf.domain.errors import OptionError, ServerError
from napari_medclf.domain.events import FinishReason, Progress
from napari_medclf.jobs import pacs
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.pacs.follow import ask, follow

WAITING = Progress(0, 0, "waiting")


class Line:
    """A link whose calls last until it is aborted."""

    def __init__(self):
        self.aborted = threading.Event()

    def abort(self):
        self.aborted.set()

    def last(self):
        self.aborted.wait(20)


def numbers(n):
    def work(tell):
        for number in range(n):
            tell(number)

    return work


def test_what_is_told_becomes_events_in_order():
    events = []
    outcome = drive(follow(numbers(3), Line(), lambda number: Progress(number, 3), WAITING), events.append)
    assert outcome.reason is FinishReason.COMPLETED
    assert [event.done for event in events if event is not WAITING] == [0, 1, 2]


def test_failure_comes_after_all_that_was_told():
    def work(tell):
        tell(1)
        raise ServerError("It broke off.")

    events = []
    outcome = drive(follow(work, Line(), lambda number: Progress(number, 3), WAITING), events.append)
    assert outcome.message == "It broke off."
    assert Progress(1, 3) in events


def test_stop_aborts_a_call_that_lasts():
    line, events = Line(), []
    job = follow(lambda tell: line.last(), line, lambda item: WAITING, WAITING)
    outcome = drive(job, events.append, lambda: bool(events))
    assert outcome.reason is FinishReason.CANCELED
    assert line.aborted.is_set()


def test_stop_does_not_wait_for_a_call_that_cannot_be_ended():
    stuck, events = threading.Event(), []
    job = follow(lambda tell: stuck.wait(20), Line(), lambda item: WAITING, WAITING)
    outcome = drive(job, events.append, lambda: bool(events))
    stuck.set()
    assert outcome.reason is FinishReason.CANCELED
    assert outcome.elapsed_s < 10


def test_one_answer_is_given_back():
    assert drive(ask(lambda: 42, Line(), "asking")).result == 42


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (lambda: pacs.GetOptions("home", study="../x"), "is no UID"),
        (lambda: pacs.GetOptions("home", study="1.2", series=("x",)), "is no UID"),
        (lambda: pacs.FindOptions("home", dates="yesterday"), "is no date"),
        (lambda: pacs.FindOptions("home", dates="20240201-20240101"), "end before they begin"),
        (lambda: pacs.FindOptions("home", patient_name="A\\B"), "no backslash"),
        (lambda: pacs.FindOptions("home", study="x"), "is no study UID"),
        (lambda: pacs.FindOptions("home", limit=0), "--limit is 0"),
        (lambda: pacs.ServersOptions("add", "home"), "needs a name and an address"),
    ],
)
def test_wrong_options_are_told(options, sentence):
    with pytest.raises(OptionError, match=sentence):
        options()


def test_unknown_server_is_told_in_one_sentence():
    outcome = drive(pacs.echo(pacs.EchoOptions("home")))
    assert outcome.reason is FinishReason.FAILED
    assert "There is no server 'home'" in outcome.message


@pytest.mark.parametrize(
    ("package", "address"), [("requests", "http://127.0.0.1:9/x"), ("pynetdicom", "dicom://A@127.0.0.1:9")]
)
def test_missing_package_is_told_with_the_command_that_installs_it(monkeypatch, package, address):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    outcome = drive(pacs.echo(pacs.EchoOptions(address)))
    assert 'pip install "napari-medclf[pacs]"' in outcome.message
    assert package in outcome.message


def test_missing_keyring_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    outcome = drive(pacs.echo(pacs.EchoOptions("https://jane@127.0.0.1:9/x?secret=keyring:pacs")))
    assert "pip install keyring" in outcome.message
