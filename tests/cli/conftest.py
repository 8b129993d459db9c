"""A model that was trained by the command line, once a session."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.cli.main import main
from napari_medclf.testing.phantoms import vessels_phantom


class Medclf:
    """Runs commands in this process and keeps what they wrote."""

    def __init__(self, capfd) -> None:
        self._capfd = capfd
        self.out = self.err = ""

    def __call__(self, *arguments) -> int:
        """Run one command; returns its exit code."""
        self._capfd.readouterr()
        code = main([str(one) for one in arguments])
        self.out, self.err = self._capfd.readouterr()
        return code

    def json(self, *arguments) -> dict:
        """Run one command with ``--json`` and read its only document."""
        self.code = self(*arguments, "--json")
        return json.loads(self.out)


@pytest.fixture
def medclf(capfd) -> Medclf:
    """The command line."""
    return Medclf(capfd)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Eight colour pictures of 48 x 48 in images/, label images of the same names in labels/."""
    folder = tmp_path_factory.mktemp("data") / "vessels"
    phantom = vessels_phantom(48, 48)
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for number in range(8):
        picture = np.roll(phantom.image.data[:, 0], 3 * number, axis=-1)
        labels = np.roll(phantom.truth.labels[0], 3 * number, axis=-1)
        Image.fromarray(np.moveaxis(picture, 0, -1)).save(folder / "images" / f"eye_{number}.png")
        Image.fromarray(labels).save(folder / "labels" / f"eye_{number}.png")
    return folder


@pytest.fixture(scope="session")
def model(pictures, tmp_path_factory) -> Path:
    """Folder of a segmenter of two epochs."""
    out = tmp_path_factory.mktemp("models") / "vessels-small"
    flags = ["--epochs", "2", "--class-names", "vessel", "--device", "cpu", "--no-register", "--quiet"]
    assert main(["train", str(pictures), "--out", str(out), *flags]) == 0
    return out
