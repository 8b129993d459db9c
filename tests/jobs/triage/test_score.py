"""Planted failures come first in the list, in cohorts of any size, with a sentence that names what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.domain.triage import DoubtKind
from napari_medclf.engine.triage.training import figures_of
from napari_medclf.jobs.triage.cohort import numbers_of
from napari_medclf.jobs.triage.score import rank_cases


def _case(name: str, seed: int, **changed: float) -> CaseRecord:
    """A usual case: a liver of about 1500 ml in an image that looks like the others."""
    drawn = np.random.default_rng(seed)
    values = {"volume_ml:liver": 1500 * float(np.exp(drawn.normal(0, 0.15)))}
    traits = {f"shape:place_{axis}": 0.5 + float(drawn.normal(0, 0.05)) for axis in "kji"}
    traits |= {f"look:cell_{n}": float(drawn.normal(0.5, 0.1)) for n in range(12)}
    traits |= {"fit:edge": 1.5 + float(drawn.normal(0, 0.2)), "pieces:count": 0.0}
    doubts = {"entropy": 0.2 + float(drawn.normal(0, 0.02))}
    values |= {name: value for name, value in changed.items() if name in values}
    traits |= {name: value for name, value in changed.items() if name in traits}
    doubts |= {name: value for name, value in changed.items() if name in ("entropy", "unfit")}
    return CaseRecord(case_id=name, source=name, status=CaseStatus.DONE, values=values, traits=traits, doubts=doubts)


def _cohort(n: int) -> list[CaseRecord]:
    return [_case(f"usual_{seed}", seed) for seed in range(n)]


PLANTED = {
    DoubtKind.EMPTY: ({"volume_ml:liver": 0.0}, "Nothing was found"),
    DoubtKind.SIZE: ({"volume_ml:liver": 90.0}, "Volume of liver (ml) is 90, usually"),
    DoubtKind.PIECES: ({"pieces:count": float(np.log(7))}, "Number of separate pieces is 7, usually 1."),
    DoubtKind.DISTANCE: (
        {f"look:cell_{n}": 0.0 for n in range(12)},
        "The image looks unlike the others; what the network saw in it is not known.",
    ),
    DoubtKind.ENTROPY: ({"entropy": 0.8}, "The model is unsure (entropy 0.80)."),
    DoubtKind.UNFIT: ({"unfit": 1.0}, "The image is not what the model's card asks for."),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_failure_comes_first_and_its_sentence_says_why(kind: DoubtKind) -> None:
    changes, said = PLANTED[kind]
    rows = rank_cases([*_cohort(20), _case("planted", 99, **changes)])
    assert rows[0].case_id == "planted"
    assert rows[0].rank == 1
    assert max(rows[0].parts, key=rows[0].parts.__getitem__) is kind
    assert said in rows[0].sentence
    assert 0.3 < rows[0].score <= 1
    assert all(0 <= row.score <= rows[0].score for row in rows)


def test_outline_that_follows_no_edges_comes_first_where_the_others_do() -> None:
    rows = rank_cases([*_cohort(20), _case("flipped", 99, **{"fit:edge": 0.0})])
    assert rows[0].case_id == "flipped"
    assert "Agreement of its outline with edges of the image" in rows[0].sentence


def test_outline_is_compared_with_those_in_images_that_look_alike() -> None:
    other = {f"look:cell_{n}": 0.95 for n in range(12)}
    soft = [
        _case(
            f"soft_{seed}",
            seed,
            **{"fit:edge": 0.6 + 0.02 * seed},
            **{name: v + 0.01 * seed for name, v in other.items()},
        )
        for seed in range(8)
    ]
    shifted = _case("shifted", 99, **{"fit:edge": 0.7})
    rows = rank_cases([*_cohort(20), *soft, shifted])
    assert rows[0].case_id == "shifted"
    assert all(row.score < 0.3 for row in rows if row.case_id.startswith("soft"))


def test_usual_cases_have_low_scores_and_say_so() -> None:
    rows = rank_cases(_cohort(30))
    assert np.median([row.score for row in rows]) < 0.2
    assert rows[-1].sentence == "Nothing unusual was found."


def test_cases_without_an_answer_are_not_ranked_and_one_case_alone_is() -> None:
    failed = CaseRecord(case_id="bad", source="bad", status=CaseStatus.FAILED, reason="cannot be read")
    assert rank_cases([failed]) == ()
    (row,) = rank_cases([failed, _case("alone", 1)])
    assert (row.case_id, row.rank) == ("alone", 1)


def test_records_of_earlier_versions_without_traits_are_ranked_by_their_sizes() -> None:
    bare = [one.model_copy(update={"traits": {}, "doubts": {}}) for one in _cohort(12)]
    planted = _case("planted", 99, **{"volume_ml:liver": 20.0}).model_copy(update={"traits": {}, "doubts": {}})
    assert rank_cases([*bare, planted])[0].case_id == "planted"


def test_training_figures_find_a_failure_among_three_cases() -> None:
    figures = figures_of([numbers_of(one) for one in _cohort(40)])
    few = [_case("a", 1), _case("wrong", 2, **{"volume_ml:liver": 60.0}), _case("b", 3)]
    assert {row.score for row in rank_cases(few)} == {0.0}
    assert rank_cases(few, figures)[0].case_id == "wrong"


def test_second_kind_of_images_in_a_cohort_is_not_called_unlike() -> None:
    other = {f"look:cell_{n}": 0.95 for n in range(12)}
    stained = [
        _case(f"stained_{seed}", seed, **{name: value + 0.01 * seed for name, value in other.items()})
        for seed in range(8)
    ]
    strange = _case("strange", 99, **{f"look:cell_{n}": float(n % 2) for n in range(12)})
    rows = rank_cases([*_cohort(20), *stained, strange])
    assert rows[0].case_id == "strange"


def test_class_that_most_cases_lack_is_no_reason() -> None:
    cases = [
        one.model_copy(update={"values": {**one.values, "volume_ml:cyst": 5.0 if n < 3 else 0.0}})
        for n, one in enumerate(_cohort(20))
    ]
    assert all(row.parts.get(DoubtKind.EMPTY, 0.0) < 0.1 for row in rank_cases(cases))
