"""What the page about networks of one's own shows works as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.store.sidecar import Sidecar, read_card_file
from napari_medclf.testing.phantoms import brain_phantom

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "how-to"
PAGE = (FOLDER / "own-networks.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files the examples name: a head, weights that know nothing, and the card of the page."""
    import torch

    from napari_medclf.engine.networks import build_network
    from napari_medclf.io.write import write_image

    monkeypatch.chdir(tmp_path)
    write_image(brain_phantom().image, tmp_path / "head.nii.gz")
    (tmp_path / "ventricles.json").write_text(blocks("json")[0])
    torch.manual_seed(1)
    network = build_network(read_card_file(tmp_path / "ventricles.json").network)
    torch.save({"epoch": 7, "state_dict": network.half().state_dict()}, tmp_path / "weights.pth")
    return tmp_path


def test_cards_on_the_page_are_cards() -> None:
    first, second = blocks("json")
    assert Sidecar.model_validate_json(first).card.name == "ventricles"
    network: Any = TypeAdapter(NetworkSpec).validate_python(json.loads(second)["network"])
    assert network.target == "onnx"


def test_example_cards_name_networks_that_can_be_built() -> None:
    from napari_medclf.engine.networks import build_network

    linked = set(re.findall(r"\]\((cards/[^)]+)\)", PAGE))
    assert {str(path.relative_to(FOLDER)) for path in FOLDER.glob("cards/*.json")} == linked
    for name in linked:
        card = read_card_file(FOLDER / name)
        assert len(card.weights_sha256) == 64
        build_network(card.network)


def test_commands_run_in_their_order(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from napari_medclf.cli.main import main

    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) == 3
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "medclf"
        code = main(arguments)
        said = capsys.readouterr()
        assert code == 0, f"{line}: {said.err}"
        assert "Traceback" not in said.err
    assert (desk / "answer" / "results.csv").is_file()


def test_python_example_runs(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("python")
    exec(compile(block, "own-networks.md", "exec"), {})
    assert re.search(r"^\d+ voxels$", capsys.readouterr().out, re.MULTILINE)
