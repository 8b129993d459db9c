"""A small server that speaks nnInteractive's protocol, so that its client can be tried without a GPU or a model."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np


class PromptServer(ThreadingHTTPServer):
    """Marks a cube of three voxels around each point, and every box and line; speaks the protocol of the client 2.6.

    Attributes
    ----------
    asked : list of (str, dict)
        What was asked, in order: the path, and what came with it.
    image : ndarray or None
        What was sent.
    wait_s : float
        Before each answer to a prompt.
    refusal : int
        HTTP status of all answers to prompts; 0 for none.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []
        self.image: np.ndarray | None = None
        self.marked: list[list[list[int]]] = []
        self.wait_s = 0.0
        self.refusal = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def added(self) -> list[tuple[str, bool]]:
        """The prompts that it was told, and whether each lies inside of the object."""
        return [(name, given["include_interaction"]) for name, given in self.asked if name.startswith("add_")]

    def __enter__(self) -> PromptServer:
        """Answer on a thread of its own."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: PromptServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(
            {
                "supported_interactions": {"points": True, "bbox2d": True, "scribble": True},
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
        is_drawn = name == "add_scribble_interaction"
        given = json.loads(self.headers["X-Meta"]) if is_drawn else json.loads(body or b"{}")
        if is_drawn:
            given["drawn"] = unpack_array(body)
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
            around = [[n - 1, n + 2] for n in point or ()]
            box = given.get("bbox_coords") or given.get("interaction_bbox") or around
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
