"""What can go wrong, as sentences: what was wrong, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

_MOST_SHOWN, _LONGEST_SHOWN = 20, 100


class MedclfError(Exception):
    """The base of every error this package raises on purpose; its text is shown to people."""


class ReadError(MedclfError):
    """A file or folder that cannot be read as an image.

    Parameters
    ----------
    path : Path
        What was to be read.
    reason : str
        What is wrong with it, without the path.
    hint : str
        What to do, as a sentence of its own; may be empty.
    """

    def __init__(self, path: Path | str, reason: str, hint: str = "") -> None:
        self.path = Path(path)
        self.reason = reason
        self.hint = hint
        shown = "".join(one if one.isprintable() else "?" for one in str(path))  # one line, also for odd names
        super().__init__(f"{shown}: {reason}{'' if reason.endswith('.') else '.'}{' ' + hint if hint else ''}")

    def __reduce__(self) -> tuple[type[ReadError], tuple[Path, str, str]]:
        """Let the error cross from a worker process."""
        return (ReadError, (self.path, self.reason, self.hint))


class WriteError(MedclfError):
    """A result that could not be written; nothing half-written was left."""


class OutputsLost(WriteError):
    """Nothing can be written into a run's folder any more; the run ends, what was finished is kept, it can go on."""


class GridError(MedclfError):
    """Two arrays or images that do not lie on the same grid."""


class SchemaError(MedclfError):
    """Label values or class names that do not fit the schema."""


class CardError(MedclfError):
    """A model package that is incomplete, damaged or contradicts itself."""


class DatasetError(MedclfError):
    """Data that cannot be trained or evaluated on as it is."""


class OptionError(MedclfError):
    """An option outside its limits, or options that contradict each other."""


class ServerError(MedclfError):
    """A server that cannot be reached, refuses, or answers something else than it was asked."""


class BackendUnavailable(MedclfError):
    """A model that needs a package or a device that is not here."""


def unknown_choice(kind: str, given: str, known: Iterable[str]) -> str:
    """Say that a name is not known, with the nearest match and the list.

    >>> unknown_choice("model", "nuclie", ["nuclei", "retina-vessels"])
    "There is no model 'nuclie'. Did you mean 'nuclei'? Known: nuclei, retina-vessels."
    """
    names = sorted(known)
    given = given[:_LONGEST_SHOWN]
    near = difflib.get_close_matches(given, names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"There is no {kind} {given!r}.{guess} Known: {', '.join(names[:_MOST_SHOWN]) or 'none'}{more}."
