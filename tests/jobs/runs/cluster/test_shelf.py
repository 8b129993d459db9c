"""Models that were sent to a worker."""

from dataclasses import replace

import pytest

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.jobs.runs.cluster.manifest import check_name, manifest_of
from napari_medclf.jobs.runs.cluster.shelf import find_here, receive, shelf_of


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "there" / "model.1"
    (folder / "parts").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 5)
    (folder / "parts" / "list.txt").write_text("one, two")
    (folder / "empty.txt").touch()
    (folder / ".hidden").write_text("not part of it")
    card = ModelCard(
        name="foreign",
        version="1",
        task=Task.SEGMENT,
        title="",
        description="",
        backend="onnx",
        input=InputSpec(
            spatial_dims=2, channels=("gray",), intensity=Intensity(kind="window", low=0, high=1), patch_vox=(8, 8)
        ),
        output=OutputSpec(schema=LabelSchema.from_names(["background", "one"])),
        network=NetworkSpec(target="", arguments={}),
        licence="CC0",
    )
    return ModelPackage(card, folder)


def send(manifest, package, size=500):
    for position, one in enumerate(manifest.files):
        content = (package.folder / one.name).read_bytes()
        for offset in range(0, max(len(content), 1), size):
            receive(manifest, position, offset, content[offset : offset + size])


def test_model_that_was_sent_in_pieces_is_found_by_its_digest(package, tmp_path):
    manifest = manifest_of(package)
    elsewhere = replace(package, folder=tmp_path / "not here" / "model.1")
    assert find_here(elsewhere, manifest) is None

    send(manifest, package)

    found = find_here(elsewhere, manifest)
    assert found is not None
    assert found.folder == shelf_of(manifest)
    assert found.folder.name == "model.1"
    assert [one.name for one in manifest.files] == ["empty.txt", "parts/list.txt", "weights.bin"]
    assert (found.folder / "weights.bin").read_bytes() == (package.folder / "weights.bin").read_bytes()


def test_model_with_one_other_byte_is_not_taken(package):
    manifest = manifest_of(package)
    (package.folder / "parts" / "list.txt").write_text("one, twO")

    assert find_here(package, manifest) is None


def test_model_that_came_damaged_is_refused(package, tmp_path):
    manifest = manifest_of(package)
    (package.folder / "weights.bin").write_bytes(bytes(256 * 5))

    with pytest.raises(WriteError, match="came damaged"):
        send(manifest, package)

    assert not shelf_of(manifest).exists()
    assert find_here(replace(package, folder=tmp_path / "not here"), manifest) is None


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\b", "c:x", ""])
def test_names_that_lead_out_are_refused(name):
    with pytest.raises(CardError, match="does not name a file"):
        check_name(name)
