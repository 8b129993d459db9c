"""The list of models that can be downloaded holds what its sources say, and nothing that could mislead."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from napari_medclf.backends.registry import list_backends
from napari_medclf.store.zoo.entry import read_zoo

ROOT = Path(__file__).parents[3]


def test_all_bundles_of_the_monai_model_zoo_are_listed_with_their_checksum() -> None:
    bundles = [one for one in read_zoo().models if one.family == "MONAI Model Zoo"]
    assert len(bundles) == 31
    assert all(file.sha1 and file.is_archive for one in bundles for file in one.files)


def test_bundles_are_those_of_the_shared_table() -> None:
    table = ROOT.parent / "shared" / "model_zoo.md"
    if not table.is_file():
        pytest.skip("the table of bundles is not beside this repository")
    rows = re.findall(r"^\| (\w+) \| [^|]+ \| ([\d.]+) \|", table.read_text(), re.MULTILINE)
    assert {(one.name, one.version) for one in read_zoo().models if one.family == "MONAI Model Zoo"} == set(rows)


def test_names_and_files_are_told_apart() -> None:
    models = read_zoo().models
    assert max(Counter(one.name.casefold() for one in models).values()) == 1
    assert max(Counter(file.url for one in models for file in one.files).values()) == 1
    archives = [file.path for one in models for file in one.files if file.is_archive]
    assert len(set(archives)) == len(archives)


def test_models_are_found_by_name_and_by_the_name_of_their_archive() -> None:
    zoo = read_zoo()
    entry = zoo.named("Spleen_CT_Segmentation")
    assert entry is not None
    assert entry.is_runnable
    found = zoo.of_file(entry.files[0].path)
    assert found == (entry, entry.files[0])
    assert zoo.named("nothing") is None
    assert zoo.of_file("model.json") is None


def test_what_runs_is_what_the_page_about_the_zoo_says() -> None:
    page = (ROOT / "docs" / "reference" / "zoo-bundles.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| [^|]* \| [^|]* \| ([^|]*) \|", page, re.MULTILINE))
    bundles = {one.name: one.runs for one in read_zoo().models if one.family == "MONAI Model Zoo"}
    assert bundles == {name: rows[name] for name in bundles}
    assert list(bundles.values()).count("yes") >= 17


def test_every_backend_of_the_list_is_one_of_ours() -> None:
    names = {one.name for one in list_backends()}
    assert {one.backend for one in read_zoo().models} <= names
