"""What a model said about the hold-out, kept so that the next verdict need not ask it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import WriteError

_FOLDER = "holdout-answers"
_DIGITS = 16


class HeldOutAnswer(BaseModel):
    """How one model did on one held-out case.

    Parameters
    ----------
    learned_key : str
        Digest of the image as ``configs/learned.json`` of a package has it.
    values : dict
        Numbers of the case by name; None where one is not defined.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    learned_key: str
    values: dict[str, float | None] = Field(default_factory=dict)


@dataclass(frozen=True)
class AnswerShelf:
    """The answers of one model, in a file named by its weights; losing it costs time only."""

    project: Path
    weights_sha256: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.project / _FOLDER / f"{self.weights_sha256[:_DIGITS]}.json"

    def read(self) -> dict[str, HeldOutAnswer]:
        """Read all answers by ``<image digest>:<answer digest>``; a damaged file counts as none."""
        try:
            content = json.loads(self.path.read_bytes())
            return {key: HeldOutAnswer.model_validate(one) for key, one in content["answers"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, ValidationError):
            return {}

    def write(self, answers: Mapping[str, HeldOutAnswer]) -> None:
        """Keep answers.

        Raises
        ------
        WriteError
            If they cannot be written.
        """
        content = {"schema_version": 1, "answers": {key: one.model_dump(mode="json") for key, one in answers.items()}}
        try:
            atomic_write(self.path, json.dumps(content) + "\n")
        except OSError as error:
            raise WriteError(f"{self.path}: cannot be written ({error.strerror or error}).") from error
