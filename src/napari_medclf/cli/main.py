"""`medclf`: choose the command, run its job, tell the result, return the exit code."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from napari_medclf.cli.command import BAD_INPUT, CANCELED, DONE, Command
from napari_medclf.cli.flags import add_flags, read_flags
from napari_medclf.cli.interrupt import stop_on_interrupt
from napari_medclf.domain.errors import MedclfError, unknown_choice
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.jobs.json_text import json_text, printable

COMMANDS = {
    "demo": "run the embedded models on real images, write pictures, show the window",
    "read": "say what is in files and folders: images, geometry, warnings, refusals",
    "convert": "write any readable image as NIfTI, PNG or TIFF, geometry kept",
    "models": "list, download, install, show, verify, trust or remove models",
    "predict": "run a model on one or a few images",
    "batch": "run a model on a folder; resumes after a stop",
    "watch": "run a model on what arrives in a folder, until stopped",
    "listen": "run a model on what scanners and archives send (DICOM C-STORE), until stopped",
    "explain": "say where in an image a classifier found what it says, as a heat map on the image's grid",
    "triage": "list the answers of a run, the likely wrong ones first",
    "runs": "tell how a run over many images stands, from its ledger",
    "dataset": "bring in, check, split, show and export labelled data",
    "preprocess": "clean, crop, scale or resample an image by named steps, and write it where it lay",
    "augment": "draw what the random changes of a training make of an image",
    "recipes": "list what can be trained, and show a recipe with all its settings",
    "pretrain": "train on images without labels, as a start for trainings with few labels",
    "train": "train a model from your images and labels",
    "search": "look for better settings of a recipe, on validation cases alone",
    "evaluate": "measure a model on labelled data",
    "learning-curve": "train on growing parts of the data, to see whether more patients would help",
    "adapt": "let a model learn from a project's corrections, and say whether it got better",
    "revisions": "list the states of a project's model with their scores, use one, or go back",
    "correct": "save a corrected answer of an image into a project",
    "marks": "say classes of studies, images, slices and objects, list them, learn from them",
    "objects": "give every object of an image a class, from some that you name",
    "worklist": "list the cases of a project: where they stand, and what to look at next",
    "agreement": "tell how far the readers of a project agree",
    "adjudicate": "decide between two readers, or list what has to be decided",
    "pacs": "ask a picture archive (PACS), fetch series from it, send results to it",
    "session": "tell all that was done in a project: painting, answers, revisions",
    "restore": "go back to any moment of painting on a case",
    "audit": "verify that nothing in a project was changed behind its back",
    "rerun": "run again what a run.json or a model's run_spec.json describes, or what was done in a project",
}
"""Command to its summary; the module `cli.commands.<name>` holds the rest and is imported when asked for."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `medclf` with these arguments (those of the process by default).

    Returns
    -------
    int
        0 done, 1 some cases failed, 2 bad usage or input, 130 cancelled.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except SystemExit as end:  # argparse has said what is wrong, or has printed the help
        return end.code if isinstance(end.code, int) else BAD_INPUT
    except KeyboardInterrupt:
        return CANCELED
    except BrokenPipeError:  # the reader of our output went away: `medclf read ... | head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (Python flushes stdout once more at exit)
        return DONE


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-"):
        _main_parser().parse_args(arguments or ["--help"])
        return DONE
    name = arguments[0]
    if name not in COMMANDS:
        return _complain(unknown_choice("command", name, COMMANDS))
    module = importlib.import_module(f"napari_medclf.cli.commands.{name.replace('-', '_')}")
    rest = arguments[1:]
    if hasattr(module, "COMMANDS"):  # a command that has commands of its own: `medclf pacs find`
        if not rest or rest[0] not in module.COMMANDS:
            return _choose_below(name, rest, module.COMMANDS)
        name, command = f"{name} {rest[0]}", module.COMMANDS[rest.pop(0)]
    elif rest and rest[0] in getattr(module, "BESIDE", {}):  # one beside the actions of a command
        name, command = f"{name} {rest[0]}", module.BESIDE[rest.pop(0)]
    else:
        command = module.COMMAND
    namespace = _command_parser(name, command).parse_intermixed_args(rest)
    with _logging_to_stderr(is_verbose=namespace.verbose):
        try:
            options = read_flags(namespace, command.options)
        except MedclfError as error:
            return _complain(str(error))
        return _execute(name, command, options, namespace)


