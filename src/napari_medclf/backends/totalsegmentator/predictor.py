"""One image through TotalSegmentator and back."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_medclf.backends.external.process import ProgramFailed, run_program
from napari_medclf.backends.totalsegmentator.program import Program, environment
from napari_medclf.domain.errors import CardError, GridError, MedclfError, SchemaError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.run_settings import RunSettings

_DEFAULT_SETTINGS = RunSettings()
_MESSAGE = "TotalSegmentator"


@dataclass(frozen=True)
class TotalSegmentatorModel:
    """A task that is ready to run.

    Parameters
    ----------
    device : str
        As TotalSegmentator names it: ``cpu``, ``gpu``, ``gpu:1``, ``mps``.
    """

    package: ModelPackage
    program: Program
    device: str

    @property
    def place(self) -> str:
        """Where it computes."""
        return f"{self.device} TotalSegmentator"

    def predict(self, image: MedImage, settings: RunSettings = _DEFAULT_SETTINGS) -> Job[Prediction]:
        """Write the image, run the program, read its labels back.

        Settings of our own windows do not apply.

        Yields
        ------
        Progress
            Closing the generator there ends the program.

        Raises
        ------
        CardError
            If the image is no volume in millimetres with one channel.
        MedclfError
            If the program fails, or answers on another grid or with other classes.
        """
        from napari_medclf.engine.contract.check import check_contract

        started = time.perf_counter()
        _check(image)
        yield Progress(0, 0, "Writing the image for TotalSegmentator")
        with tempfile.TemporaryDirectory(prefix="medclf-") as folder:
            segmentation = yield from self._run(image, Path(folder))
        violations = check_contract(image, self.package.card)
        return Prediction(
            model=self.package.card.name,
            model_version=self.package.card.version,
            image_name=image.name,
            segmentation=segmentation,
            warnings=tuple(one.sentence for one in violations),
            violations=violations,
            place=self.place,
            elapsed_s=time.perf_counter() - started,
        )

    def _run(self, image: MedImage, folder: Path) -> Job[Segmentation]:
        from napari_medclf.io.labels import read_label_map
        from napari_medclf.io.write import write_image

        source, answer = folder / "image.nii.gz", folder / "labels.nii.gz"
        write_image(image, source)
        try:
            yield from run_program(self._command(source, answer), folder, _MESSAGE, environment())
        except ProgramFailed as error:
            raise MedclfError(_explain(str(error), self.package)) from error
        if not answer.is_file():
            raise MedclfError("TotalSegmentator ended without an answer.")
        found = read_label_map(answer)
        if not found.geometry.same_grid(image.geometry):
            raise GridError("TotalSegmentator answered on another grid than the image's; the answer is not used.")
        schema = self.package.card.schema_
        try:
            schema.check_values(np.unique(found.labels).tolist())
        except SchemaError as error:
            raise MedclfError(f"TotalSegmentator answered with classes it did not announce. {error}") from error
        return Segmentation(found.labels, image.geometry, schema, False, image.source.digest, self.package.card.name)

    def _command(self, source: Path, answer: Path) -> list[str]:
        chosen = self.package.card.network.arguments
        command = [str(self.program.executable), "-i", str(source), "-o", str(answer), "--ml"]
        command += ["--task", str(chosen["task"]), "--device", self.device]
        return [*command, "--fast"] if chosen.get("fast") else command


def _check(image: MedImage) -> None:
    if image.channel_kind is not ChannelKind.NONE:
        raise CardError(f"{image.name}: has {image.n_channels} {image.channel_kind} channels; choose one of them.")
    if image.is_flat or image.geometry.unit is not Unit.MILLIMETRE:
        raise CardError(f"{image.name}: TotalSegmentator takes volumes with a scale in millimetres.")


def _explain(said: str, package: ModelPackage) -> str:
    lower = said.lower()
    if "license" in lower or "licence" in lower:
        return (
            f"{package.name} needs a licence of TotalSegmentator, which is not set: `totalseg_set_license -l NUMBER`."
        )
    if "proxy" in lower or "max retries" in lower or "download" in lower:
        return f"The weights of {package.name} are not there yet. {package.card.limits[0]}"
    return f"TotalSegmentator failed: {said}"
