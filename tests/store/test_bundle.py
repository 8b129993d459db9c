"""Model packages: whole or absent, verified, and usable by MONAI's own tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run import RunSpec
from napari_medclf.store import bundle
from napari_medclf.store.bundle import copy_package, read_package, read_run_spec, verify_package, write_package
from napari_medclf.store.digests import file_sha256

MANDATORY = {  # the MONAI Bundle Specification's list
    "version",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
}
TENSOR_KEYS = {
    "type",
    "format",
    "modality",
    "num_channels",
    "spatial_shape",
    "dtype",
    "value_range",
    "is_patch_data",
    "channel_def",
}


def test_written_card_is_read_back_with_the_digest_of_its_weights(package: ModelPackage, card: ModelCard) -> None:
    again = read_package(package.folder)
    assert again.card == card.model_copy(update={"weights_sha256": again.card.weights_sha256})
    assert again.card.weights_sha256 == file_sha256(package.weights_path)
    verify_package(again)


def test_run_spec_travels_with_the_model(package: ModelPackage, run_spec: RunSpec) -> None:
    assert read_run_spec(package) == run_spec


def test_metadata_has_what_the_bundle_specification_wants(package: ModelPackage) -> None:
    metadata = json.loads((package.folder / "configs" / "metadata.json").read_text())
    assert metadata.keys() >= MANDATORY
    image = metadata["network_data_format"]["inputs"]["image"]
    pred = metadata["network_data_format"]["outputs"]["pred"]
    assert image.keys() >= TENSOR_KEYS
    assert pred.keys() >= TENSOR_KEYS
    assert pred["channel_def"] == {"0": "background", "1": "fat", "2": "muscle"}
    assert pred["num_channels"] == len(pred["channel_def"])


def test_page_shows_metric_with_its_interval(package: ModelPackage) -> None:
    page = (package.folder / "docs" / "README.md").read_text()
    assert "| test/dice/fat | 0.910 | 0.880 to 0.940 |" in page
    assert "Research use only" in page


def test_extra_files_lie_inside_the_package(tmp_path: Path, card: ModelCard, run_spec: RunSpec, weights: bytes) -> None:
    extra = {"configs/splits.json": b"{}"}
    written = write_package(tmp_path / "model", card, weights, run_spec, "MIT", extra)
    assert (written.folder / "configs" / "splits.json").read_bytes() == b"{}"
    with pytest.raises(WriteError, match="must lie inside"):
        write_package(tmp_path / "other", card, weights, run_spec, "MIT", {"../escaped.txt": b""})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_replacing_leaves_only_the_new_package(
    package: ModelPackage, card: ModelCard, run_spec: RunSpec, weights: bytes
) -> None:
    newer = card.model_copy(update={"version": "1.3.0"})
    write_package(package.folder, newer, weights, run_spec, "MIT")
    assert read_package(package.folder).card.version == "1.3.0"
    assert [path.name for path in package.folder.parent.iterdir()] == [package.folder.name]


@pytest.mark.parametrize("nth", range(6))
def test_disk_full_at_any_file_keeps_the_old_package(
    package: ModelPackage,
    card: ModelCard,
    run_spec: RunSpec,
    weights: bytes,
    monkeypatch: pytest.MonkeyPatch,
    nth: int,
) -> None:
    written: list[Path] = []

    def fail_at_nth(path: Path, content: bytes | str) -> None:
        if len(written) == nth:
            raise OSError(None, "No space left on device", str(path))
        written.append(path)
        atomic_write(path, content)

    monkeypatch.setattr(bundle, "atomic_write", fail_at_nth)
    with pytest.raises(WriteError, match="cannot be written"):
        write_package(package.folder, card.model_copy(update={"version": "9"}), weights, run_spec, "MIT")
    assert read_package(package.folder).card.version == "1.2.0"
    assert [path.name for path in package.folder.parent.iterdir()] == [package.folder.name]


def test_kill_between_the_renames_of_an_exchange_loses_nothing(package: ModelPackage) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    aside = package.folder.with_name(f".{package.folder.name}.old-{int(gone.stdout)}")
    package.folder.rename(aside)
    assert read_package(package.folder).card.version == "1.2.0"
    assert not aside.exists()


def test_failed_write_keeps_the_old_package_and_leaves_nothing(
    package: ModelPackage, card: ModelCard, run_spec: RunSpec, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_at_weights(path: Path, content: bytes | str) -> None:
        if path.name == "model.safetensors":
            raise OSError(None, "No space left on device", str(path))
        atomic_write(path, content)

    monkeypatch.setattr(bundle, "atomic_write", fail_at_weights)
    with pytest.raises(WriteError, match="cannot be written"):
        write_package(package.folder, card.model_copy(update={"version": "9"}), weights, run_spec, "MIT")
    assert read_package(package.folder).card.version == "1.2.0"
    assert [path.name for path in package.folder.parent.iterdir()] == [package.folder.name]


def test_folder_with_other_things_is_refused(
    tmp_path: Path, card: ModelCard, run_spec: RunSpec, weights: bytes
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WriteError, match="not empty and no model package"):
        write_package(tmp_path, card, weights, run_spec, "MIT")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_package_that_is_there_is_kept_when_asked(
    package: ModelPackage, card: ModelCard, run_spec: RunSpec, weights: bytes
) -> None:
    with pytest.raises(WriteError, match="holds a model already"):
        write_package(package.folder, card, weights, run_spec, "MIT", replace=False)


@pytest.mark.parametrize("cut", [0, 4, 20, -1])
def test_weights_cut_short_are_refused_by_name(package: ModelPackage, cut: int) -> None:
    whole = package.weights_path.read_bytes()
    package.weights_path.write_bytes(whole[:cut])
    with pytest.raises(CardError, match=r"model\.safetensors.* cut short"):
        verify_package(package)


def test_changed_weights_are_refused(package: ModelPackage) -> None:
    content = bytearray(package.weights_path.read_bytes())
    content[-1] ^= 1
    package.weights_path.write_bytes(content)
    with pytest.raises(CardError, match="not the ones of the card"):
        verify_package(package)


def test_weights_that_are_no_safetensors_are_not_written(tmp_path: Path, card: ModelCard, run_spec: RunSpec) -> None:
    with pytest.raises(CardError, match="no safetensors file"):
        write_package(tmp_path / "model", card, b"PK\x03\x04 a zip", run_spec, "MIT")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: os.remove(folder / "configs" / "metadata.json"), "is no model package"),
        (lambda folder: (folder / "configs" / "metadata.json").write_text("{"), "is not JSON"),
        (lambda folder: (folder / "configs" / "metadata.json").write_text("{}"), "without the 'napari_medclf' card"),
        (
            lambda folder: (folder / "configs" / "metadata.json").write_text('{"napari_medclf": {"name": "a"}}'),
            "not valid at version",
        ),
        (lambda folder: os.remove(folder / "models" / "model.safetensors"), "weights .* are missing"),
    ],
)
def test_damaged_package_is_one_sentence(package: ModelPackage, damage: object, sentence: str) -> None:
    damage(package.folder)  # type: ignore[operator]  # a function of the list above
    with pytest.raises(CardError, match=sentence):
        read_package(package.folder)


def test_copy_is_verified_and_whole(package: ModelPackage, tmp_path: Path) -> None:
    copied = copy_package(package, tmp_path / "copies" / "two-tissues")
    verify_package(copied)
    package.weights_path.write_bytes(b"")
    with pytest.raises(CardError, match="cut short"):
        copy_package(package, tmp_path / "copies" / "second")
    assert not (tmp_path / "copies" / "second").exists()


@pytest.mark.parametrize("channels", [("gray",), ("red", "green", "blue")], ids=["gray", "colour"])
def test_monai_builds_the_network_and_predicts_a_picture(
    tmp_path: Path, card: ModelCard, run_spec: RunSpec, channels: tuple[str, ...]
) -> None:
    """MONAI alone, from the files on disk: parse, build, load strictly, run, labels on the picture's grid."""
    import numpy as np
    import torch
    from monai.bundle import ConfigParser
    from monai.networks.nets import BasicUNet
    from PIL import Image
    from safetensors.torch import load_file, save

    torch.manual_seed(3)
    network_spec = card.network.model_copy(
        update={"arguments": card.network.arguments | {"in_channels": len(channels)}}
    )
    input_spec = card.input.model_copy(update={"channels": channels})
    card = card.model_copy(update={"network": network_spec, "input": input_spec})
    ours = BasicUNet(**network_spec.arguments)
    package = write_package(tmp_path / "model", card, save(ours.state_dict()), run_spec, "MIT")
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 56, 3), dtype=np.uint8)
    Image.fromarray(pixels if len(channels) == 3 else pixels[..., 0]).save(tmp_path / "images" / "one.png")

    parser = ConfigParser()
    parser.read_config(package.folder / "configs" / "inference.json")
    parser.read_meta(package.folder / "configs" / "metadata.json")
    parser["bundle_root"] = str(package.folder)
    parser["dataset_dir"] = str(tmp_path / "images")
    parser["output_dir"] = str(tmp_path / "eval")
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(load_file(package.weights_path), strict=True)
    assert type(network) is BasicUNet
    for step in ("initialize", "run"):
        results = parser.get_parsed_content(step)
    labels = results[0][0]["pred"]
    assert labels.shape == (1, 40, 56)
    assert set(np.unique(labels)) <= {0, 1, 2}
    (saved,) = (tmp_path / "eval").rglob("*.png")
    np.testing.assert_array_equal(np.asarray(Image.open(saved)), np.asarray(labels[0]))
