"""Points and boxes to an nnInteractive server, played by a small one that speaks the protocol of its client 2.6."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from napari_medclf.backends import nninteractive
from napari_medclf.backends.nninteractive import (
    Box,
    Point,
    PromptedSession,
    Scribble,
    is_on_this_computer,
    segment_with_prompts,
)
from napari_medclf.domain.errors import BackendUnavailable, CardError, OptionError, ServerError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import oblique_phantom
from napari_medclf.testing.prompt_server import PromptServer

_needs_client = pytest.mark.skipif(
    find_spec("nnInteractive") is None, reason="needs `pip install nninteractive-client`"
)


@pytest.fixture
def server() -> Iterator[PromptServer]:
    with PromptServer() as running:
        yield running


@_needs_client
def test_object_lies_where_the_point_was(server: PromptServer) -> None:
    image = oblique_phantom()
    outcome = drive(segment_with_prompts(image, [Point((3, 9, 20))], server.address), lambda _: None)
    assert outcome.error is None
    found = outcome.result
    assert np.argwhere(found.labels).min(axis=0).tolist() == [2, 8, 19]
    assert np.argwhere(found.labels).max(axis=0).tolist() == [4, 10, 21]
    assert found.geometry is image.geometry
    np.testing.assert_array_equal(server.image, np.asarray(image.data)[None])
    assert [name for name, _ in server.asked][-1] == "release"


@_needs_client
def test_server_computes_once_after_the_last_prompt(server: PromptServer) -> None:
    prompts = [Box((2, 3, 4), (3, 8, 9)), Point((5, 6, 7), is_inside=False)]
    drive(segment_with_prompts(oblique_phantom(), prompts, server.address), lambda _: None)
    added = [(name, given) for name, given in server.asked if name.startswith("add_")]
    assert added[0][0] == "add_bbox_interaction"
    assert added[0][1]["bbox_coords"] == [[2, 3], [3, 8], [4, 9]]
    assert [given["run_prediction"] for _, given in added] == [False, True]
    assert [given["include_interaction"] for _, given in added] == [True, False]


@_needs_client
def test_a_line_is_sent_as_the_box_that_it_fills_and_stays_in_its_slice(server: PromptServer) -> None:
    line = Scribble(((4.0, 3.0, 4.0), (4.0, 3.0, 7.0), (4.0, 5.0, 7.0)))
    outcome = drive(segment_with_prompts(oblique_phantom(), [line], server.address), lambda _: None)
    assert outcome.error is None
    given = server.asked[-2][1]
    assert given["interaction_bbox"] == [[4, 5], [3, 7], [4, 9]]
    drawn = np.zeros((1, 4, 5), dtype=np.uint8)
    drawn[0, :2, :4] = drawn[0, :, 3:] = 1  # two voxels wide, as the server likes them
    np.testing.assert_array_equal(given["drawn"], drawn)


@_needs_client
def test_a_proxy_does_not_carry_the_image_off_this_computer(
    server: PromptServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    outcome = drive(segment_with_prompts(oblique_phantom(), [Point((3, 3, 3))], server.address), lambda _: None)
    assert "Add 127.0.0.1 to NO_PROXY. Nothing was sent." in str(outcome.error)
    assert server.asked == []


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("http://127.0.0.1:1527", True),
        ("http://[::1]:1527", True),
        ("http://localhost", True),
        ("http://10.0.0.7:1527", False),
        ("http://127.0.0.1.example.org", False),
    ],
)
def test_only_loopback_addresses_stay_on_this_computer(address: str, stays: bool) -> None:
    assert is_on_this_computer(address) is stays


@_needs_client
def test_last_prompt_can_be_taken_back(server: PromptServer) -> None:
    with PromptedSession(oblique_phantom(), server.address) as session:
        first = drive(session.add(Point((3, 3, 3))), lambda _: None).result
        both = drive(session.add(Point((8, 12, 20))), lambda _: None).result
        back = drive(session.undo(), lambda _: None).result
        assert session.licence == "CC BY-NC-SA 4.0"
    assert np.count_nonzero(first.labels) == 27
    assert np.count_nonzero(both.labels) == 54
    np.testing.assert_array_equal(back.labels, first.labels)
    assert sum(name == "set_image" for name, _ in server.asked) == 1


@_needs_client
def test_a_refusal_is_a_sentence(server: PromptServer) -> None:
    server.refusal = 400
    outcome = drive(segment_with_prompts(oblique_phantom(), [Point((3, 3, 3))], server.address), lambda _: None)
    assert isinstance(outcome.error, ServerError)
    assert "takes no boxes" in str(outcome.error)


@_needs_client
def test_a_server_that_is_not_there_is_a_sentence(server: PromptServer) -> None:
    address = server.address
    server.shutdown()
    server.server_close()
    outcome = drive(segment_with_prompts(oblique_phantom(), [Point((3, 3, 3))], address), lambda _: None)
    assert isinstance(outcome.error, ServerError)
    assert address in str(outcome.error)


@_needs_client
def test_a_stop_does_not_wait_for_the_server(server: PromptServer) -> None:
    server.wait_s = 4.0
    started: list[float] = []

    def should_stop() -> bool:
        if not started and any(name.startswith("add_") for name, _ in server.asked):
            started.append(time.monotonic())
        return bool(started)

    with PromptedSession(oblique_phantom(), server.address) as session:
        outcome = drive(session.add(Point((3, 3, 3))), lambda _: None, should_stop)
        assert outcome.reason is FinishReason.CANCELED
        assert time.monotonic() - started[0] < 2


@_needs_client
@pytest.mark.parametrize(
    "prompt", [Point((99, 0, 0)), Point((0, -1, 0)), Box((0, 0, 0), (1, 0, 5)), Scribble(((0, -9, 0),))]
)
def test_prompt_outside_of_the_image_is_refused(server: PromptServer, prompt: Point | Box | Scribble) -> None:
    outcome = drive(segment_with_prompts(oblique_phantom(), [prompt], server.address), lambda _: None)
    assert isinstance(outcome.error, OptionError)
    assert server.asked == []


@_needs_client
def test_a_picture_is_refused(server: PromptServer) -> None:
    picture = MedImage(np.zeros((1, 8, 9), dtype=np.uint8), Geometry.flat(8, 9), "picture")
    with pytest.raises(CardError, match="volumes with one channel"):
        PromptedSession(picture, server.address)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("MEDCLF_HOME", str(tmp_path))
    monkeypatch.delenv("MEDCLF_NNINTERACTIVE", raising=False)
    monkeypatch.setattr(nninteractive, "find_spec", lambda _: None)
    assert "pip install nninteractive-client" in nninteractive.unavailable_because("http://127.0.0.1:1527")
    monkeypatch.setattr(nninteractive, "find_spec", lambda _: object())
    assert "MEDCLF_NNINTERACTIVE" in nninteractive.unavailable_because()
    with pytest.raises(BackendUnavailable, match="No nnInteractive server"):
        PromptedSession(oblique_phantom())
    assert nninteractive.unavailable_because("http://127.0.0.1:1527") == ""
