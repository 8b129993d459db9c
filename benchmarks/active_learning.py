"""Does it pay to choose which case a person looks at next? Curves of every order of the work list, on real pictures.

python benchmarks/active_learning.py ../shared/data/medmnist/pneumoniamnist.npz [--repeats 20] [--out docs/images]

A person answers 10 cases drawn at random, then 10 more at a time in the order of the work list, up to 200; after every
ten a linear head is refitted on hand-made features of the answered cases, and its area under the ROC curve is measured
on the whole test split. Every repeat draws another pool of up to 1500 training pictures and another beginning, the same
for all orders. Differences to the random order are paired by repeat, with 95 % intervals (t). No times.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from napari_medclf.engine.active.doubt import score_entropy
from napari_medclf.engine.active.order import core_set, expected_gain, most_unsure, standardised
from napari_medclf.engine.classic.features.collect import HandMadeFeatures

N_POOL, N_AT_ONCE, N_ANSWERED = 1500, 10, 200
Pick = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""(features, doubt, is_open, generator) to indices of open cases, the next one first."""
ORDERS: dict[str, Pick] = {
    "random": lambda rows, doubt, is_open, rng: rng.permutation(np.flatnonzero(is_open)),
    "uncertainty": lambda rows, doubt, is_open, rng: most_unsure(doubt, is_open),
    "diversity": lambda rows, doubt, is_open, rng: core_set(rows, is_open, N_AT_ONCE),
    "gain": lambda rows, doubt, is_open, rng: expected_gain(rows, doubt, is_open, N_AT_ONCE)[0],
}


def main() -> None:
    """Print the table, and write the curves."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path, help="folder for active-learning-NAME.png")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    arrays = np.load(options.data)
    train, test = (arrays[f"{name}_images"] for name in ("train", "test"))
    rows = standardised(features(np.concatenate([train, test])))
    truth = np.concatenate([arrays[f"{name}_labels"][:, 0] for name in ("train", "test")]).astype(int)
    curves: dict[str, list[list[float]]] = {name: [] for name in ORDERS}
    for repeat in range(options.repeats):
        chosen = np.random.default_rng(repeat).permutation(len(train))[:N_POOL]
        for name, pick in ORDERS.items():
            curves[name].append(learn(rows, truth, chosen, len(train), pick, repeat))
    table = {name: np.asarray(values) for name, values in curves.items()}
    show(table)
    if options.out is not None:
        write(table, options)


def features(pictures: np.ndarray) -> np.ndarray:
    """Hand-made features of gray pictures (N, J, I)."""
    with torch.no_grad():
        return np.asarray(HandMadeFeatures(2, 1)(torch.from_numpy(pictures / 255.0)[:, None]))


def learn(rows: np.ndarray, truth: np.ndarray, chosen: np.ndarray, n_train: int, pick: Pick, seed: int) -> list[float]:
    """Answer cases in one order; the area under the curve after every ten."""
    rng = np.random.default_rng(1000 + seed)
    pool, answers = rows[chosen], truth[chosen]
    is_open = np.ones(len(chosen), dtype=bool)
    is_open[_beginning(answers, rng)] = False
    areas = []
    while True:
        head = LogisticRegression(C=0.01, max_iter=500).fit(pool[~is_open], answers[~is_open])
        areas.append(float(roc_auc_score(truth[n_train:], head.predict_proba(rows[n_train:])[:, 1])))
        if (~is_open).sum() >= N_ANSWERED:
            return areas
        scores = head.predict_proba(pool)
        doubt = np.array([score_entropy({"0": one[0], "1": one[1]}, is_exclusive=True) for one in scores])
        is_open[pick(pool, doubt, is_open, rng)[:N_AT_ONCE]] = False


def _beginning(answers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ten cases at random, drawn again until both classes are there, as a person would go on."""
    while True:
        drawn = rng.permutation(len(answers))[:N_AT_ONCE]
        if len(set(answers[drawn])) > 1:
            return drawn


def show(table: dict[str, np.ndarray]) -> None:
    """Print areas at some numbers of answers, and the mean difference to random over the whole curve."""
    counts = [20, 50, 100, 200]
    head = "".join(f"  {n:>4} cases" for n in counts)
    print(f"order       {head}   mean of the curve - random (95 %)    cases to be as good as random at 200")
    random = table["random"]
    for name, values in table.items():
        cells = "".join(f"  {values[:, n // N_AT_ONCE - 1].mean():10.4f}" for n in counts)
        low, middle, high = difference(values.mean(axis=1) - random.mean(axis=1))
        gain = "" if name == "random" else f"{middle:+.4f} ({low:+.4f} to {high:+.4f})"
        print(f"{name:12}{cells}   {gain:34}   {reached(values, random)}")


def difference(values: np.ndarray) -> tuple[float, float, float]:
    """Mean with its 95 % interval (t)."""
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() - half, values.mean(), values.mean() + half


def reached(values: np.ndarray, random: np.ndarray) -> str:
    """After how many answers the mean curve is as good as random order at its end."""
    found = np.flatnonzero(values.mean(axis=0) >= random.mean(axis=0)[-1])
    return str((int(found[0]) + 1) * N_AT_ONCE) if found.size else "not reached"


def write(table: dict[str, np.ndarray], options: argparse.Namespace) -> None:
    """Draw the curves with a band of two standard errors."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    name = f"active-learning-{options.data.stem}"
    options.out.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    for colour, (order, values) in zip(("#777777", "#D55E00", "#0072B2", "#009E73"), table.items(), strict=True):
        middle, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
        axes.plot(_counts(table), middle, color=colour, label=order, linewidth=1.8)
        axes.fill_between(_counts(table), middle - 2 * error, middle + 2 * error, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel("answered cases")
    axes.set_ylabel("area under the ROC curve, test split")
    axes.set_title(options.data.stem, fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(options.out / f"{name}.png", dpi=110)


def _counts(table: dict[str, np.ndarray]) -> range:
    return range(N_AT_ONCE, N_ANSWERED + 1, N_AT_ONCE)


if __name__ == "__main__":
    main()
