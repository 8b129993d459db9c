"""Debian's Orthanc as a server to test against, inside a network of its own that knows only loopback.

That build listens on all interfaces whatever its configuration says, so it and its client are run in a
private network namespace: `run` starts this file again in one, and the scenario's answer comes as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HTTP, DICOM, MOVE = 8042, 4242, 11112
WEB = f"http://127.0.0.1:{HTTP}/dicom-web"
GET_WAY = f"dicom://ORTHANC@127.0.0.1:{DICOM}"
MOVE_WAY = f"{GET_WAY}?move=MEDCLF:{MOVE}"
PROGRAM = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PLUGINS = [Path(folder) / "libOrthancDicomWeb.so" for folder in ("/usr/share/orthanc/plugins", "/usr/lib/orthanc")]
_AS_ROOT = ["-n"] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["-r", "-n"]


def why_not() -> str:
    """Say what is missing to run Orthanc here; empty when it can be run."""
    if PROGRAM is None:
        return "Orthanc is not installed (Debian packages: orthanc orthanc-dicomweb)"
    if not any(plugin.exists() for plugin in PLUGINS):
        return "Orthanc's DICOMweb plugin is not installed (Debian package: orthanc-dicomweb)"
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "unshare and ip are not here to give Orthanc a private network"
    tried = subprocess.run(["unshare", *_AS_ROOT, "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no private network namespace may be made here (unshare -n)"


def run(scenario: str, folder: Path, timeout_s: float = 120) -> dict:
    """Run a function of scenarios.py against a fresh Orthanc; gives what it returned."""
    script = f'ip link set lo up && exec "{sys.executable}" "{__file__}" "{scenario}" "{folder}"'
    command = ["unshare", *_AS_ROOT, "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def orthanc(folder: Path, **settings):
    """Start the server, wait for it, and end it by its own process."""
    config = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(plugin) for plugin in PLUGINS if plugin.exists()],
        "HttpPort": HTTP,
        "DicomPort": DICOM,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomModalities": {"medclf": ["MEDCLF", "127.0.0.1", MOVE]},
        "SaveJobs": False,
        "UnknownSopClassAccepted": True,  # Orthanc 1.10 does not know the label map segmentation of 2023
        **settings,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "orthanc.log").open("wb") as log:
        server = subprocess.Popen([PROGRAM, str(folder / "orthanc.json")], stdout=log, stderr=log)
        try:
            _wait(server, folder)
            yield
        finally:
            server.terminate()
            server.wait(20)


def _wait(server, folder: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError(f"Orthanc ended: {(folder / 'orthanc.log').read_text()[-1500:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/system", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Orthanc did not start within 30 s")


def _load_scenarios():
    spec = importlib.util.spec_from_file_location("scenarios", Path(__file__).with_name("scenarios.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    name, where = sys.argv[1], Path(sys.argv[2])
    with orthanc(where / "orthanc"):
        answer = getattr(_load_scenarios(), name)(where)
    print(json.dumps(answer))
