"""What every test gets: a home of its own, the shared real images where they are, and one worker for the GUI."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent


@pytest.hookimpl(tryfirst=True)  # before -m and --dist look at the marks
def pytest_collection_modifyitems(items):
    """Keep a file's tests together, and all that open a window in one process, under `--dist loadgroup`."""
    for item in items:
        path = Path(item.path).relative_to(TESTS)
        needs_window = path.parts[0] == "ui" or item.get_closest_marker("gui") is not None
        if needs_window:
            item.add_marker(pytest.mark.gui)
        item.add_marker(pytest.mark.xdist_group("window" if needs_window else str(path)))
    part = os.environ.get("MEDCLF_TEST_PART", "")
    if part:
        number, _, n_parts = part.partition("/")
        items[:] = _part(items, int(number) - 1, int(n_parts))


def _part(items, number, n_parts):
    """Give one of several parts of the tests with a window; a file's stay together, and parts have about as many."""
    items = [item for item in items if item.get_closest_marker("gui") is not None]
    sizes = Counter(str(item.path) for item in items)
    filled = [0] * n_parts
    place_of = {}
    for path, n_tests in sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0])):
        place_of[path] = filled.index(min(filled))
        filled[place_of[path]] += n_tests
    return [item for item in items if place_of[str(item.path)] == number]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images beside the repository; tests that need them are skipped where they are absent."""
    folder = TESTS.parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real images, ../shared/data beside the repository, is not here")
    return folder


@pytest.fixture(autouse=True)
def _home_of_its_own(monkeypatch, tmp_path_factory):
    """Keep installed models and settings of the person who runs the tests out of them, and theirs clean."""
    monkeypatch.setenv("MEDCLF_HOME", str(tmp_path_factory.mktemp("medclf-home")))


@pytest.fixture(autouse=True, scope="session")
def _no_network():
    """Fail where something would download: the program needs no network, and the tests have none."""
    connect = socket.socket.connect

    def connect_here_only(self, address):
        is_internet = self.family in (socket.AF_INET, socket.AF_INET6) and address[0] != "localhost"
        if is_internet and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {address[0]}")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here_only)
        yield
