from __future__ import annotations

from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope


def test_marks_about_one_slice_agree_and_about_two_do_not():
    def mark(index, **more):
        return Mark(case_id="a", scope=Scope.SLICE, axis=0, index=index, author="x", created="", **more)

    assert mark(3, classes=("lesion",)).about == mark(3, is_unsure=True).about
    assert mark(3).about != mark(4).about
