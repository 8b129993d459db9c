"""How torch's threads wait is decided before torch is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = "import os, napari_medclf.engine; print(os.environ['OMP_WAIT_POLICY'])"


def policy(**given: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return found.stdout.strip()


def test_threads_sleep_while_they_wait() -> None:
    assert policy() == "PASSIVE"


def test_setting_of_a_person_stands() -> None:
    assert policy(OMP_WAIT_POLICY="ACTIVE") == "ACTIVE"
