"""A rule chooses images, and says of every other one which part of it is not met."""

from dataclasses import replace
from pathlib import Path

import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.domain.series_rule import Keep, SeriesRule
from napari_medclf.jobs.batch.choose import check_rule, choose_of_studies, why_not

CT = SeriesEntry(
    FileRef(Path("ct"), "1.2"),
    "CT-2-chest",
    "CT",
    study="s1",
    description="Thorax 1.0 Lung",
    size=(120, 512, 512),
    modality="CT",
    body_part="CHEST",
    slice_mm=1.25,
    series_time="20260101101500",
)
PICTURE = SeriesEntry(FileRef(Path("a.png")), "a", "PNG", study="folder", size=(1, 20, 30))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (SeriesRule(), ""),
        (SeriesRule(modality=("ct", "MR")), ""),
        (SeriesRule(modality=("MR", "PT")), "its modality is 'CT', and MR or PT was asked for (--modality)"),
        (SeriesRule(body_part="chest|thorax"), ""),
        (SeriesRule(body_part="head"), "its body part is 'CHEST', and 'head' was asked for (--body-part)"),
        (SeriesRule(description="lung$"), ""),
        (SeriesRule(description="^lung"), "its description is 'Thorax 1.0 Lung'"),
        (SeriesRule(not_description="localizer|scout"), ""),
        (SeriesRule(not_description="lung"), "is not wanted (--not-description)"),
        (SeriesRule(min_slices=120), ""),
        (SeriesRule(min_slices=121), "has 120 slices, and 121 at least were asked for (--min-slices)"),
        (SeriesRule(max_slice_mm=1.25), ""),
        (SeriesRule(max_slice_mm=1.0), "its slices are 1.25 mm apart, and 1 mm at most was asked for"),
    ],
)
def test_each_part_of_a_rule_is_asked_and_named(rule, reason):
    found = why_not(CT, rule)

    assert reason in found
    assert bool(reason) is bool(found)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (SeriesRule(modality=("CT",)), "is PNG, which tells no modality, and CT was asked for"),
        (SeriesRule(body_part="head"), "tells no body part"),
        (SeriesRule(max_slice_mm=5.0), "does not tell its slice distance"),
        (SeriesRule(min_slices=2), "has one slice"),
        (SeriesRule(not_description="scout"), ""),
    ],
)
def test_what_a_file_cannot_tell_is_not_met(rule, reason):
    assert reason in why_not(PICTURE, rule)
    assert bool(why_not(PICTURE, rule)) is bool(reason)


def test_an_unknown_size_is_not_taken_for_many_slices():
    assert "does not tell its number of slices" in why_not(replace(CT, size=()), SeriesRule(min_slices=1))


def _series(name, **changes):
    return replace(CT, ref=FileRef(Path(name)), name=name, **changes)


@pytest.mark.parametrize(
    ("keep", "best"),
    [(Keep.NEWEST, "new"), (Keep.THINNEST, "thin"), (Keep.MOST_SLICES, "long")],
)
def test_one_of_each_study_is_kept_by_its_merit(keep, best):
    study = [
        _series("old"),
        _series("new", series_time="20260301"),
        _series("thin", slice_mm=0.6),
        _series("long", size=(900, 512, 512)),
        _series("silent", slice_mm=None, series_time="", size=()),
    ]
    other = [_series("alone", study="s2")]

    chosen, left = choose_of_studies([*study, *other, PICTURE], keep)

    assert [str(ref) for ref in chosen] == [best]
    assert "of 5 fitting images of its study" in chosen[FileRef(Path(best))]
    assert {str(ref) for ref in left} == {one.name for one in study} - {best}
    assert all(f"of its study {best} was taken" in reason for reason in left.values())


def test_equal_series_are_told_apart_by_slices_then_by_order():
    first, longer = _series("first"), _series("longer", size=(130, 512, 512))

    assert list(choose_of_studies([first, _series("second")], Keep.NEWEST)[0]) == [first.ref]
    assert list(choose_of_studies([first, longer], Keep.NEWEST)[0]) == [longer.ref]


def test_all_images_of_a_study_are_kept_without_a_wish():
    assert choose_of_studies([_series("a"), _series("b")], Keep.ALL) == ({}, {})


def test_an_expression_that_is_none_is_refused_by_its_option():
    with pytest.raises(OptionError, match=r"--not-description is '\(scout', which is no regular expression"):
        check_rule(SeriesRule(not_description="(scout"))
