"""Sentences for the person, through napari's own notifications."""

from __future__ import annotations

from napari.utils import notifications


def tell(message: str) -> None:
    """Say what happened."""
    notifications.show_info(message)


def warn(message: str) -> None:
    """Say what is odd but did not stop anything."""
    notifications.show_warning(message)


def complain(message: str) -> None:
    """Say what could not be done, and why."""
    notifications.show_error(message)
