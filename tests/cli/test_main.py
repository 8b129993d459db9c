"""The command line as a whole: exit codes, channels, JSON."""

import io
import json
import logging
import signal
import subprocess
import sys
import threading
import warnings

import pytest

from napari_medclf.cli import main as main_module
from napari_medclf.cli.command import Command
from napari_medclf.cli.main import COMMANDS
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import CaseFailed, Progress
from napari_medclf.jobs.read import ReadOptions

HEAVY = ("torch", "monai", "sklearn", "highdicom", "nibabel", "pydicom", "skimage", "scipy", "numpy", "pydantic")


@pytest.mark.parametrize("arguments", [["--help"], ["read", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from napari_medclf.cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        f"sys.exit(', '.join(set({HEAVY!r}) & set(sys.modules)) or 0)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "medclf" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(medclf, name):
    assert medclf(name, "--help") == 0
    assert f"usage: medclf {name}" in medclf.out
    assert "--json" in medclf.out


def test_without_a_command_the_help_is_shown(medclf):
    assert medclf() == 0
    assert all(name in medclf.out for name in COMMANDS)


def test_unknown_command_names_the_nearest(medclf):
    assert medclf("trian") == 2
    assert "Did you mean 'train'" in medclf.err
    assert medclf.out == ""


@pytest.mark.parametrize("arguments", [["read"], ["read", "x", "--fast"], ["--fast"]])
def test_bad_usage_is_2(medclf, arguments):
    assert medclf(*arguments) == 2
    assert "error:" in medclf.err


@pytest.fixture
def play(monkeypatch):
    """Put a job of the test's own behind `medclf read`."""
    from napari_medclf.cli.commands import read

    def install(job):
        command = Command(
            ReadOptions, lambda options: job(), lambda result: {"n": result}, lambda result: [f"n {result}"]
        )
        monkeypatch.setattr(read, "COMMAND", command)

    return install


def test_result_goes_to_stdout_and_all_else_to_stderr(medclf, play, tmp_path):
    def job():
        yield CaseFailed("a", tmp_path, "is empty.")
        return 3

    play(job)

    assert medclf("read", "x") == 1
    assert (medclf.out, medclf.err) == ("n 3\n", "failed: a: is empty.\n")
    assert medclf.json("read", "x") == {"command": "read", "finish_reason": "completed", "n": 3}


def test_failure_is_one_sentence_and_2(medclf, play):
    def job():
        yield Progress(0, 1)
        raise DatasetError("eyes/: holds no case.")

    play(job)

    assert medclf("read", "x") == 2
    assert (medclf.out, medclf.err) == ("", "medclf read: eyes/: holds no case.\n")
    assert medclf.json("read", "x") == {
        "command": "read", "finish_reason": "failed", "message": "eyes/: holds no case."
    }  # fmt: skip


def test_bugs_show_no_traceback_unless_asked_for(medclf, play):
    def job():
        yield Progress(0, 1)
        raise RuntimeError("boom")

    play(job)

    assert medclf("read", "x") == 2
    assert medclf.err == "medclf read: RuntimeError: boom\n"
    assert medclf("read", "x", "--verbose") == 2
    assert "Traceback" in medclf.err


def test_other_packages_do_not_speak(medclf, play):
    def job():
        yield Progress(0, 1)
        warnings.warn("Invalid value for VR PN: 'SECRET^JANE'", stacklevel=1)
        logging.getLogger("pydicom").warning("SECRET^JANE")
        return 1

    play(job)

    assert medclf("read", "x", "--verbose") == 0
    assert "SECRET" not in medclf.err + medclf.out


def test_not_a_number_is_null(medclf, play):
    def job():
        yield Progress(0, 1)
        return float("nan")

    play(job)

    assert medclf.json("read", "x")["n"] is None


def test_terminals_without_unicode(play, monkeypatch):
    def job():
        yield Progress(0, 1)
        return "größe 😀"

    play(job)
    for flags in ([], ["--json"]):
        narrow = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", errors="strict")
        monkeypatch.setattr(sys, "stdout", narrow)

        assert main_module.main(["read", "x", *flags]) == 0

        written = narrow.buffer.getvalue().decode("ascii")
    assert json.loads(written)["n"] == "größe 😀"


def test_ctrl_c_asks_politely_and_gives_130(medclf, play):
    steps = []

    def job():
        for step in range(5):
            if step == 2:
                signal.raise_signal(signal.SIGINT)
            steps.append(step)
            yield Progress(step, 5)
        return 0

    play(job)
    before = signal.getsignal(signal.SIGINT)

    assert medclf("read", "x") == 130
    assert steps == [0, 1, 2]
    assert "Stopping at the next safe place" in medclf.err
    assert signal.getsignal(signal.SIGINT) is before


def test_second_ctrl_c_stops_at_once(medclf, play):
    def job():
        yield Progress(0, 5)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("still running")

    play(job)

    assert medclf("read", "x") == 130


def test_runs_outside_the_main_thread_too(medclf, play):
    def job():
        yield Progress(0, 1)
        return 1

    play(job)
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main_module.main(["read", "x"])))
    thread.start()
    thread.join()

    assert codes == [0]


def test_reader_of_our_output_may_go_away(play, monkeypatch, capfd):
    class Gone:
        def write(self, text):
            raise BrokenPipeError

    def job():
        yield Progress(0, 1)
        return 1

    play(job)
    monkeypatch.setattr(sys, "stdout", Gone())

    assert main_module.main(["read", "x"]) == 0
    sys.stdout.close()  # the bin that took the rest
    assert capfd.readouterr().err == ""
