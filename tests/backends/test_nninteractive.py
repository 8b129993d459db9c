"""Points and boxes to an nnInteractive server, played by a small one that speaks the protocol of its client 2.6."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from napari_medclf.backends import nninteractive
from napari_medclf.backends.nninteractive import Box, Point, PromptedSession, segment_with_prompts
from napari_medclf.domain.errors import BackendUnavailable, CardError, OptionError, ServerError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import oblique_phantom

_needs_client = pytest.mark.skipif(
    find_spec("nnInteractive") is None, reason="needs `pip install nninteractive-client`"
)


class _Server(ThreadingHTTPServer):
    """Marks a cube of three voxels around each point, and every box."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []
        self.image: np.ndarray | None = None
        self.marked: list[list[list[int]]] = []
        self.wait_s = 0.0
        self.refusal = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(
            {
                "supported_interactions": {"points": True, "bbox2d": True},
                "channel_mapping": {"points": [1, 2]},
                "num_interaction_channels": 7,
                "supports_initial_label": True,
                "supports_zero_shot_label_refinement": True,
                "preferred_scribble_thickness": [2, 2, 2],
                "interaction_decay": 0.9,
                "inference_session_version": "2.6",
                "license": "CC BY-NC-SA 4.0",
                "supports_undo": True,
            }
        )

    def do_POST(self) -> None:
        from nnInteractive.inference.remote.serialization import unpack_array

        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.strip("/")
        if name == "set_image":
            self.server.image = unpack_array(body)
            self.server.asked.append((name, json.loads(self.headers["X-Meta"])))
            self._answer({"original_image_shape": list(self.server.image.shape)})
            return
        given = json.loads(body or b"{}")
        self.server.asked.append((name, given))
        time.sleep(self.server.wait_s if name.startswith("add_") else 0)
        if self.server.refusal and name.startswith("add_"):
            self._answer({"detail": "this model takes no boxes"}, status=self.server.refusal)
        elif name == "claim":
            self._answer({"lease_token": "t", "idle_timeout_seconds": 600.0, "liveness_timeout_seconds": 0.0})
        elif name.startswith("add_") or name == "undo":
            self._mark(name, given)
        else:
            self._answer({})

    def _mark(self, name: str, given: dict[str, Any]) -> None:
        from nnInteractive.inference.remote.serialization import pack_array

        if name == "undo":
            box, value = self.server.marked.pop(), 0
        else:
            point = given.get("coordinates")
            box = [[n - 1, n + 2] for n in point] if point else given["bbox_coords"]
            value = int(given["include_interaction"])
            self.server.marked.append(box)
        is_run = given.get("run_prediction", True)
        shape = [end - start for start, end in box]
        packed = pack_array(np.full(shape, value, dtype=np.uint8)) if is_run else b""
        meta = {"ran_prediction": is_run, "bbox": box if is_run else None}
        self._answer(packed, meta=meta)

    def _answer(self, content: dict[str, Any] | bytes, status: int = 200, meta: dict[str, Any] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if meta is not None:
            self.send_header("X-Meta", json.dumps(meta))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


def _address(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


@_needs_client
def test_object_lies_where_the_point_was(server: _Server) -> None:
    image = oblique_phantom()
    outcome = drive(segment_with_prompts(image, [Point((3, 9, 20))], _address(server)), lambda _: None)
    assert outcome.error is None
    found = outcome.result
    assert np.argwhere(found.labels).min(axis=0).tolist() == [2, 8, 19]
    assert np.argwhere(found.labels).max(axis=0).tolist() == [4, 10, 21]
    assert found.geometry is image.geometry
    np.testing.assert_array_equal(server.image, np.asarray(image.data)[None])
    assert [name for name, _ in server.asked][-1] == "release"


@_needs_client
def test_server_computes_once_after_the_last_prompt(server: _Server) -> None:
    prompts = [Box((2, 3, 4), (3, 8, 9)), Point((5, 6, 7), is_inside=False)]
    drive(segment_with_prompts(oblique_phantom(), prompts, _address(server)), lambda _: None)
    added = [(name, given) for name, given in server.asked if name.startswith("add_")]
    assert added[0][0] == "add_bbox_interaction"
    assert added[0][1]["bbox_coords"] == [[2, 3], [3, 8], [4, 9]]
    assert [given["run_prediction"] for _, given in added] == [False, True]
    assert [given["include_interaction"] for _, given in added] == [True, False]


@_needs_client
def test_last_prompt_can_be_taken_back(server: _Server) -> None:
    with PromptedSession(oblique_phantom(), _address(server)) as session:
        first = drive(session.add(Point((3, 3, 3))), lambda _: None).result
        both = drive(session.add(Point((8, 12, 20))), lambda _: None).result
        back = drive(session.undo(), lambda _: None).result
        assert session.licence == "CC BY-NC-SA 4.0"
    assert np.count_nonzero(first.labels) == 27
    assert np.count_nonzero(both.labels) == 54
    np.testing.assert_array_equal(back.labels, first.labels)
    assert sum(name == "set_image" for name, _ in server.asked) == 1


@_needs_client
def test_a_refusal_is_a_sentence(server: _Server) -> None:
    server.refusal = 400
    outcome = drive(segment_with_prompts(oblique_phantom(), [Point((3, 3, 3))], _address(server)), lambda _: None)
    assert isinstance(outcome.error, ServerError)
    assert "takes no boxes" in str(outcome.error)


@_needs_client
def test_a_server_that_is_not_there_is_a_sentence(server: _Server) -> None:
    address = _address(server)
    server.shutdown()
    server.server_close()
    outcome = drive(segment_with_prompts(oblique_phantom(), [Point((3, 3, 3))], address), lambda _: None)
    assert isinstance(outcome.error, ServerError)
    assert address in str(outcome.error)


@_needs_client
def test_a_stop_does_not_wait_for_the_server(server: _Server) -> None:
    server.wait_s = 4.0
    started: list[float] = []

    def should_stop() -> bool:
        if not started and any(name.startswith("add_") for name, _ in server.asked):
            started.append(time.monotonic())
        return bool(started)

    with PromptedSession(oblique_phantom(), _address(server)) as session:
        outcome = drive(session.add(Point((3, 3, 3))), lambda _: None, should_stop)
        assert outcome.reason is FinishReason.CANCELED
        assert time.monotonic() - started[0] < 2


@_needs_client
@pytest.mark.parametrize("prompt", [Point((99, 0, 0)), Point((0, -1, 0)), Box((0, 0, 0), (1, 0, 5))])
def test_prompt_outside_of_the_image_is_refused(server: _Server, prompt: Point | Box) -> None:
    outcome = drive(segment_with_prompts(oblique_phantom(), [prompt], _address(server)), lambda _: None)
    assert isinstance(outcome.error, OptionError)
    assert server.asked == []


@_needs_client
def test_a_picture_is_refused(server: _Server) -> None:
    picture = MedImage(np.zeros((1, 8, 9), dtype=np.uint8), Geometry.flat(8, 9), "picture")
    with pytest.raises(CardError, match="volumes with one channel"):
        PromptedSession(picture, _address(server))


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
