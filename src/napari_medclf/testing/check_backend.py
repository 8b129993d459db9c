"""Find out whether a backend keeps its word; for authors of extensions and for our own.

from napari_medclf.testing.check_backend import check_backend

def test_my_backend_keeps_its_word(tmp_path):
assert check_backend(MyBackend(), Path("a/good/model"), tmp_path) == ()
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.backend import Backend, Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.testing.damage import damaged_copies
from napari_medclf.testing.phantoms import integer_noise, oblique_phantom

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,30}")
_CPU = LoadSettings("cpu", runtime="torch")


def check_backend(
    backend: Backend,
    model: Path,
    scratch: Path,
    *,
    card: ModelCard | None = None,
    image: MedImage | None = None,
    files: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Try a backend on a good model and on everything that can be wrong with its files.

    Parameters
    ----------
    model : Path
        A small model that works: seconds, not minutes, as it is loaded some thirty times.
    scratch : Path
        An empty folder for copies.
    card : ModelCard or None
        Given to `read`, where the files do not say enough.
    image : MedImage or None
        What the model is run on; by default an oblique phantom with the card's channels and modality.
    files : sequence of str or None
        Paths below a model's folder that it cannot do without: each is damaged in turn. None takes every file.

    Returns
    -------
    tuple of str
        What is not as it should be, as sentences; empty for a good backend.
    """
    problems = [*_check_words(backend), *_check_recognition(backend, model, scratch)]
    if problems:
        return tuple(problems)
    try:
        package = backend.read(model, card)
        predictor = backend.load(package, _CPU)
    except Exception as error:  # noqa: BLE001  (any failure is a finding)
        return (f"The good model {model} was refused: {type(error).__name__}: {error}",)
    if package.card.backend != backend.name:
        problems.append(f"read() made a card of the backend {package.card.backend!r}, not {backend.name!r}.")
    problems += _check_answers(predictor, image or phantom_for(package.card))
    for what, copy in damaged_copies(model, scratch / "damaged", files or ()):
        problems += _check_damaged(backend, what, copy, scratch / "canary", card)
        _delete(copy)
    return tuple(problems)


def phantom_for(card: ModelCard) -> MedImage:
    """Make an image that fits a card: oblique and lop-sided in 3D, a lop-sided picture in 2D."""
    spec = card.input
    modality = spec.modality[0] if spec.modality else ""
    if spec.spatial_dims == 2:
        geometry = Geometry.flat(52, 44)
    else:
        spacing = spec.spacing_mm or (1.0, 1.0, 1.0)
        geometry = Geometry(oblique_phantom().geometry.affine, (12, 20, 28))
        steps = np.asarray(spacing) / geometry.spacing * (1.5, 0.9, 0.7)
        geometry = Geometry(geometry.affine @ np.diag([*steps, 1.0]), geometry.shape)
    samples = 300 + _blocky(geometry.shape, len(spec.channels))
    n = len(spec.channels)
    kind = ChannelKind.NONE if n == 1 else ChannelKind.COLOUR if _is_colour(spec.channels) else ChannelKind.CHANNEL
    data = samples[0] if n == 1 else samples
    if kind is ChannelKind.COLOUR or spec.spatial_dims == 2:
        data = np.clip(data / 4, 0, 255).astype(np.uint8)
    names = () if n == 1 else spec.channels
    return MedImage(data, geometry, "phantom", modality=modality, channel_kind=kind, channel_names=names)


