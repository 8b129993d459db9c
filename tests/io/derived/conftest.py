"""What tests of results need: images with a place, and a judge of what was written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

# dciodvfy knows no private codes; nothing else is let pass.
_EXPECTED = re.compile(r"Unrecognized defined term = <99|^Warning")


@pytest.fixture(scope="session")
def assert_conforms():
    """Give a function that fails where dciodvfy finds an error in a DICOM file."""
    tool = Path(sys.executable).parent / "dciodvfy"
    if not tool.exists():
        pytest.skip("dciodvfy is not installed (package dicom3tools)")

    def judge(path: Path) -> None:
        told = subprocess.run([tool, "-new", path], capture_output=True, text=True, check=False, errors="replace")
        odd = [line for line in told.stderr.splitlines() if "Error" in line and not _EXPECTED.search(line)]
        assert not odd, "\n".join(odd)

    return judge
