from __future__ import annotations

import pytest

from napari_medclf.domain.verdict import Judgement, Verdict


@pytest.mark.parametrize(
    ("judgement", "worse_in", "contaminated", "may_be_accepted"),
    [
        (Judgement.BETTER, (), (), True),
        (Judgement.SAME, (), (), True),
        (Judgement.BETTER, ("site=B",), (), False),
        (Judgement.BETTER, (), ("case_3",), False),
        (Judgement.WORSE, (), (), False),
        (Judgement.UNKNOWN, (), (), False),
    ],
)
def test_only_a_clean_verdict_without_losers_needs_no_second_thought(
    judgement, worse_in, contaminated, may_be_accepted
):
    verdict = Verdict(judgement=judgement, sentence="", worse_in=worse_in, contaminated=contaminated)
    assert verdict.may_be_accepted is may_be_accepted
