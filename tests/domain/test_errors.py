"""Errors are sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.errors import MedclfError, ReadError, unknown_choice


@pytest.mark.parametrize(
    ("reason", "hint", "sentence"),
    [
        ("the file is empty", "", "ct.dcm: the file is empty."),
        ("the file is empty.", "", "ct.dcm: the file is empty."),
        ("the file is empty", "Copy it again.", "ct.dcm: the file is empty. Copy it again."),
    ],
)
def test_read_error_is_a_sentence_with_path_reason_and_hint(reason, hint, sentence):
    error = ReadError(Path("ct.dcm"), reason, hint)
    assert str(error) == sentence
    assert isinstance(error, MedclfError)


def test_unknown_choice_lists_all_and_guesses_only_what_is_near():
    assert "Did you mean 'nuclei'" in unknown_choice("model", "nuclie", ["nuclei", "retina"])
    assert "Did you mean" not in unknown_choice("model", "spleen", ["nuclei", "retina"])
    assert unknown_choice("model", "x", []).endswith("Known: none.")


def test_unknown_choice_stays_readable_however_much_is_known():
    said = unknown_choice("class", "n" * 10_000, [f"name-{n:03}" for n in range(500)])
    assert said.endswith("name-018, name-019 and 480 more.")
    assert len(said) < 400
