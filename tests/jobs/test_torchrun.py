from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.jobs.torchrun import apart, is_helper
from napari_medclf.jobs.train import TrainOptions

OPTIONS = TrainOptions(data=Path("data"), out=Path("models/lungs"))


def test_one_process_and_the_first_of_many_make_the_model(monkeypatch):
    for told in ({}, {"RANK": "0", "WORLD_SIZE": "2"}):
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        with apart(OPTIONS) as own:
            assert own is OPTIONS


def test_helper_leaves_nothing_behind(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert is_helper()
    with apart(OPTIONS) as own:
        assert own.out.parent.is_dir()
        assert own.out != OPTIONS.out
        assert not own.register
    assert not own.out.parent.exists()


def test_training_by_the_clock_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="auto"), apart(TrainOptions(data=Path("d"), out=Path("m"), recipe="auto")):
        pass
