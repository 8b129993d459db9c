"""What the page on converting shows works as it stands there."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_segmentation
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "convert.md"


def commands():
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [shlex.split(line[2:]) for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def desk(tmp_path, monkeypatch, phantom, write_series):
    import zipfile

    monkeypatch.chdir(tmp_path)
    series = write_series(tmp_path / "study" / "ct", phantom)
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for file in sorted(series.iterdir()):
            archive.write(file, f"ct/{file.name}")
    (tmp_path / "slices").mkdir()
    for number in (1, 2, 10):
        Image.fromarray(np.full((20, 28), number, np.uint8)).save(tmp_path / "slices" / f"cut{number}.png")
    labels = np.zeros(phantom.geometry.shape, np.uint8)
    labels[MARKED_VOXEL], labels[4, 5, 6] = 1, 2
    schema = LabelSchema.from_names(["one", "two"], first_value=1)
    write_segmentation(Segmentation(labels, phantom.geometry, schema), tmp_path / "labels.mha")
    return tmp_path


def test_commands_run_in_their_order_and_keep_the_place(desk, phantom, capsys):
    from napari_medclf.cli.main import main

    assert len(commands()) >= 9
    for program, *arguments in commands():
        assert program == "medclf"
        code = main(arguments)
        assert code == 0, f"{' '.join(arguments)}: {capsys.readouterr().err}"
    for name in ("ct.nii.gz", "ct.mha", "ct.nrrd", "archived.nii.gz"):
        image = read_image(desk / name)
        assert image.data[MARKED_VOXEL] == MARKED_HU
        assert image.geometry.same_grid(phantom.geometry)
    assert read_image(desk / "slice.nii.gz").geometry.shape == (1, 20, 28)
    assert read_image(desk / "slices.nii.gz").data[:, 0, 0].tolist() == [1, 2, 10]
    named = read_label_map(desk / "slicer.seg.nrrd")
    assert named.schema.names == ("liver", "spleen")
    assert named.labels[MARKED_VOXEL] == 1
