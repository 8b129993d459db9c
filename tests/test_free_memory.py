"""What may still be taken is the least of what the system, a container and the shell allow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from napari_medclf import free_memory
from napari_medclf.free_memory import available_bytes, available_disk_bytes


def test_something_is_free() -> None:
    assert 2**20 < available_bytes() < 2**50


def test_container_leaves_its_limit_less_what_is_used_and_not_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("50000000\n")
    (tmp_path / "memory.current").write_text("40000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 7000000\n")
    monkeypatch.setattr(free_memory, "_CGROUP", tmp_path)
    assert available_bytes() == 17_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="address spaces are limited by the shell on Linux")
def test_limit_of_the_address_space_counts() -> None:
    program = "from napari_medclf.free_memory import available_bytes; print(available_bytes())"
    command = ["sh", "-c", 'ulimit -v 600000; exec "$@"', "sh", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 600_000 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are not asked")
def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    program = """
import os
from pathlib import Path
from napari_medclf.free_memory import give_back
def taken():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
pieces = [bytes(5_000) for _ in range(10_000)]
last = bytes(5_000)  # the heap cannot shrink below it
pieces.clear()
before = taken()
give_back()
print(before - taken())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 30_000_000


def test_temporary_files_in_memory_are_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory, "_is_in_memory", lambda folder: True)
    assert available_disk_bytes() == 0
    monkeypatch.setattr(free_memory, "_is_in_memory", lambda folder: False)
    assert available_disk_bytes() > 0
