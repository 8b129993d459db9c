"""`medclf watch` and `medclf listen` as people and programs call them."""

from __future__ import annotations

import json
import stat
import sys

import pytest
from tests.jobs.watch.conftest import bring

from napari_medclf.cli.main import main


def test_watched_folder_is_told_as_one_document(model, study, tmp_path, capsys):
    bring(study(), tmp_path / "in")
    flags = ["--once", "--settle", "0.2", "--patience", "0.4", "--every", "0.05", "--json"]
    code = main(["watch", str(tmp_path / "in"), "--model", "bright", "--out", str(tmp_path / "out"), *flags])
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document["finish_reason"] == "completed"
    assert [case["status"] for case in document["cases"]] == ["done"]
    assert document["spec"]["options"]["settle"] == 0.2


def test_what_was_refused_makes_the_exit_code_1(model, study, tmp_path, capsys):
    slices = study()
    bring([*slices[:4], *slices[6:]], tmp_path / "in")
    flags = ["--once", "--settle", "0.2", "--patience", "0.4", "--every", "0.05"]
    code = main(["watch", str(tmp_path / "in"), "--model", "bright", "--out", str(tmp_path / "out"), *flags])
    told = capsys.readouterr()
    assert code == 1
    assert "missing slices: 2" in told.out + told.err
    assert "SECRET" not in told.out + told.err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--host", "0.0.0.0"], "--calling must name"),
        (["--ae-title", "FAR_TOO_LONG_FOR_A_TITLE"], "no AE title"),
        (["--send-to", "nowhere"], "There is no server 'nowhere'"),
        (["--description", "["], "no regular expression"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_made(model, tmp_path, capsys, flags, sentence):
    assert main(["listen", "--model", "bright", "--out", str(tmp_path / "out"), *flags]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_missing_package_is_told_with_the_command_that_installs_it(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynetdicom", None)
    assert main(["listen", "--model", "bright", "--out", str(tmp_path / "out")]) == 2
    assert 'pip install "napari-medclf[pacs]"' in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_received_images_are_readable_for_their_owner_only(tmp_path):
    from napari_medclf.io.pacs.depot import Depot

    Depot(tmp_path / "out" / "received")
    assert stat.S_IMODE((tmp_path / "out" / "received").stat().st_mode) == 0o700
