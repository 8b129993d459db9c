from __future__ import annotations

import threading

import pytest

from napari_medclf.engine.train.ahead import Ahead


def test_items_come_in_their_order():
    with Ahead(iter(range(50))) as items:
        assert list(items) == list(range(50))


def test_work_is_done_on_another_thread_and_not_far_ahead():
    drawn: list[str] = []

    def draw():
        for number in range(100):
            drawn.append(threading.current_thread().name)
            yield number

    with Ahead(draw(), n_ahead=2) as items:
        assert next(items) == 0
        assert next(items) == 1
    assert set(drawn) == {"medclf-batches"}
    assert len(drawn) <= 5


def test_error_is_raised_where_the_item_is_taken():
    def draw():
        yield 1
        raise ValueError("torn")

    with Ahead(draw()) as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="torn"):
            next(items)


def test_thread_ends_with_the_statement():
    with Ahead(iter(range(10**9))) as items:
        next(items)
    assert not any(thread.name == "medclf-batches" for thread in threading.enumerate())
