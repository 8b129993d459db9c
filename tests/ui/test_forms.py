from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import check_options, option, option_fields
from napari_medclf.jobs.train import TrainOptions
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm


class Flavour(StrEnum):
    SWEET = "sweet"
    SOUR = "sour"


@dataclass(frozen=True)
class EveryKind:
    """One option of every kind."""

    folder: Path = option(help="where")
    count: int = option(3, help="how many", minimum=1, maximum=9)
    share: float = option(0.25, help="which part", minimum=0.0, maximum=1.0)
    minutes: float | None = option(None, help="time limit", unit="min", minimum=0.1)
    name: str = option("", help="what it is called")
    device: str = option("auto", help="where", choices=("auto", "cpu"))
    flavour: Flavour | None = option(None, help="taste")
    resume: bool = option(False, help="go on")
    names: tuple[str, ...] = option((), help="classes", advanced=True)
    card: Path | None = option(None, help="a file", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)


FILLED = EveryKind(
    folder=Path("studies"),
    count=7,
    share=0.5,
    minutes=2.5,
    name="vessels",
    device="cpu",
    flavour=Flavour.SOUR,
    resume=True,
    names=("liver", "spleen"),
    card=Path("card.json"),
)


def test_defaults_come_back_as_they_are(qtbot) -> None:
    form = OptionsForm(EveryKind)
    qtbot.addWidget(form)
    assert form.read(folder=Path("studies")) == EveryKind(folder=Path("studies"))


def test_every_kind_of_value_survives_the_form(qtbot) -> None:
    form = OptionsForm(EveryKind)
    qtbot.addWidget(form)
    form.show_values(FILLED)
    assert form.read() == FILLED


def test_remembered_values_survive_the_settings_file(qtbot) -> None:
    first, second = OptionsForm(EveryKind), OptionsForm(EveryKind)
    for form in (first, second):
        qtbot.addWidget(form)
    first.show_values(FILLED)
    second.show_values(first.values())
    assert second.read() == FILLED


def test_limits_and_units_are_in_the_widgets(qtbot) -> None:
    form = OptionsForm(EveryKind)
    qtbot.addWidget(form)
    count, minutes = form.field("count"), form.field("minutes")
    assert (count.minimum(), count.maximum()) == (1, 9)
    assert minutes.text() == "automatic"
    minutes.setValue(12)
    assert minutes.text().endswith(" min")


def test_hidden_options_are_decided_by_the_panel(qtbot) -> None:
    form = OptionsForm(EveryKind, FormLook(hidden=("folder", "resume")))
    qtbot.addWidget(form)
    assert "folder" not in form.names
    assert form.read(folder=Path("x"), resume=True).resume


def test_values_out_of_limits_are_refused_by_the_options_themselves(qtbot) -> None:
    form = OptionsForm(EveryKind)
    qtbot.addWidget(form)
    with pytest.raises(OptionError, match="--count is 12"):
        form.read(folder=Path("studies"), count=12)


def test_form_and_command_line_know_the_same_options(qtbot) -> None:
    form = OptionsForm(TrainOptions)
    qtbot.addWidget(form)
    assert set(form.names) == {info.name for info in option_fields(TrainOptions)}
    assert "--epochs" in form.field("epochs").toolTip()


def test_missing_path_is_named_with_what_it_is_for(qtbot) -> None:
    form = OptionsForm(EveryKind)
    qtbot.addWidget(form)
    with pytest.raises(OptionError, match="Folder is missing: where"):
        form.read()
