"""Programs of others: heard, stopped with all they started, and kept off the network."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from napari_medclf.backends.external.process import ProgramFailed, run_program, without_network
from napari_medclf.domain.events import Progress

_posix = pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> tuple[str, list[Progress]]:
    events = []
    job = run_program(command, folder, "Working", environment)
    while True:
        try:
            events.append(next(job))
        except StopIteration as stop:
            return stop.value, events


def test_what_a_program_says_comes_back(tmp_path: Path) -> None:
    said, _ = _run(_python("import os; print(os.getcwd()); print('done')"), tmp_path)
    assert said.splitlines() == [str(tmp_path.resolve()), "done"]


def test_its_progress_bar_is_ours(tmp_path: Path) -> None:
    code = """
import sys, time
for n in (1, 2):
    sys.stderr.write(f"\\r 40%|### | {n}/5 [0:00<?]\\r")
    sys.stderr.flush()
    time.sleep(0.5)
"""
    _, events = _run(_python(code), tmp_path)
    assert {(one.done, one.total) for one in events} >= {(1, 5), (2, 5)}
    assert events[0].message == "Working"


def test_arguments_are_not_read_by_a_shell(tmp_path: Path) -> None:
    said, _ = _run([*_python("import sys; print(sys.argv[1])"), "$(touch here); `x` | y"], tmp_path)
    assert said == "$(touch here); `x` | y"
    assert not (tmp_path / "here").exists()


def test_a_failure_says_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="ended with error 3: no licence"):
        _run(_python("import sys; print('no licence'); sys.exit(3)"), tmp_path)


def test_a_program_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="cannot be started"):
        _run([str(tmp_path / "nothing")], tmp_path)


def test_much_talk_does_not_stop_it(tmp_path: Path) -> None:
    said, _ = _run(_python("print('x' * 80 + '\\n' * 1, end='') or [print('y' * 80) for _ in range(20000)]"), tmp_path)
    assert len(said.splitlines()) == 200


@_posix
def test_a_stop_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    code = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}])
open("pid", "w").write(str(child.pid))
time.sleep(60)
"""
    job = run_program(_python(code), tmp_path, "Working")
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        next(job)
    started = time.monotonic()
    job.close()
    assert time.monotonic() - started < 2
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_no_web_request_leaves(tmp_path: Path) -> None:
    environment = without_network({"PATH": os.environ["PATH"], "HTTPS_PROXY": "http://proxy:80", "no_proxy": "*"})
    code = "import urllib.request as u; print(u.getproxies()['https'], 'no' in u.getproxies())"
    said, _ = _run(_python(code), tmp_path, environment)
    assert said == "http://127.0.0.1:9 False"
