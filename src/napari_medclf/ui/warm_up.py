"""Loads the slow libraries in the background once the dock is on the screen."""

from __future__ import annotations

import gc
import importlib
import logging
import threading

_log = logging.getLogger(__name__)
# Importing these brings torch and scikit-image; MONAI only comes with the models that need it.
_MODULES = (
    "napari_medclf.engine.model",
    "napari_medclf.engine.networks",
    "napari_medclf.jobs.predict",
    # napari 0.9 imports these on the GUI thread for its first layer of labels, and stands still for a second
    "pandas",
    "skimage.color.colorconv",
)


def warm_up() -> threading.Thread:
    """Start importing; the first run then waits for what is left only."""
    thread = threading.Thread(target=_import_all, name="medclf-warm-up", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001  (a broken library is told when it is used, by the job that needs it)
            _log.debug("warming up %s failed", name, exc_info=True)
    # napari 0.9 calls gc.collect() whenever a layer goes: with all that was imported it looks through half a million
    # objects, 0.3 s a layer. What is here now is here to stay.
    gc.freeze()
