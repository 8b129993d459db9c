"""Train on MedMNIST archives as anyone would, several seeds each, and measure on the official test split.

python benchmarks/medmnist.py ../shared/data/medmnist --sets breastmnist pneumoniamnist adrenalmnist3d \
    [--seeds 0 1 2] [--max-minutes 10] [--recipe auto] --out medmnist.json [--table docs/reference/medmnist.md]

Every run is ``medclf train ARCHIVE --recipe auto --max-minutes M --seed S`` and then ``medclf evaluate --split test``,
in processes of their own; choices are made on the validation split alone, and the test split is read once a model. A
classic model (``--recipe svm``) is trained and measured likewise. Runs that stand in the results already
are not repeated, so that the script can be stopped. No times are compared: this is about quality. Minutes of training
are told by the clock, and as time of the processor, which is less where other programs run beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLASSIC = "svm"
PUBLISHED = {
    "breastmnist": {"ResNet-18 (28)": (0.901, 0.863), "ResNet-50 (28)": (0.857, 0.812)},
    "pneumoniamnist": {
        "ResNet-18 (28)": (0.944, 0.854),
        "ResNet-50 (28)": (0.948, 0.854),
        "AutoKeras": (0.947, 0.878),
        "Google AutoML Vision": (0.991, 0.946),
    },
    "adrenalmnist3d": {
        "ResNet-18 + 3D": (0.827, 0.721),
        "ResNet-18 + ACS": (0.839, 0.754),
        "auto-sklearn": (0.828, 0.802),
    },
}
"""AUC and accuracy on the test split: Yang et al., MedMNIST v2, Scientific Data 10:41 (2023), Tables 3 and 4."""


def main() -> None:
    """Run what is missing, then print and write the table."""
    arguments = _arguments()
    results = _read(arguments.out)
    for name in arguments.sets:
        for seed in arguments.seeds:
            key = f"{name}/{seed}"
            if key not in results:
                results[key] = run(arguments.folder / f"{name}.npz", seed, arguments)
                arguments.out.write_text(json.dumps(results, indent=1) + "\n")
                print(key, json.dumps(results[key]), flush=True)
    text = table(results)
    print(text)
    if arguments.table is not None:
        _put(arguments.table, text)


def run(archive: Path, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and measure once; returns the numbers and how long the training took."""
    with tempfile.TemporaryDirectory() as folder:
        model, classic = Path(folder) / f"{archive.stem}-{seed}", Path(folder) / f"{archive.stem}-classic-{seed}"
        started, begun_s = time.perf_counter(), _processor_s()
        _train(archive, model, seed, "--recipe", arguments.recipe, "--max-minutes", arguments.max_minutes)
        measured = {
            "minutes": round((time.perf_counter() - started) / 60, 1),
            "processor_minutes": round((_processor_s() - begun_s) / 60, 1),
            "recipe": arguments.recipe,
            **_measure(model, archive),
        }
        if not arguments.baseline:
            return measured
        _train(archive, classic, seed, "--recipe", CLASSIC)
        return measured | {"baseline": _measure(classic, archive)}


def _processor_s() -> float:
    """Time of the processor that finished processes of ours have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _train(archive: Path, model: Path, seed: int, *words: object) -> None:
    always = ("--seed", seed, "--device", "cpu", "--no-register", "--no-baselines")
    _medclf("train", archive, "--out", model, *words, *always)


def _measure(model: Path, archive: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        _medclf("evaluate", model, archive, "--split", "test", "--out", folder, "--device", "cpu")
        document = json.loads((Path(folder) / "metrics.json").read_text())
    return {name: document[name]["value"] for name in ("auc", "accuracy")}


def _medclf(*words: object) -> None:
    code = "import sys; from napari_medclf.cli.main import main; sys.exit(main())"
    subprocess.run([sys.executable, "-c", code, *map(str, words)], check=True, stderr=sys.stderr, stdout=sys.stderr)


def table(results: dict[str, Any]) -> str:
    """Lay out means over seeds beside the published figures."""
    lines = ["| archive | method | AUC | accuracy | of seeds |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(key.partition("/")[0] for key in results):
        runs = [results[key] for key in results if key.startswith(f"{name}/")]
        lines.append(_row(name, f"**`--recipe {runs[0]['recipe']}`**, at most {_time_of(runs)}", runs))
        if all("baseline" in one for one in runs):
            lines.append(_row(name, f"our classic model, `--recipe {CLASSIC}`", [one["baseline"] for one in runs]))
        for method, (area, accuracy) in PUBLISHED.get(name, {}).items():
            lines.append(f"| {name} | {method}, published | {area:.3f} | {accuracy:.3f} | |")
    return "\n".join(lines)


def _time_of(runs: Sequence[dict[str, Any]]) -> str:
    told = f"{max(one['minutes'] for one in runs):.0f} min"
    if not all("processor_minutes" in one for one in runs):
        return told
    return f"{told} ({max(one['processor_minutes'] for one in runs):.0f} of the processor)"


def _row(name: str, method: str, runs: Sequence[dict[str, float]]) -> str:
    cells = []
    for kind in ("auc", "accuracy"):
        values = [one[kind] for one in runs]
        spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.3f}{spread}")
    return f"| {name} | {method} | {cells[0]} | {cells[1]} | {len(runs)} |"


def _put(page: Path, text: str) -> None:
    begin, end = "<!-- medmnist: begin (benchmarks/medmnist.py writes this part) -->", "<!-- medmnist: end -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(PUBLISHED))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--max-minutes", type=float, default=10.0)
    parser.add_argument("--recipe", default="auto")
    parser.add_argument("--no-baseline", dest="baseline", action="store_false", help="leave the classic model out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
