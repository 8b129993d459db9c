"""The one command for a fresh machine: what it decides, without installing anything."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def dev(monkeypatch):
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "venv_python", lambda: Path(sys.executable))
    return module


def test_old_python_can_parse_it_to_say_what_it_needs():
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 9))


def test_old_python_without_a_newer_one_gets_a_sentence(dev, monkeypatch, capsys):
    monkeypatch.setattr(dev.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(dev, "find_python", lambda: None)
    monkeypatch.setattr(dev, "can_install", lambda: False)
    assert dev.main(["demo"]) == 2
    assert "needs 3.11 or newer" in capsys.readouterr().err


def test_missing_libraries_are_named_in_one_line_to_run(dev, monkeypatch, capsys):
    monkeypatch.setattr(dev, "missing_system_packages", lambda: ["xvfb", "libegl1"])
    monkeypatch.setattr(dev, "can_install", lambda: False)
    monkeypatch.setattr(dev, "IS_LINUX", True)
    monkeypatch.setattr(dev.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert dev.main(["setup"]) == 2
    assert "sudo apt-get install -y --no-install-recommends xvfb libegl1" in capsys.readouterr().err


def test_libraries_that_are_not_there_are_noticed(dev, monkeypatch):
    monkeypatch.setattr(dev, "IS_LINUX", True)
    monkeypatch.setattr(dev, "LIBRARIES", {"libc6": "libc.so.6", "libmissing1": "libmissing.so.1"})
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    missing = dev.missing_system_packages()
    assert "libmissing1" in missing
    assert "xvfb" in missing
    if sys.platform.startswith("linux"):
        assert "libc6" not in missing


def test_pip_configuration_reaches_uv(dev, monkeypatch, tmp_path):
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[global]\nfind-links = {tmp_path} {tmp_path / 'not-there'}\nindex-url = https://mirror.example/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    settings = dev.uv_settings()
    assert settings["UV_FIND_LINKS"] == str(tmp_path)
    assert settings["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    monkeypatch.setenv("UV_FIND_LINKS", "/chosen")
    assert "UV_FIND_LINKS" not in dev.uv_settings()


def test_nvidia_machine_takes_the_registry_torch(dev, monkeypatch):
    monkeypatch.setattr(dev, "IS_LINUX", True)
    monkeypatch.setattr(dev.shutil, "which", lambda name: "/usr/bin/nvidia-smi" if name == "nvidia-smi" else None)
    assert dev.takes_registry_torch()


def test_failing_check_is_reported_and_the_others_still_run(dev, capsys):
    checks = [
        ("first", [sys.executable, "-c", "print('why it failed'); raise SystemExit(3)"]),
        ("second", [sys.executable, "-c", ""]),
    ]
    assert dev.run_checks(checks) == ["first"]
    said = capsys.readouterr().out
    assert "why it failed" in said
    assert "second: ok" in said


def test_last_line_of_the_tests_is_kept(dev, capfd):
    code, last = dev.stream([sys.executable, "-c", "print('a'); print('2 passed in 1s'); print(); exit(1)"], {})
    assert (code, last) == (1, "2 passed in 1s")


def test_window_tests_run_once_more_only_after_a_signal(dev, tmp_path):
    for how, code, n_runs in (("os.kill(os.getpid(), 9)", -9, 2), ("sys.exit(1)", 1, 1), ("sys.exit(0)", 0, 1)):
        runs = tmp_path / "runs"
        runs.write_text("")
        program = f"import os, sys; open({str(runs)!r}, 'a').write('x'); {how}"
        assert dev.run_gui_tests([sys.executable, "-c", program], dict(os.environ))[0] == code
        assert len(runs.read_text()) == n_runs


def test_parts_of_the_window_tests_are_about_equal_and_leave_none_out():
    spec = importlib.util.spec_from_file_location("conftest_of_all", ROOT / "tests" / "conftest.py")
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    sizes = {"a": 9, "b": 4, "c": 3, "d": 3, "not in the window": 50}
    items = [
        SimpleNamespace(path=path, number=number, get_closest_marker=lambda name, path=path: path[1:] == "" or None)
        for path, n_tests in sizes.items()
        for number in range(n_tests)
    ]
    parts = [conftest._part(items, number, 2) for number in range(2)]
    assert sorted(map(len, parts)) == [9, 10]
    assert {one.path for one in parts[0]}.isdisjoint(one.path for one in parts[1])


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not here")
def test_virtual_display_is_there_inside_and_gone_afterwards(dev, monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        dev.subprocess, "Popen", lambda *some, **more: started.append(popen(*some, **more)) or started[-1]
    )
    with dev.display() as environment:
        assert re.fullmatch(r":\d+", environment["DISPLAY"])
        assert started[0].poll() is None
        assert started[0].args[-2:] == ["-nolisten", "tcp"]
    assert started[0].poll() is not None


def test_constraints_pin_what_is_needed_and_name_no_host():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin) for pin in pins)
    pinned = {pin.partition("==")[0] for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = list(project["project"]["dependencies"])
    for group in [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]:
        needed += [one for one in group if isinstance(one, str)]
    names = {re.split(r"[\[<>=]", one)[0].lower().replace("_", "-") for one in needed}
    assert names <= pinned


def test_help_tells_the_commands():
    done = subprocess.run([sys.executable, str(ROOT / "dev.py"), "--help"], capture_output=True, text=True, check=True)
    assert "python3 dev.py demo" in done.stdout


@pytest.mark.parametrize("has_services", [True, False])
def test_server_for_the_tests_is_added_only_where_no_service_would_start(dev, monkeypatch, has_services):
    added = []
    monkeypatch.setattr(dev, "IS_LINUX", True)
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(dev.shutil, "which", lambda name: None if name == "Orthanc" else f"/usr/bin/{name}")
    monkeypatch.setattr(dev.Path, "exists", lambda path: has_services)
    monkeypatch.setattr(dev, "apt_install", lambda names: added.append((tuple(names), os.environ.get("RUNLEVEL"))))
    monkeypatch.delenv("RUNLEVEL", raising=False)
    dev.add_test_server()
    assert added == ([] if has_services else [(dev.TEST_SERVER, "1")])
    assert "RUNLEVEL" not in os.environ


def test_server_that_cannot_be_had_does_not_stop_the_tests(dev, monkeypatch, capsys):
    def fail(names):
        raise dev.SetupError("no network")

    monkeypatch.setattr(dev, "IS_LINUX", True)
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(dev.shutil, "which", lambda name: None if name == "Orthanc" else f"/usr/bin/{name}")
    monkeypatch.setattr(dev.Path, "exists", lambda path: False)
    monkeypatch.setattr(dev, "apt_install", fail)
    dev.add_test_server()
    assert "will be skipped: no network" in capsys.readouterr().out
