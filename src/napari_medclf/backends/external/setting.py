"""Where a person said that another program is."""

from __future__ import annotations

import json
import os
from pathlib import Path

FILE = "external.json"
"""In the user's folder: names of programs and where they are."""


def read_setting(name: str, user_folder: Path | None = None) -> str:
    """Tell what a person set for a program; empty where nothing was.

    Parameters
    ----------
    name : str
        Such as ``totalsegmentator``: the environment variable ``MEDCLF_TOTALSEGMENTATOR`` comes first, then that entry
        of ``external.json`` in the user's folder.
    """
    chosen = os.environ.get(f"MEDCLF_{name.upper()}", "").strip()
    return chosen or _from_file(name, user_folder)


def _from_file(name: str, user_folder: Path | None) -> str:
    from napari_medclf.store.catalogue import default_user_folder

    try:
        content = json.loads(((user_folder or default_user_folder()) / FILE).read_bytes())
    except (OSError, ValueError):
        return ""  # nobody said anything
    value = content.get(name, "") if isinstance(content, dict) else ""
    return value.strip() if isinstance(value, str) else ""
