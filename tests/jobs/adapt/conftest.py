"""Blobs on pictures of two sites, a small network that knows one of them, and projects of corrections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.results import Sample, Segmentation
from napari_medclf.domain.run import RunSpec
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.jobs.api import run
from napari_medclf.store.bundle import write_package
from napari_medclf.store.project import Project

SHAPE = (24, 32)
BLOB = LabelSchema.from_names(["blob"], first_value=1)
NETWORK = NetworkSpec(
    target="monai.networks.nets.BasicUNet",
    arguments={
        "spatial_dims": 2, "in_channels": 1, "out_channels": 2, "features": [8, 8, 16, 16, 16, 8],
        "norm": ["instance", {"affine": True}],
    },
)  # fmt: skip
INPUT = InputSpec(
    spatial_dims=2, channels=("gray",), intensity=Intensity(kind="zscore", low=0, high=100),
    patch_vox=(32, 32), divisible_by=16,
)  # fmt: skip
RECIPE = Recipe(network=NETWORK, input=INPUT, batch=8)


def blob(number: int, site: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw a blob: bright at site A, dark at site B; returns picture and labels, both (1, 24, 32)."""
    random = np.random.default_rng(number)
    j, i = np.mgrid[: SHAPE[0], : SHAPE[1]]
    centre, radius = random.uniform((8, 9), (16, 23)), random.uniform(4, 6, 2)
    labels = (((j - centre[0]) / radius[0]) ** 2 + ((i - centre[1]) / radius[1]) ** 2 < 1).astype(np.uint8)
    sign = 1.0 if site == "A" else -1.0
    picture = random.normal(0, 12, SHAPE) + 128 + sign * 60 * labels
    return picture[np.newaxis].astype(np.float32), labels[np.newaxis]


def image_of(number: int, site: str) -> MedImage:
    """The picture as an image without a scale."""
    picture, _ = blob(number, site)
    geometry = Geometry(np.eye(4), picture.shape, unit=Unit.PIXEL)
    return MedImage(picture, geometry, name=f"{site}{number}", scale=Scale.RAW)


@pytest.fixture(scope="session")
def blob_model(tmp_path_factory) -> ModelPackage:
    """A segmenter that knows the bright blobs of site A only."""
    import torch
    from safetensors.torch import save

    from napari_medclf.engine.adapt.learn import adapt_network
    from napari_medclf.engine.adapt.lessons import Lessons
    from napari_medclf.engine.adapt.settings import AdaptSettings, Part
    from napari_medclf.engine.networks import build_network
    from napari_medclf.engine.prepare import prepare
    from napari_medclf.engine.train.cases import TrainCase

    card = ModelCard(
        name="blobs", version="1.0", task=Task.SEGMENT, title="Blobs", description="Finds blobs.", input=INPUT,
        output=OutputSpec(schema=BLOB), network=NETWORK, licence="MIT",
    )  # fmt: skip
    cases = []
    for number in range(100, 112):
        prepared = prepare(image_of(number, "A"), INPUT)
        sample = Sample(prepared.data[:, 0], blob(number, "A")[1][0].astype(np.int64))
        cases.append(TrainCase(str(number), str(number), sample))
    torch.manual_seed(0)
    settings = AdaptSettings(Part.ALL, n_steps=100, lr=5e-3)
    learned = run(adapt_network(build_network(NETWORK), card, RECIPE, Lessons(tuple(cases)), settings))
    spec = RunSpec(command="train", options={"fixed": {"recipe": RECIPE.model_dump(mode="json")}})
    return write_package(tmp_path_factory.mktemp("model") / "blobs", card, save(learned.state_dict), spec, "MIT\n")


@pytest.fixture(scope="session")
def make_project() -> Callable[..., Project]:
    """Make a project of finished cases, one a patient: ``{"A": (1, 2), "B": (3,)}`` names sites and pictures."""

    def make(
        folder: Path, sites: dict[str, tuple[int, ...]], *, poisoned: tuple[int, ...] = (), value: int = 1
    ) -> Project:
        classes = LabelSchema.from_names(["blob"], first_value=value)
        project = Project.create(folder, name=folder.name, task=Task.SEGMENT, classes=classes)
        for site, numbers in sites.items():
            for number in numbers:
                add_case(project, number, site, labels_of=number + 50 if number in poisoned else number)
        return project

    return make


@pytest.fixture
def project_of(tmp_path: Path, make_project) -> Callable[..., Project]:
    """As `make_project`, in a folder of its own."""
    return lambda sites, name="project", **more: make_project(tmp_path / name, sites, **more)


@pytest.fixture(scope="session")
def add_blob() -> Callable[..., str]:
    """Add a finished case to a project: number, site, and of which picture its labels are."""
    return add_case


@pytest.fixture(scope="session")
def blob_image() -> Callable[[int, str], MedImage]:
    """Draw a blob as an image: number and site."""
    return image_of


def add_case(project: Project, number: int, site: str, labels_of: int | None = None) -> str:
    """Add a finished case; its labels may be those of another picture."""
    from napari_medclf.domain.annotation import Annotation, Origin
    from napari_medclf.domain.dataset import FileRef
    from napari_medclf.io.digest import array_digest
    from napari_medclf.store.authorship import now_utc

    image = image_of(number, site)
    path = project.folder / "images" / f"{image.name}.nii.gz"
    path.parent.mkdir(exist_ok=True)
    write_image(image, path)
    digest = array_digest(image.data)
    case = project.add_case(FileRef(path), image_digest=digest, group_id=f"patient-{number}", facts={"site": site})
    labels = blob(number if labels_of is None else labels_of, site)[1] * project.info.classes.foreground[0].value
    answer = Annotation(
        case_id=case.case_id, group_id=case.group_id, image_digest=digest, label_digest=array_digest(labels),
        origin=Origin.CORRECTED, author="reader", created=now_utc(), n_edited_vox=int((labels > 0).sum()),
        active_s=30.0,
    )  # fmt: skip
    said = Segmentation(labels, image.geometry, project.info.classes)
    project.save_annotation(answer, write_labels=lambda target: write_segmentation(said, target))
    return case.case_id
