"""What a page tells of all cases of a run is counted while they go by."""

from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.jobs.triage.tally import Tally


def _case(name: str, status: CaseStatus = CaseStatus.DONE, reason: str = "", **values: object) -> CaseRecord:
    return CaseRecord(case_id=name, source=f"in/{name}", status=status, reason=reason, values=values)


def test_failures_come_before_other_reasons_and_the_commonest_first_each_with_its_first_case() -> None:
    cases = [
        _case("a", CaseStatus.FAILED, "is cut short"),
        _case("b", CaseStatus.SKIPPED, "is a table"),
        _case("c", CaseStatus.SKIPPED, "is a table"),
        _case("d", CaseStatus.PENDING),
        _case("e"),
    ]
    tally = Tally.of(iter(cases))
    assert tally.n_cases == 5
    assert [(one.status, one.reason, one.example, one.n_cases) for one in tally.reasons] == [
        ("failed", "is cut short", "a", 1),
        ("skipped", "is a table", "b", 2),
        ("pending", "not run yet", "d", 1),
    ]


def test_a_dozen_columns_are_drawn_and_the_others_counted() -> None:
    named = {f"score:{n}": n / 20 for n in range(15)}
    tally = Tally.of([_case("a", **named, top_class="0", note="-"), _case("b", **named, decided="3")], ["b"])
    assert list(tally.charted) == [f"score:{n}" for n in range(12)]
    assert [list(one) for one in tally.charted.values()] == [[n / 20] * 2 for n in range(12)]
    assert tally.n_uncharted == 3
    assert tally.said == {"b": "3"}
