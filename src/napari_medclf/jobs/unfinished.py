"""The folder of a training that is not finished: checkpoints, and what was asked for."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.run import RunSpec

_FREE_TO_CHANGE = frozenset({"resume", "out", "max_minutes", "device", "register", "card", "track", "track_to"})
"""Options that a resumed training may give anew."""


@dataclass(frozen=True)
class UnfinishedTraining:
    """A folder beside the future model, ``<out>.training``, that goes when the model is there."""

    folder: Path

    @classmethod
    def beside(cls, out: Path) -> UnfinishedTraining:
        """The folder that belongs to a future model's folder."""
        return cls(out.with_name(out.name + ".training"))

    @property
    def checkpoints(self) -> Path:
        """Where the network's states are."""
        return self.folder / "checkpoints"

    @property
    def package(self) -> Path:
        """Where the model is measured before it appears under its name."""
        return self.folder / "package"

    def begin(self, spec: RunSpec, *, resume: bool) -> None:
        """Make the folder, or enter it again.

        Raises
        ------
        OptionError
            If there is an unfinished training and it is not to be resumed, or it was asked for with
            other options.
        """
        path = self.folder / "run_spec.json"
        if path.exists():
            if not resume:
                raise OptionError(
                    f"{self.folder} holds an unfinished training. Go on with --resume, or remove that folder."
                )
            _check_same(self.folder, RunSpec.model_validate_json(path.read_bytes()), spec)
        atomic_write(path, spec.model_dump_json(indent=2))

    def record(self, history: tuple[dict[str, float], ...]) -> None:
        """Keep the numbers of every epoch beside the checkpoints."""
        atomic_write(self.folder / "history.json", json.dumps(history, indent=1))

    def remove_if_vain(self) -> None:
        """Forget a training that ended before its first epoch: there is nothing to go on from."""
        if not any(self.checkpoints.glob("*.pt")):
            self.remove()

    def remove(self) -> None:
        """Forget the training; its model is there."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _check_same(folder: Path, before: RunSpec, now: RunSpec) -> None:
    for name, value in now.options.items():
        if name not in _FREE_TO_CHANGE and before.options.get(name, value) != value:
            raise OptionError(
                f"{folder} was started with {name} = {before.options[name]!r}, not {value!r}. Give the same options "
                "to resume it, or train into another folder."
            )
