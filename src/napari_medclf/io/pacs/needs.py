"""What speaking to archives needs beside the package itself, and how those libraries are kept quiet."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from napari_medclf.domain.errors import BackendUnavailable

# They write queries, answers and addresses with patients' names into their logs.
_TALKATIVE = ("pynetdicom", "dicomweb_client", "urllib3", "requests", "pydicom")


def require(package: str) -> None:
    """Make sure that a package of the extra `pacs` is there.

    Raises
    ------
    BackendUnavailable
        With the command that installs it.
    """
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise BackendUnavailable(
            f"Speaking to a picture archive needs the package {package.replace('_', '-')}. "
            'Install it with: pip install "napari-medclf[pacs]"'
        ) from error


@contextmanager
def hushed() -> Iterator[None]:
    """Keep what the network libraries log, which names patients, out of every log."""
    mute = _Mute()  # one a call, so that threads do not undo each other's
    loggers = [logging.getLogger(name) for name in _names()]
    for logger in loggers:
        logger.addFilter(mute)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(mute)


def _names() -> list[str]:
    # A filter holds for the logger itself only, not for those below it, so each is asked for.
    known = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in _TALKATIVE]
    return sorted({*_TALKATIVE, *known})


class _Mute(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return False
