"""Options know their help, unit and limits, and refuse what lies outside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import check_options, option, option_fields


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Options:
    data: Path = option(help="folder of images", positional=True)
    overlap: float = option(0.25, help="of neighbouring windows", minimum=0, maximum=0.9)
    max_minutes: float | None = option(None, help="stop after; no limit if not given", unit="min", minimum=0)
    columns: tuple[str, ...] = option((), help="columns to read", choices=("a", "b"))
    colour: Colour = option(Colour.RED, help="of the line", advanced=True)

    def __post_init__(self):
        check_options(self)


def test_fields_tell_their_type_limits_and_flag():
    fields = {info.name: info for info in option_fields(Options)}
    assert fields["data"].is_required
    assert fields["data"].kind is Path
    assert fields["overlap"].flag == "--overlap"
    assert fields["max_minutes"].flag == "--max-minutes"
    assert fields["max_minutes"].is_optional
    assert fields["columns"].is_many
    assert fields["columns"].kind is str
    assert fields["colour"].is_advanced


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"overlap": 0.95}, r"--overlap is 0.95, but must be between 0 and 0.9\."),
        ({"max_minutes": -1.0}, r"--max-minutes is -1.0 min, but must be at least 0 min\."),
        ({"columns": ("a", "c")}, "no --columns choice 'c'.*Known: a, b"),
    ],
)
def test_value_outside_its_limits_is_told_in_a_sentence(values, sentence):
    with pytest.raises(OptionError, match=sentence):
        Options(data=Path("x"), **values)


def test_limits_are_inclusive_and_none_is_allowed():
    assert Options(data=Path("x"), overlap=0.9, max_minutes=None).overlap == 0.9


def test_type_no_form_can_show_is_refused():
    @dataclass(frozen=True)
    class Wrong:
        table: dict[str, int] = option(help="cannot be typed in")

    with pytest.raises(TypeError, match="an option cannot be"):
        option_fields(Wrong)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_number_that_is_not_finite_is_refused(number):
    from napari_medclf.jobs.ensemble import EnsembleOptions
    from napari_medclf.jobs.predict import RunOptions

    with pytest.raises(OptionError, match=r"--memory-gb is .*, which is no finite number"):
        RunOptions(memory_gb=number)
    with pytest.raises(OptionError, match=r"--weights is .*, which is no finite number"):
        EnsembleOptions("both", ("a", "b"), "weighted", (1.0, number))
