"""OpenVINO is imported so that it tells nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_medclf.engine.runtimes.versions import has_package

PROGRAM = """
import socket, sys, threading, torch
from napari_medclf.engine.runtimes.open_vino import import_openvino
def refuse(*arguments, **more):
    raise SystemExit("a socket was opened")
socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = refuse
openvino = import_openvino()
openvino.Core().available_devices
reporters = [name for name in sys.modules if name.startswith("openvino_telemetry")]
stand_in = sys.modules["openvino.tools.ovc.telemetry_utils"].tm.__name__
threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
print(reporters, stand_in, threads)
"""


@pytest.mark.skipif(not has_package("openvino"), reason="openvino is not installed")
def test_import_makes_no_reporter_opens_no_socket_and_starts_no_thread() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[] openvino.tools.ovc.telemetry_stub []"
