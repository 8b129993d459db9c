"""Small cards, packages and files that the tests of the store share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from napari_medclf.domain.card import Metric, ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run import RunSpec
from napari_medclf.store.bundle import write_package

PNG = bytes.fromhex(  # 1 x 1 gray
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shared_data() -> Path:
    """The folder of real datasets beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real datasets is not beside this repository")
    return folder


@pytest.fixture
def make_files(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder with tiny files; text for tables and JSON, a pixel for pictures."""

    def make(*names: str, **texts: str) -> Path:
        for name in names:
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG)
        for name, text in texts.items():
            path = tmp_path / "data" / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "data"

    return make


@pytest.fixture
def card() -> ModelCard:
    """A 2D model of two tissues with one channel."""
    return ModelCard(
        name="two-tissues",
        version="1.2.0",
        task=Task.SEGMENT,
        title="Two tissues",
        description="Tells two tissues apart.",
        limits=("Seen on 12 images only.",),
        input=InputSpec(
            spatial_dims=2,
            channels=("gray",),
            intensity=Intensity(kind="percentile", low=1, high=99),
            patch_vox=(32, 32),
            divisible_by=16,
        ),
        output=OutputSpec(schema=LabelSchema.from_names(["fat", "muscle"], first_value=1)),
        network=NetworkSpec(
            target="monai.networks.nets.BasicUNet",
            arguments={"spatial_dims": 2, "in_channels": 1, "out_channels": 3, "features": [4, 4, 8, 8, 8, 4]},
        ),
        licence="CC-BY-4.0",
        metrics={"test/dice/fat": Metric(value=0.91, ci95=(0.88, 0.94))},
        created="2026-11-21T10:00:00+00:00",
        author="the tests",
    )


@pytest.fixture
def run_spec() -> RunSpec:
    """What would train that model."""
    return RunSpec(command="train", options={"data": "somewhere"}, seed=7, versions={"napari-medclf": "0.1.0"})


@pytest.fixture
def weights() -> bytes:
    """A safetensors file with one tensor."""
    return save({"bias": np.arange(6, dtype=np.float32)})


@pytest.fixture
def package(tmp_path: Path, card: ModelCard, run_spec: RunSpec, weights: bytes) -> ModelPackage:
    """That model on disk."""
    return write_package(tmp_path / "two-tissues", card, weights, run_spec, "CC-BY-4.0")
