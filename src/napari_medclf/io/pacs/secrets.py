"""Passwords and tokens: taken from the environment or the keyring when needed, never kept."""

from __future__ import annotations

import importlib
import os

from napari_medclf.domain.errors import BackendUnavailable, OptionError


def find_secret(name: str, user: str) -> str:
    """Fetch the secret that ``env:NAME`` or ``keyring:SERVICE`` names; empty for an empty name.

    Raises
    ------
    OptionError
        If the variable or the keyring's entry is not there.
    BackendUnavailable
        If a keyring is asked for and the package `keyring` is missing.
    """
    if not name:
        return ""
    kind, _, where = name.partition(":")
    secret = os.environ.get(where, "") if kind == "env" else _from_keyring(where, user)
    if not secret:
        place = (
            f"environment variable {where}" if kind == "env" else f"keyring, under {where!r} and {user or 'token'!r}"
        )
        raise OptionError(f"There is no password or token in the {place}.")
    return secret


def _from_keyring(service: str, user: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        raise BackendUnavailable(
            "This server's secret is in the keyring, and the package keyring is not here. "
            "Install it with: pip install keyring"
        ) from error
    return str(keyring.get_password(service, user or "token") or "")
