"""Who reads the images of a run."""

from __future__ import annotations

import subprocess
import sys

from napari_medclf.jobs.runs import readers
from napari_medclf.jobs.runs.reader_process import ReaderUnavailable
from napari_medclf.jobs.runs.readers import Readers


class _Stillborn:
    """A process that never came to life."""

    def __init__(self, plan):
        pass

    def read(self, case):
        """Say so."""
        raise ReaderUnavailable("none")

    def close(self):
        """Nothing to end."""


def test_images_are_read_here_where_no_process_can_be_started(plan, pictures, monkeypatch):
    monkeypatch.setattr(readers, "ReaderProcess", _Stillborn)
    both = Readers(plan, n_processes=2)

    assert [both.read(case).case.case_id for case in pictures] == ["small", "large"]
    assert both.n_processes == 0
    both.close()


def test_script_of_a_person_is_not_run_again_by_processes(tmp_path):
    module = tmp_path / "mine.py"
    module.write_text("from napari_medclf.jobs.runs.readers import is_program\nprint(is_program())\n")

    def said(*arguments):
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert said(module) == "False"
    assert said("-m", "mine") == "True"
