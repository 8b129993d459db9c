"""One image is read while another is worked on, and errors stay with their case."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.jobs.runs.case import RunCase
from napari_medclf.jobs.runs.read_ahead import read_ahead


def _case(name: str, load) -> RunCase:
    return RunCase(name, FileRef(Path(name)), load)


def test_images_come_in_order_and_each_is_read_once():
    read: list[int] = []

    def reader(number: int):
        def load():
            read.append(number)
            return number

        return load

    cases = [_case(str(number), reader(number)) for number in range(5)]

    assert [(case.case_id, case.load()) for case in read_ahead(cases)] == [(str(n), n) for n in range(5)]
    assert read == [0, 1, 2, 3, 4]


def test_next_image_is_read_while_this_one_is_worked_on_and_no_further():
    begun = [threading.Event() for _ in range(3)]

    def reader(number: int):
        def load():
            begun[number].set()
            return number

        return load

    ahead = read_ahead([_case(str(number), reader(number)) for number in range(3)])
    next(ahead).load()

    assert begun[1].wait(5)
    assert not begun[2].wait(0.2)


def test_image_that_cannot_be_read_fails_its_own_case_only():
    def bad():
        raise ReadError("bad.dcm", "is cut short")

    ahead = read_ahead([_case("good", lambda: 1), _case("bad", bad), _case("after", lambda: 2)])

    assert next(ahead).load() == 1
    case = next(ahead)
    with pytest.raises(ReadError, match="cut short"):
        case.load()
    assert next(ahead).load() == 2
