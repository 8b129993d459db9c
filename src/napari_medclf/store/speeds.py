"""How long cases took with a model on this computer, kept in a person's folder to foresee the next run."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_medclf.atomic import atomic_write

_MOST_KEPT = 256


class CaseTime(BaseModel):
    """One case that was run.

    Parameters
    ----------
    network_vox, source_vox : int
        Voxels that went through the network, and samples of the image's file.
    elapsed_s : float
        From the beginning of reading to the last file on disk, without waiting.
    """

    model_config = ConfigDict(frozen=True)

    network_vox: int = Field(ge=0)
    source_vox: int = Field(ge=0)
    elapsed_s: float = Field(gt=0)


class Times(BaseModel):
    """What is kept of the runs with a model.

    Parameters
    ----------
    cases : tuple of CaseTime
        The newest last.
    overlap : float or None
        The clock's time of the last run as a part of the sum over its cases: below 1 where reading, answering and
        writing went on at the same time.
    n_runs : int
        How many runs these figures come from.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    cases: tuple[CaseTime, ...] = ()
    overlap: float | None = None
    n_runs: int = 0


@dataclass(frozen=True)
class Speeds:
    """The file of a model, its weights and how it is run; another computer that shares the folder has its own.

    Parameters
    ----------
    user_folder : Path
        Of the person (`catalogue.default_user_folder`).
    model : str
        Digest of the weights, or name and version where there is none.
    how : tuple of str
        What else decides how long it takes: device, runtime, precision, processes.
    """

    user_folder: Path
    model: str
    how: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the figures are."""
        key = "\n".join((self.model, *self.how, platform.node()))
        return self.user_folder / "speeds" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"

    def read(self) -> Times:
        """Read what is kept; nothing where there is none, or it is damaged."""
        try:
            return Times.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return Times()

    def add(self, cases: Iterable[CaseTime], wall_s: float) -> None:
        """Add the cases of a run; that nothing can be kept is no reason to fail.

        Parameters
        ----------
        wall_s : float
            What these cases took by the clock.
        """
        new = tuple(cases)
        if not new:
            return
        before = self.read()
        after = Times(
            cases=(*before.cases, *new)[-_MOST_KEPT:],
            overlap=wall_s / sum(case.elapsed_s for case in new),
            n_runs=before.n_runs + 1,
        )
        with suppress(OSError):
            atomic_write(self.path, after.model_dump_json() + "\n")
