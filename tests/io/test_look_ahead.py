"""Files of a slow disk are looked at several at once; what was found comes in their order all the same."""

from __future__ import annotations

import threading
import time

import pytest

from napari_medclf.io.look_ahead import LookAhead


class _Disk:
    """Answers after a while, and notes who asked."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.threads: set[int] = set()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def look(self, number: int) -> int:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.threads.add(threading.get_ident())
        time.sleep(self.wait_s * (1 + number % 3))
        with self._lock:
            self.at_once -= 1
        if number % 10 == 7:
            raise OSError(f"number {number}")
        return number * number


@pytest.mark.parametrize("wait_s", [0.0, 0.03])
def test_what_was_found_comes_in_order_with_its_errors(wait_s: float) -> None:
    found = list(LookAhead().each(_Disk(wait_s).look, range(50), OSError))
    assert [number for number, _ in found] == list(range(50))
    for number, one in found:
        assert str(one) == (f"number {number}" if number % 10 == 7 else str(number * number))


def test_slow_disk_is_asked_for_many_things_at_once_and_never_for_more() -> None:
    disk, ahead = _Disk(0.03), LookAhead()
    list(ahead.each(disk.look, range(100), OSError))
    assert ahead.is_slow
    assert 8 < disk.most_at_once <= 32
    list(ahead.each(disk.look, range(3), OSError))
    assert disk.most_at_once <= 32


def test_quick_disk_is_asked_on_the_same_thread() -> None:
    disk = _Disk(0.0)
    list(LookAhead().each(disk.look, range(100), OSError))
    assert disk.threads == {threading.get_ident()}


def test_other_errors_are_raised() -> None:
    looks = LookAhead().each(_Disk(0.0).look, range(50), ValueError)
    with pytest.raises(OSError, match="number 7"):
        list(looks)
