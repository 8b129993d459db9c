"""Those who send studies: Debian's storescu, and associations of pynetdicom that do as they are told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


def storescu(port: int, *paths: Path, calling: str = "STORESCU", called: str = "MEDCLF", more=()) -> int:
    """Send files and folders with dcmtk; gives its exit code."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    elsewhere = [one for one in folders if not one.startswith(sys.prefix)]  # pynetdicom has a program of this name, too
    program = shutil.which("storescu", path=os.pathsep.join(elsewhere))
    if program is None:
        pytest.skip("dcmtk's storescu is not installed")
    command = [program, "-aet", calling, "-aec", called, *more, "+sd", "+r", "-xe", "127.0.0.1", str(port), *paths]
    return subprocess.run([str(one) for one in command], capture_output=True, check=False, timeout=60).returncode


def associate(port: int, calling: str = "SENDER", called: str = "MEDCLF", kinds=(CT,), syntax: str = EXPLICIT):
    """Open an association."""
    from pynetdicom import AE

    entity = AE(calling)
    for kind in kinds:
        entity.add_requested_context(kind, syntax)
    entity.add_requested_context("1.2.840.10008.1.1")
    return entity.associate("127.0.0.1", port, ae_title=called)


def store(association, *things) -> list[int]:
    """Send files or data sets; gives the statuses."""
    return [association.send_c_store(one).Status for one in things]
