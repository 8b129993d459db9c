"""Keep what DICOM headers say out of the log."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom from putting header values, which may name a patient, into warnings and logs."""
    import pydicom

    logger = logging.getLogger("pydicom")
    mute = _Mute()  # one a call, so that threads do not undo each other's
    logger.addFilter(mute)
    try:
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeFilter(mute)


class _Mute(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return False
