"""What a command of `medclf` is: options, a job, and how its result is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from napari_medclf.domain.events import FinishReason, Job, Outcome

Options = TypeVar("Options")
Result = TypeVar("Result")

DONE, SOME_FAILED, BAD_INPUT, CANCELED = 0, 1, 2, 130


def exit_code(outcome: Outcome[Any]) -> int:
    """Map the end of a job to the code of the process: 0, 1, 2 or 130."""
    if outcome.reason is FinishReason.CANCELED:
        return CANCELED
    if outcome.reason is FinishReason.FAILED:
        return BAD_INPUT
    return SOME_FAILED if outcome.failures else DONE


@dataclass(frozen=True)
class Command(Generic[Options, Result]):
    """One command.

    Parameters
    ----------
    options : type
        Dataclass made of `domain.options.option` fields; it becomes the flags.
    start : callable
        Options to job. Heavy imports happen inside.
    document : callable
        Result to what ``--json`` prints.
    show : callable
        Result to lines of text for people.
    exit_code : callable
        Outcome to exit code.
    summary : str
        What it does, for commands below another one (`medclf pacs find`).
    """

    options: type[Options]
    start: Callable[[Options], Job[Result]]
    document: Callable[[Result], Mapping[str, Any]]
    show: Callable[[Result], Iterable[str]]
    exit_code: Callable[[Outcome[Result]], int] = exit_code
    summary: str = ""
