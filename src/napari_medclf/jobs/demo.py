"""Show what this program does on images that come inside its dependencies: pictures, then the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseDone, CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.jobs.stain import blue_stain

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Prediction


@dataclass(frozen=True)
class DemoOptions:
    """Where the pictures go, and whether the window is shown."""

    out: Path = option(Path("medclf-demo"), help="folder for the pictures")
    window: bool = option(True, help="open napari with the workbench; on a virtual display if there is none")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Scene:
    """One picture of the demo: an image, and the model that is run on it (empty for none)."""

    name: str
    title: str
    load: Callable[[], MedImage]
    model: str = ""
    credit: str = ""
    as_seen: Callable[[MedImage], MedImage] | None = None
    """What the model is shown in place of the picture; on the same grid."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Parameters
    ----------
    rows : tuple of dict
        One a picture: what the model said.
    """

    out: Path
    pictures: tuple[Path, ...]
    rows: tuple[dict[str, Any], ...]
    screenshots: tuple[Path, ...] = ()


def demo(options: DemoOptions) -> Job[DemoResult]:
    """Run the embedded models, draw what they say, and show the window; nothing is downloaded.

    Raises
    ------
    MedclfError
        If not one picture could be made.
    """
    pictures: list[Path] = []
    rows: list[dict[str, Any]] = []
    for position, scene in enumerate(SCENES):
        yield Progress(position, len(SCENES), scene.title)
        path = options.out / f"{scene.name}.png"
        try:
            rows.append((yield from _play(scene, path, position)))
        except MedclfError as error:
            yield CaseFailed(scene.name, path, str(error))
            continue
        pictures.append(path)
        yield CaseDone(scene.name, path)
    if not pictures:
        raise MedclfError("Not one picture of the demo could be made; the reasons stand above.")
    screenshots = (yield from _show_window(options.out)) if options.window else ()
    return DemoResult(options.out, tuple(pictures), tuple(rows), screenshots)


def _sample(package: str, below: str) -> Callable[[], MedImage]:
    def load() -> MedImage:
        from napari_medclf.io.samples import read_sample

        return read_sample(package, below)

    return load


def _chest() -> MedImage:
    from napari_medclf.testing.phantoms import chest_phantom

    return chest_phantom(with_opacity=True, rows=384, columns=448)


def _hippocampus() -> MedImage:
    from napari_medclf.testing.hippocampus_phantom import hippocampus_phantom

    return hippocampus_phantom().image


SCENES = (
    Scene(
        "retina",
        "Retinal vessels in a fundus photograph",
        _sample("skimage", "data/retina.jpg"),
        "retina-vessels",
        "Photograph: scikit-image's sample data (CC0).",
    ),
    Scene(
        "tissue",
        "Nuclei in stained colon tissue",
        _sample("skimage", "data/ihc.png"),
        "nuclei",
        "Micrograph: scikit-image's sample data. The model was shown the blue stain alone, smoothed.",
        as_seen=blue_stain,
    ),
    Scene(
        "chest",
        "Chest radiograph, drawn, with an opacity",
        _chest,
        "chest-xray-pneumonia",
        "A drawing, not a patient: it shows how answers look, not how good the model is.",
    ),
    Scene(
        "hippocampus",
        "Hippocampus in an MR volume, drawn",
        _hippocampus,
        "hippocampus-mr",
        "A drawing, not a patient: it shows how answers look, not how good the model is.",
    ),
    Scene("ct", "A CT slice, read from DICOM", _sample("pydicom", "data/test_files/CT_small.dcm")),
    Scene("mr", "An MR slice, read from DICOM", _sample("pydicom", "data/test_files/MR_small.dcm")),
)


def _play(scene: Scene, path: Path, position: int) -> Job[dict[str, Any]]:
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.nested import within
    from napari_medclf.jobs.predict import RunOptions, predict_image

    image = scene.load()
    prediction: Prediction | None = None
    if scene.model:
        seen = scene.as_seen(image) if scene.as_seen else image
        running = predict_image(seen, find_model(scene.model), RunOptions())
        prediction = yield from within(running, position, len(SCENES), scene.title)
    _draw(scene, image, prediction, path)
    return {"name": scene.name, "picture": str(path), **_said(image, prediction)}


def _draw(scene: Scene, image: MedImage, prediction: Prediction | None, path: Path) -> None:
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.render import draw_prediction

    who = f"Model: {prediction.model} {prediction.model_version}. " if prediction else ""
    notes = tuple(note for note in (_facts(image), scene.credit, f"{who}Research use only.") if note)
    buffer = BytesIO()
    draw_prediction(image, prediction, scene.title, notes).save(buffer, "PNG")
    atomic_write(path, buffer.getvalue())


def _facts(image: MedImage) -> str:
    size = " x ".join(map(str, image.geometry.shape))
    step = " x ".join(f"{one:.3g}" for one in image.geometry.spacing)
    scale = f"steps of {step} mm" if image.geometry.unit.value == "mm" else "no scale"
    return ", ".join(part for part in (image.modality, f"{size} (slices x rows x columns)", scale) if part)


def _said(image: MedImage, prediction: Prediction | None) -> dict[str, Any]:
    from napari_medclf.engine.measure import class_volumes, object_sizes

    said: dict[str, Any] = {"shape": list(image.data.shape), "modality": image.modality}
    if prediction is None:
        return said
    said |= {"model": prediction.model, "model_version": prediction.model_version, "warnings": prediction.warnings}
    if prediction.classification is not None:
        said["scores"] = prediction.classification.scores
    segmentation = prediction.segmentation
    if segmentation is not None:
        said["sizes"] = {one.class_name: one.size for one in class_volumes(segmentation)}
        if segmentation.is_instances:
            said["n_objects"] = len(object_sizes(segmentation))
    return said


def _show_window(out: Path) -> Job[tuple[Path, ...]]:
    from napari_medclf.jobs.window_process import NoDisplay, show_window

    before = set(out.glob("*.png"))
    try:
        yield from show_window(out)
    except NoDisplay as error:
        yield Warned(str(error))
    except MedclfError as error:  # the pictures are there all the same
        yield CaseFailed("window", out, str(error))
    return tuple(sorted(set(out.glob("*.png")) - before))
