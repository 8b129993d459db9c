"""Models of a few weights whose last layer is known, for tests of what is learned in an instant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.model import LoadedModel, place_model
from napari_medclf.jobs.drive import drive

SCHEMA = LabelSchema.from_names(["gray", "bright"], first_value=1)


class Steps(nn.Module):
    """Features are soft steps at rising brightness; the last layer makes background, gray and bright of them."""

    def __init__(self, spatial_dims: int = 3, gray_from: float = 0.35, bright_from: float = 0.7) -> None:
        super().__init__()
        make = nn.Conv3d if spatial_dims == 3 else nn.Conv2d
        edges = torch.linspace(0.1, 0.9, 9)
        self.steps, self.final = make(1, 9, 1), make(9, 3, 1)
        with torch.no_grad():
            self.steps.weight.fill_(20.0)
            self.steps.bias.copy_(-20.0 * edges)
            is_gray, is_bright = (edges >= gray_from - 1e-6).float(), (edges >= bright_from - 1e-6).float()
            rows = torch.stack([-is_gray, is_gray - 2 * is_bright, is_bright]) * 2
            self.final.weight.copy_(rows.reshape(self.final.weight.shape))
            self.final.bias.copy_(torch.tensor([1.0, 0.0, -1.0]))

    def forward(self, x: Tensor) -> Tensor:
        """Answer (N, 3, *spatial)."""
        return self.final(self.steps(x).sigmoid())


def card(spatial_dims: int = 3, task: Task = Task.SEGMENT, **changes: Any) -> ModelCard:
    """Describe `Steps`."""
    given: dict[str, Any] = {
        "name": "steps",
        "version": "1",
        "task": task,
        "title": "Steps",
        "description": "For tests.",
        "licence": "CC0-1.0",
        "input": InputSpec(
            spatial_dims=spatial_dims,
            channels=("gray",),
            intensity=Intensity(kind="window", low=0, high=1000),
            patch_vox=(8, 16, 16)[3 - spatial_dims :],
        ),
        "output": OutputSpec(schema=SCHEMA),
        "network": NetworkSpec(target="steps"),
    }
    return ModelCard(**(given | changes))


def model(network: Any = None, of: ModelCard | None = None) -> LoadedModel:
    """Make a model ready."""
    of = of or card()
    network = Steps(of.input.spatial_dims) if network is None else network
    return place_model(ModelPackage(of, Path("steps")), network, LoadSettings(device="cpu", runtime="torch"))


def volume(samples: np.ndarray, spacing: tuple[float, float, float] = (2.0, 1.0, 1.0)) -> MedImage:
    """Make an image of samples (K, J, I)."""
    return MedImage(data=samples, geometry=Geometry.from_spacing(samples.shape, spacing), name="blocks")


def two_dark_blocks() -> tuple[np.ndarray, np.ndarray]:
    """Samples (12, 20, 28), and labels: gray blocks that are too dark for `Steps`, on ground of noise."""
    rng = np.random.default_rng(3)
    samples = rng.normal(100, 20, (12, 20, 28))
    truth = np.zeros(samples.shape, np.uint8)
    for box in ((slice(2, 6), slice(3, 12), slice(4, 11)), (slice(7, 11), slice(9, 17), slice(17, 26))):
        truth[box] = 1
    samples[truth == 1] += 200
    return samples.astype(np.float32), truth


def run(job: Any) -> Any:
    """Run a job to its end and raise what goes wrong."""
    outcome = drive(job)
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def dice(a: np.ndarray, b: np.ndarray, value: int = 1) -> float:
    """Overlap of one value."""
    return 2 * float(((a == value) & (b == value)).sum()) / max(int((a == value).sum() + (b == value).sum()), 1)
