"""Patterns on places: what they match, and what they leave out."""

import fnmatch
from pathlib import Path

import pytest

from napari_medclf.jobs.batch.patterns import leave_out_by, matches


@pytest.mark.parametrize(
    ("pattern", "place", "does_match"),
    [
        ("*.dcm", "a/b/c.dcm", True),
        ("*.dcm", "a/b/c.png", False),
        ("localizer*", "a/Localizer 1/c.dcm", True),
        ("a/*.dcm", "a/b/c.dcm", False),
        ("a/**/*.dcm", "a/b/x/c.dcm", True),
        ("a/**/*.dcm", "a/c.dcm", True),
        ("a/b", "a/b/c.dcm", True),
        ("a/b/", "a/b/c.dcm", True),
        ("b/c.dcm", "a/b/c.dcm", False),
        ("**/b/*", "a/b/c.dcm", True),
        ("sub-0[1-3]/*", "sub-02/c.dcm", True),
        ("sub-0[!1-3]/*", "sub-02/c.dcm", False),
        ("sub-0[!1-3]/*", "sub-07/c.dcm", True),
        ("c?.dcm", "c1.dcm", True),
        ("c?.dcm", "c/1.dcm", False),
        ("c(1)+.dcm", "c(1)+.dcm", True),
        ("c[1.dcm", "c[1.dcm", True),
    ],
)
def test_a_pattern_matches_a_place_or_a_folder_on_the_way(pattern, place, does_match):
    assert matches(pattern, place) is does_match


@pytest.mark.parametrize("pattern", ["*", "*.png", "?a*", "[ab]*", "[!ab]*", "a[1-3].png", "a.b"])
@pytest.mark.parametrize("name", ["a.png", "b1.png", "ca.dcm", "a2.png", "a.b", "axb", "Ab"])
def test_names_are_matched_as_by_the_standard_library(pattern, name):
    assert matches(pattern, name) is fnmatch.fnmatchcase(name.lower(), pattern.lower())


def test_what_is_excluded_stays_out_whatever_is_included():
    leave_out = leave_out_by(Path("/data"), ("*.dcm",), ("old",))

    assert leave_out(Path("/data/new/1.dcm"), False) == ""
    assert "--exclude 'old'" in leave_out(Path("/data/old"), True)
    assert "--exclude 'old'" in leave_out(Path("/data/old/1.dcm"), False)
    assert "--include ('*.dcm')" in leave_out(Path("/data/new/1.png"), False)
    assert leave_out(Path("/data/new"), True) == ""