def _blocky(shape: tuple[int, int, int], n_channels: int) -> FloatArray:
    """Noise with a grain of four voxels, so that a network sees structure."""
    coarse = integer_noise((n_channels, *(-(-n // 4) for n in shape)), 200)
    fine = coarse.repeat(4, axis=1).repeat(4, axis=2).repeat(4, axis=3)
    return np.asarray(fine[:, : shape[0], : shape[1], : shape[2]] + integer_noise((n_channels, *shape), 20, seed=2))


def _is_colour(names: tuple[str, ...]) -> bool:
    return tuple(name.casefold() for name in names) == ("red", "green", "blue")


def _check_words(backend: Backend) -> Iterator[str]:
    if not isinstance(backend, Backend):
        yield f"{type(backend).__name__} lacks something of the protocol domain.backend.Backend."
        return
    if not _NAME.fullmatch(backend.name):
        yield f"The name {backend.name!r} should be short and lower case, such as 'onnx'."
    if not backend.title or "\n" in backend.title:
        yield f"The title {backend.title!r} should be one line for people."
    reason = backend.unavailable_because()
    if reason:
        yield f"It is not available here, so that nothing else was checked: {reason}"


def _check_recognition(backend: Backend, model: Path, scratch: Path) -> Iterator[str]:
    for what, path in (("the good model", model), *_strangers(scratch / "strangers")):
        try:
            is_known = backend.recognises(path)
        except Exception as error:  # noqa: BLE001
            yield f"recognises() raised {type(error).__name__} for {what}; it must never raise."
            continue
        if is_known != (path is model):
            yield f"recognises() is {str(is_known).lower()} for {what}."


def _strangers(folder: Path) -> Iterator[tuple[str, Path]]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "empty.bin").write_bytes(b"")
    (folder / "letter.txt").write_text("Dear colleague,\n")
    (folder / "page.html").write_text("<html><body>404</body></html>\n")
    (folder / "some.json").write_text('{"a": 1}\n')
    yield "a path that is not there", folder / "missing"
    yield "an empty folder", folder / "empty"
    for name in ("empty.bin", "letter.txt", "page.html", "some.json"):
        yield f"a file {name}", folder / name


def _check_answers(predictor: Predictor, image: MedImage) -> Iterator[str]:
    if not predictor.place:
        yield "place is empty; it should say where the model computes, such as 'cpu'."
    before = np.array(image.data)
    first, n_events = _run(predictor.predict(image, RunSettings()))
    again, _ = _run(predictor.predict(image, RunSettings()))
    if n_events == 0:
        yield "predict() yields no event; without one a person can neither see progress nor stop it."
    if not np.array_equal(before, np.asarray(image.data)):
        yield "predict() changed the samples of the image it was given."
    yield from _check_result(first, image, predictor.package.card)
    if not _are_equal(first, again):
        yield "Two runs on the same image gave different answers."
    job = predictor.predict(image, RunSettings())
    next(job, None)
    try:
        job.close()
    except Exception as error:  # noqa: BLE001
        yield f"Stopping after the first event raised {type(error).__name__}."


def _run(job: Job[Prediction]) -> tuple[Prediction, int]:
    n_events = 0
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value, n_events
        n_events += 1


def _check_result(prediction: Prediction, image: MedImage, card: ModelCard) -> Iterator[str]:
    answers = (prediction.segmentation, prediction.classification, prediction.detection)
    if all(answer is None for answer in answers):
        yield "The prediction holds no answer."
    for answer in (prediction.segmentation, prediction.detection):
        if answer is not None and not answer.geometry.same_grid(image.geometry):
            yield "The answer does not lie on the grid of the image."
    if prediction.classification is not None:
        scores = prediction.classification.scores
        if set(scores) != set(card.schema_.names):
            yield f"The scores are of {sorted(scores)}, but the card's classes are {sorted(card.schema_.names)}."
        if not all(0 <= score <= 1 for score in scores.values()):
            yield "A score lies outside of 0 to 1."
    if prediction.model != card.name:
        yield f"The prediction names the model {prediction.model!r}, its card {card.name!r}."


def _are_equal(one: Prediction, other: Prediction) -> bool:
    if one.segmentation is not None and other.segmentation is not None:
        return np.array_equal(one.segmentation.labels, other.segmentation.labels)
    if one.detection is not None and other.detection is not None:
        return np.array_equal(one.detection.boxes, other.detection.boxes)
    return one.classification == other.classification


def _check_damaged(backend: Backend, what: str, copy: Path, canary: Path, card: ModelCard | None) -> Iterator[str]:
    try:
        _open(backend, copy, card)
    except MedclfError as error:
        if "\n" in str(error) or "\x1b" in str(error):
            yield f"The refusal of {what} is not one line: {str(error)[:80]!r}"
    except Exception as error:  # noqa: BLE001
        yield f"{what}: {type(error).__name__} instead of a CardError: {str(error)[:120]}"
    else:
        yield f"{what}: was loaded as if nothing were wrong."
    if canary.exists():
        canary.unlink()
        yield f"{what}: code in the file ran."


def _open(backend: Backend, path: Path, card: ModelCard | None) -> None:
    if backend.recognises(path):
        backend.load(backend.read(path, card), _CPU)
    else:
        raise MedclfError("This is not a model of the backend.")


def _delete(copy: Path) -> None:
    if copy.is_dir():
        shutil.rmtree(copy)
    else:
        copy.unlink(missing_ok=True)
