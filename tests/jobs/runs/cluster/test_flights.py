"""Who is to blame when a worker dies."""

from types import SimpleNamespace

import pytest

from napari_medclf.jobs.runs.cluster.flights import Flight, Flights


@pytest.fixture
def flights():
    def flight(number, begun_by=""):
        return Flight(number, SimpleNamespace(key=f"key-{number}"), frozenset({"a", "b"}), begun_by)

    return Flights(dict(enumerate([flight(0, "a"), flight(1, "b"), flight(2)])))


ALL = {"key-0", "key-1", "key-2"}


def test_only_the_case_that_the_dead_worker_had_begun_is_struck(flights):
    assert [one.number for one in flights.blame("b", ALL)] == [1]
    assert [flights.by_number[number].strikes for number in range(3)] == [0, 1, 0]


def test_case_whose_result_died_with_the_worker_is_not_to_blame(flights):
    assert [one.number for one in flights.blame("b", {"key-2"})] == [2]
    assert [flights.by_number[number].strikes for number in range(3)] == [0, 0, 1]
    assert not flights.blame("b", set())


def test_worker_that_died_unheard_was_busy_with_the_case_it_got_first(flights):
    assert [one.number for one in flights.blame("c", {"key-2", "key-1"})] == [1]


def test_case_is_given_up_at_the_second_death_over_it(flights):
    flights.blame("a", ALL)
    assert not flights.by_number[0].is_deadly

    flights.by_number[0].begun_by = "b"
    flights.by_number[1].begun_by = ""
    flights.blame("b", ALL)

    assert flights.by_number[0].is_deadly
    assert not flights.by_number[1].is_deadly


def test_cases_that_nobody_there_may_do_are_stranded(flights):
    flights.by_number[2].workers = frozenset({"c"})

    assert [one.number for one in flights.stranded({"a", "c"})] == []
    assert [one.number for one in flights.stranded({"c"})] == [0, 1]
