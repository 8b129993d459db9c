"""`medclf models`: what can be downloaded, and what would run, as people and programs read it."""

from __future__ import annotations

from pathlib import Path

import pytest

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights" / "bioimageio_nuclei" / "weights.pt"


def test_online_list_is_told_as_text_and_as_json(medclf):
    assert medclf("models", "list", "--online") == 0
    text = medclf.out
    assert "spleen_ct_segmentation" in text
    assert "with trust" in text
    offers = {one["name"]: one for one in medclf.json("models", "list", "--online")["online"]}
    spleen = offers["spleen_ct_segmentation"]
    assert (spleen["licence"], spleen["runs"], spleen["is_installed"]) == ("Apache-2.0", "yes", False)
    assert len(spleen["files"][0]["sha1"]) == 40
    assert not offers["vista3d"]["is_runnable"]


def test_what_can_be_misused_is_refused_with_code_2(medclf):
    assert medclf("models", "install", "no-such-model") == 2
    assert "no model of the online list has that name" in medclf.err
    assert medclf("models", "install", "maisi_ct_generative") == 2
    assert "cannot run it" in medclf.err
    assert medclf("models", "show", "nuclei", "--online") == 2
    assert medclf("models", "trust", "nuclei") == 2
    assert "nothing to trust" in medclf.err


def test_code_is_shown_line_by_line_before_it_is_trusted(medclf):
    if not WEIGHTS.is_file():
        pytest.skip("the folder of real weights, ../shared/weights beside the repository, is not here")
    assert medclf("models", "install", WEIGHTS) == 0
    name = medclf.json("models", "show", WEIGHTS)["models"][0]["name"]
    shown = medclf.json("models", "show", name)["models"][0]
    assert shown["would_run"]
    assert not shown["is_trusted"]
    assert medclf("models", "show", name) == 0
    text = medclf.out
    assert "trusted: no; this would run:" in text
    assert all(f"  {line}" in text for line in shown["would_run"])
    assert medclf("models", "trust", name) == 0
    assert medclf.json("models", "show", name)["models"][0]["is_trusted"]
    assert medclf("models", "trust", name, "--forget") == 0
    assert not medclf.json("models", "show", name)["models"][0]["is_trusted"]