def _choose_below(name: str, rest: list[str], commands: Mapping[str, Command[Any, Any]]) -> int:
    if rest and rest[0] not in ("-h", "--help"):
        return _complain(unknown_choice(f"command of `medclf {name}`", rest[0], commands))
    listing = "\n".join(f"  {one:10} {command.summary}" for one, command in commands.items())
    more = f"Each takes --json. medclf {name} COMMAND --help tells its options."
    sys.stdout.write(f"usage: medclf {name} COMMAND [options]\n\n{_summary(name)}\n\ncommands:\n{listing}\n\n{more}\n")
    return DONE


def _execute(name: str, command: Command[Any, Any], options: Any, namespace: argparse.Namespace) -> int:
    from napari_medclf.cli.report import Reporter
    from napari_medclf.jobs.drive import drive

    with Reporter(is_quiet=namespace.quiet) as reporter, stop_on_interrupt(reporter.say) as should_stop:
        outcome = drive(command.start(options), reporter, should_stop)
    if outcome.message:
        sys.stderr.write(f"medclf {name}: {printable(outcome.message)}\n")
    if namespace.json:
        _tell(json_text(_document(name, command, outcome), is_ascii=not _takes_unicode()))
    elif outcome.reason is FinishReason.COMPLETED:
        for line in command.show(outcome.result):
            _tell(printable(line))
    sys.stdout.flush()
    return command.exit_code(outcome)


def _tell(text: str) -> None:
    """Write to stdout, in whatever encoding a terminal or a pipe has."""
    if not _takes_unicode():
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    sys.stdout.write(text + "\n")


def _takes_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"


def _document(name: str, command: Command[Any, Any], outcome: Outcome[Any]) -> dict[str, Any]:
    document: dict[str, Any] = {"command": name, "finish_reason": outcome.reason.value}
    if outcome.message:
        document["message"] = outcome.message
    if outcome.reason is FinishReason.COMPLETED:
        document |= command.document(outcome.result)
    return document


def _summary(name: str) -> str:
    text = COMMANDS[name]
    return f"{text[0].upper()}{text[1:]}."


def _main_parser() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:14} {summary}" for name, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="medclf",
        usage="medclf COMMAND [options]",
        description="Deep models for medical images: run, correct, train, batch. Research use only.",
        epilog=f"commands:\n{listing}\n\nmedclf COMMAND --help tells the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="say the version and stop")
    return parser


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from napari_medclf import __version__

        sys.stdout.write(f"medclf {__version__}\n")
        parser.exit()


def _command_parser(name: str, command: Command[Any, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"medclf {name}", description=command.summary or _summary(name))
    add_flags(parser, command.options)
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    output.add_argument("--quiet", action="store_true", help="no progress on stderr, only warnings and errors")
    output.add_argument("--verbose", action="store_true", help="write the log with tracebacks to stderr")
    return parser


@contextmanager
def _logging_to_stderr(*, is_verbose: bool) -> Iterator[None]:
    """Show our own log when asked to, and never what other packages log or warn of.

    pydicom's warnings quote values of the file, which may be a patient's name.
    """
    ours, silent = logging.getLogger("napari_medclf"), logging.NullHandler()
    handler = logging.StreamHandler(sys.stderr) if is_verbose else logging.NullHandler()
    level, propagates = ours.level, ours.propagate
    ours.setLevel(logging.DEBUG if is_verbose else logging.WARNING)
    ours.addHandler(handler)
    logging.getLogger().addHandler(silent)  # without a handler on the root, Python prints warnings itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            ours.removeHandler(handler)
            ours.setLevel(level)
            ours.propagate = propagates
            logging.getLogger().removeHandler(silent)


def _complain(sentence: str) -> int:
    sys.stderr.write(f"medclf: {sentence}\n")
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
