"""Do again what a run's or a model's description says, and tell whether the results are the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.events import Job
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.run import RunRecord, RunSpec
from napari_medclf.jobs.data import SPLITS_IN_PACKAGE
from napari_medclf.jobs.spec import options_from
from napari_medclf.store.project import Project

_PLACES = ("run.json", "metrics.json", "configs/run_spec.json", "run_spec.json")
COMMANDS = ("predict", "batch", "train", "pretrain", "evaluate")


@dataclass(frozen=True)
class RerunOptions:
    """Which run to do again."""

    run: Path = option(help="run.json, metrics.json, a run's folder, a model's folder, or a project", positional=True)
    out: Path = option(help="folder for the new results")
    data: Path | None = option(None, help="where the images are now; by default where they were")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Reran:
    """The result of the command that was done again, and what can be said about sameness."""

    command: str
    result: Any
    n_outputs: int = 0
    n_identical: int = 0


def rerun(options: RerunOptions) -> Job[Reran]:
    """Run a description again.

    Raises
    ------
    OptionError
        If the file describes no run, or its images are not there any more.
    """
    if Project.is_project(options.run):
        from napari_medclf.jobs.session.rerun import rerun_session

        return Reran("session", (yield from rerun_session(options.run, options.out)))
    path = _find(options.run)
    spec = read_spec(path)
    if spec.command == "train":
        return Reran("train", (yield from _train(spec, options, path)))
    if spec.command == "pretrain":
        return Reran("pretrain", (yield from _pretrain(spec, options)))
    changes = {"out": options.out, "resume": False, "dry_run": False, **_moved(spec, options)}
    if spec.command == "evaluate":
        from napari_medclf.jobs.evaluate import EvaluateOptions, evaluate

        changes |= {"record": False}
        return Reran("evaluate", (yield from evaluate(options_from(spec, EvaluateOptions, **changes))))
    return (yield from _run_cases(spec, changes, path))


def read_spec(path: Path) -> RunSpec:
    """Read the description of a run from any of our files that holds one.

    Raises
    ------
    OptionError
        If there is none in it.
    """
    try:
        content = json.loads(path.read_bytes())
        found = content.get("spec", content) if isinstance(content, dict) else content
        spec = RunSpec.model_validate(found)
    except OSError as error:
        raise OptionError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, ValidationError) as error:
        raise OptionError(f"{path}: describes no run; a run.json or run_spec.json was expected.") from error
    if spec.command not in COMMANDS:
        raise OptionError(f"{path}: {unknown_choice('command', spec.command, COMMANDS)}")
    return spec


def _find(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = next((path / place for place in _PLACES if (path / place).is_file()), None)
    if found is None:
        raise OptionError(f"{path}: holds no run; one of {', '.join(_PLACES)} was expected.")
    return found


def _moved(spec: RunSpec, options: RerunOptions) -> dict[str, Any]:
    """Say where the images are, under the name that the command has for it."""
    if options.data is None:
        return {}
    if spec.command == "predict":
        return {"paths": (options.data,)}
    return {"folder" if spec.command == "batch" else "data": options.data}


def _train(spec: RunSpec, options: RerunOptions, path: Path) -> Job[Any]:
    from napari_medclf.engine.auto.portfolio import AUTO
    from napari_medclf.jobs.train import Fixed, TrainOptions, train

    values = spec.options.get("fixed")
    if not isinstance(values, dict):
        raise OptionError(f"{path}: does not hold the recipe of the training.")
    splits = path.parent.parent / SPLITS_IN_PACKAGE
    changes = {"out": options.out, "resume": False, "register": False, "card": None}
    changes |= {} if spec.options.get("recipe") == AUTO else {"recipe": ""}
    changes |= {"split": splits if splits.is_file() else None, **_moved(spec, options)}
    again = options_from(spec, TrainOptions, **changes)
    if not again.data.exists():
        raise OptionError(f"The data {again.data} is not here. Say with --data where it is.")
    return (yield from train(again, Fixed(values["recipe"], values["said"])))


def _pretrain(spec: RunSpec, options: RerunOptions) -> Job[Any]:
    from napari_medclf.jobs.pretrain import PretrainOptions, pretrain

    changes = {"out": options.out, "resume": False, "register": False, **_moved(spec, options)}
    return (yield from pretrain(options_from(spec, PretrainOptions, **changes)))


def _run_cases(spec: RunSpec, changes: dict[str, Any], path: Path) -> Job[Reran]:
    from napari_medclf.jobs.batch.batch import batch
    from napari_medclf.jobs.batch.options import BatchOptions
    from napari_medclf.jobs.predict import PredictOptions, predict

    if spec.command == "batch":
        record = yield from batch(options_from(spec, BatchOptions, **changes))
    else:
        record = yield from predict(options_from(spec, PredictOptions, **changes))
    before = _outputs(RunRecord.model_validate_json(path.read_bytes())) if path.name == "run.json" else {}
    now = _outputs(record)
    n_identical = sum(1 for name, digest in before.items() if now.get(name) == digest)
    return Reran(spec.command, record, len(before), n_identical)


def _outputs(record: RunRecord) -> dict[str, str]:
    return {name: digest for case in record.cases for name, digest in case.outputs.items()}
