"""Flags and options agree."""

import argparse
import importlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest

from napari_medclf.cli.flags import add_flags, read_flags
from napari_medclf.cli.main import COMMANDS
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import check_options, option, option_fields


class Colour(Enum):
    """Something to choose."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Options:
    """Every kind of option."""

    paths: tuple[Path, ...] = option(help="paths", positional=True)
    out: Path = option(help="out")
    colour: Colour = option(Colour.RED, help="colour")
    share: float = option(0.25, help="50 % of it", unit="mm", minimum=0.0, maximum=1.0)
    n: int | None = option(None, help="how many")
    names: tuple[str, ...] = option((), help="names", advanced=True)
    extra: tuple[Path, ...] = option((), help="more paths")
    quick: bool = option(False, help="quick")
    keep: bool = option(True, help="keep")

    def __post_init__(self) -> None:
        check_options(self)


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_flags(parser, Options)
    return read_flags(parser.parse_intermixed_args(arguments), Options)


def test_what_is_not_given_keeps_its_default():
    assert parse("a", "--out", "o") == Options(paths=(Path("a"),), out=Path("o"))


def test_every_kind_is_read():
    options = parse(
        "a", "--out", "o", "--colour", "blue", "--share", "0.5", "--n", "3", "--names", "x,y", "--names", "z",
        "--extra", "p,q", "--quick", "--no-keep", "b",
    )  # fmt: skip

    assert options == Options(
        paths=(Path("a"), Path("b")),
        out=Path("o"),
        colour=Colour.BLUE,
        share=0.5,
        n=3,
        names=("x", "y", "z"),
        extra=(Path("p,q"),),
        quick=True,
        keep=False,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--colour", "bleu"), "Did you mean 'blue'"),
        (("--n", "many"), "'many' is not a whole number"),
        (("--share", "x"), "'x' is not a number"),
    ],
)
def test_wrong_words_are_told(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as end:
        parse("a", "--out", "o", *arguments)

    assert end.value.code == 2
    assert sentence in capsys.readouterr().err


def test_limits_are_those_of_the_options():
    with pytest.raises(OptionError, match="--share is 2"):
        parse("a", "--out", "o", "--share", "2")


def test_help_tells_defaults_and_units(capsys):
    with pytest.raises(SystemExit):
        parse("--help")

    text = " ".join(capsys.readouterr().out.split())
    assert "50 % of it (default: 0.25 mm)" in text
    assert "colour (default: red)" in text
    assert "advanced options" in text


def commands_of(name):
    module = importlib.import_module(f"napari_medclf.cli.commands.{name.replace('-', '_')}")
    return module.COMMANDS.values() if hasattr(module, "COMMANDS") else [module.COMMAND]


@pytest.mark.parametrize("command", [command for name in COMMANDS for command in commands_of(name)])
def test_every_option_of_every_command_is_a_flag_with_help(command):
    parser = argparse.ArgumentParser()
    add_flags(parser, command.options)

    flags = {action.dest for action in parser._actions} - {"help"}

    assert flags == {info.name for info in option_fields(command.options)}
    assert all(info.help for info in option_fields(command.options))
    assert parser.format_help()
