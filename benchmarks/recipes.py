"""Train every family of recipes on real data for the same time, and measure it on the same test cases.

python benchmarks/recipes.py ../shared/data [NAME ...] [--dims 2] [--max-minutes 5] [--seed 0] [--device cpu]

A family is trained on MedMNIST's pneumonia (2D) or adrenal glands (3D) to classify, on CHASE_DB1's vessels (2D) or
MSD's hippocampus (3D) to segment, on BCCD's blood cells to detect. Choices are made on validation cases alone; the test
cases are read once a model. Every run is `medclf train` and `medclf evaluate` in processes of their own, with one
thread; results go to `benchmarks/recipes.json`, from which `docs/recipe_table.py` writes the page, and runs that stand
there are not repeated. With a time limit this tells what a family learns in so many minutes, not what it can learn at
best.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from napari_medclf.domain.card import Task
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.registry import families, family

RESULTS = Path(__file__).with_name("recipes.json")
_DATA: dict[tuple[Task, int], tuple[str, tuple[str, ...]]] = {
    (Task.CLASSIFY, 2): ("medmnist/pneumoniamnist.npz", ()),
    (Task.CLASSIFY, 3): ("medmnist/adrenalmnist3d.npz", ()),
    (Task.SEGMENT, 2): ("retina_chase_db1", ("--val-fraction", "0.2", "--class-names", "vessel")),
    (Task.SEGMENT, 3): ("hippocampus_msd", ()),
    (Task.DETECT, 2): ("bccd_multilabel", ("--task", "detect")),
}
"""Data of a task and dimension, below the folder of data, with what the command line needs to know of it."""
_KEPT = ("auc", "accuracy", "balanced_accuracy", "dice", "nsd", "map", "ap50")


def main() -> None:
    """Run what is missing."""
    arguments = _arguments()
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    chosen = [family(name) for name in arguments.names] or list(families())
    for one in chosen:
        dims = arguments.dims if arguments.dims in one.spatial_dims else one.spatial_dims[0]
        key = f"{one.name}/{dims}d"
        if key in results or (one.tasks[0], dims) not in _DATA:
            continue
        try:
            results[key] = measure(one, dims, arguments)
        except subprocess.CalledProcessError as error:  # the others are still worth their time
            print(f"{key} failed: {error}", file=sys.stderr, flush=True)
            continue
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        print(key, json.dumps(results[key]), flush=True)


def measure(one: RecipeFamily, dims: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and measure one family; returns its numbers, with what they took."""
    place, words = _DATA[(one.tasks[0], dims)]
    if one.name.endswith("-deep"):  # on what a network of ours sees that learned from the same training cases
        words = (*words, "--init", "chest-xray-pneumonia")
    data = arguments.data / place
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / one.name
        before = _cpu_s()
        told = _medclf(
            "train", data, "--out", model, "--recipe", one.name, "--max-minutes", arguments.max_minutes, *words,
            "--seed", arguments.seed, "--device", arguments.device, "--no-register", "--no-baselines",
        )  # fmt: skip
        cpu_s = _cpu_s() - before
        out = Path(folder) / "evaluation"
        _medclf("evaluate", model, data, "--split", "test", "--out", out, "--device", arguments.device)
        document = json.loads((out / "metrics.json").read_text())
        return {
            "data": Path(place).stem,
            "metrics": {name: document[name] for name in _KEPT if name in document},
            "n_cases": document["n_cases"],
            "n_epochs": told["n_epochs"],
            "n_parameters": _count_parameters(model),
            "cpu_minutes": round(cpu_s / 60, 1),
            "max_minutes": arguments.max_minutes,
            "device": arguments.device,
            "seed": arguments.seed,
        }


def _count_parameters(model: Path) -> int:
    from safetensors import safe_open

    with safe_open(str(model / "models" / "model.safetensors"), "numpy") as weights:
        return sum(weights.get_tensor(name).size for name in weights.keys())  # noqa: SIM118  (not a dict)


def _medclf(*words: object) -> dict[str, Any]:
    code = "import sys; from napari_medclf.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *map(str, words), "--json"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=one_thread)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dims", type=int, choices=(2, 3), default=2)
    parser.add_argument("--max-minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
