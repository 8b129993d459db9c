"""The card beside a foreign model: read back as written, and never led out of its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.trust import Trust
from napari_medclf.store.sidecar import (
    SIDECAR,
    Sidecar,
    card_beside,
    read_card_file,
    read_content,
    read_sidecar,
    write_sidecar,
)


@pytest.fixture
def foreign(tmp_path: Path, card: ModelCard) -> ModelPackage:
    """A model of another kind: one file that would run code."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"onnx")
    card = card.model_copy(update={"backend": "onnx"})
    return ModelPackage(card, folder, files=(folder / "model.onnx",), trust=Trust("ab" * 32, ("model.onnx",)))


def _sidecar(card: ModelCard, **more: Any) -> str:
    return json.dumps({"schema_version": 1, "card": card.model_dump(mode="json", by_alias=True), **more})


def test_what_was_written_is_read_back(foreign: ModelPackage) -> None:
    write_sidecar(foreign, foreign.folder)
    assert read_sidecar(foreign.folder) == foreign


def test_files_are_named_relative_so_that_the_folder_can_move(foreign: ModelPackage, tmp_path: Path) -> None:
    write_sidecar(foreign, foreign.folder)
    moved = foreign.folder.rename(tmp_path / "moved")
    package = read_sidecar(moved)
    assert package is not None
    assert package.files == (moved / "model.onnx",)


def test_folder_without_a_sidecar_is_none(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path) is None
    assert read_sidecar(tmp_path / "nowhere") is None


@pytest.mark.parametrize("name", ["/etc/passwd", "../model.onnx", "a/../../b", "C:\\model.onnx", "a\\b", "", "a\0b"])
def test_name_that_could_lead_out_is_refused(tmp_path: Path, card: ModelCard, name: str) -> None:
    (tmp_path / SIDECAR).write_text(_sidecar(card, files=[name]))
    with pytest.raises(CardError, match=r"not valid at files\.0: .* does not name a file inside of the folder"):
        read_sidecar(tmp_path)


def test_link_out_of_the_folder_is_refused(foreign: ModelPackage, tmp_path: Path, card: ModelCard) -> None:
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "model.onnx").symlink_to(foreign.files[0])
    (folder / SIDECAR).write_text(_sidecar(card, files=["model.onnx"]))
    with pytest.raises(CardError, match="is a link that leads out of the folder"):
        read_sidecar(folder)


def test_missing_file_is_told(tmp_path: Path, card: ModelCard) -> None:
    (tmp_path / SIDECAR).write_text(_sidecar(card, files=["model.onnx"]))
    with pytest.raises(CardError, match=r"the file model\.onnx of the model is missing"):
        read_sidecar(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "not valid at card"),
        ('{"schema_version": 1}', "not valid at card: Field required"),
        ('{"schema_version": 2, "card": {}}', "not valid at schema_version"),
    ],
)
def test_damaged_sidecar_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / SIDECAR).write_text(text)
    with pytest.raises(CardError, match=says) as caught:
        read_sidecar(tmp_path)
    assert "\n" not in str(caught.value)


def test_misspelt_field_is_told(tmp_path: Path, card: ModelCard) -> None:
    (tmp_path / SIDECAR).write_text(_sidecar(card, file=["model.onnx"]))
    with pytest.raises(CardError, match="not valid at file: Extra inputs are not permitted"):
        read_sidecar(tmp_path)


def test_package_with_a_file_elsewhere_is_not_written(foreign: ModelPackage, tmp_path: Path) -> None:
    elsewhere = tmp_path / "model.onnx"
    elsewhere.write_bytes(b"onnx")
    with pytest.raises(CardError, match="lies outside of its model's folder"):
        write_sidecar(ModelPackage(foreign.card, foreign.folder, files=(elsewhere,)), foreign.folder)


def test_card_is_found_beside_the_file_it_speaks_of_and_no_other(foreign: ModelPackage) -> None:
    write_sidecar(foreign, foreign.folder)
    assert card_beside(foreign.files[0]) == foreign.card
    assert card_beside(foreign.folder) == foreign.card
    assert card_beside(foreign.folder / "other.onnx") is None
    assert card_beside(foreign.folder.parent / "nothing.onnx") is None


def test_person_may_write_the_card_alone(foreign: ModelPackage, tmp_path: Path, card: ModelCard) -> None:
    alone = tmp_path / "card.json"
    alone.write_text(card.model_dump_json(by_alias=True))
    assert read_card_file(alone) == card
    write_sidecar(foreign, foreign.folder)
    assert read_card_file(foreign.folder / SIDECAR) == foreign.card


def test_digests_and_source_are_kept(foreign: ModelPackage) -> None:
    write_sidecar(foreign, foreign.folder, {"model.onnx": "cd" * 32}, "https://example.org/model.onnx")
    content = read_content(foreign.folder)
    assert content is not None
    assert content.sha256 == {"model.onnx": "cd" * 32}
    assert content.source == "https://example.org/model.onnx"


def test_example_of_the_page_about_models_is_a_sidecar() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "models.md").read_text(encoding="utf-8")
    content = Sidecar.model_validate_json(page.partition("```json")[2].partition("```")[0])
    assert content.card.schema_.names == ("cell",)
