"""Does it pay to choose which case a person looks at next? Curves of every order of the work list, on real pictures.

python benchmarks/active_learning.py ../shared/data/medmnist/pneumoniamnist.npz [--repeats 20] [--out docs/images]

A person answers 10 cases drawn at random, then 10 more at a time in the order of the work list, up to 200; after every
ten a linear head is refitted on hand-made features of the answered cases, and its area under the ROC curve is measured
on the whole test split. Every repeat draws another pool of up to 1500 training pictures and another beginning, the same
for all orders. Differences to the random order are paired by repeat, with 95 % intervals (t). No times.
"""

from __future__ import annotations

import argparse
import json
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

COLOURS = ("#888888", "#D55E00", "#0072B2", "#009E73")
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
    parser.add_argument("--out", type=Path, help="folder for active-learning-NAME.svg and .json")
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
    """Keep the numbers, and draw the curves with a band of two standard errors, readable on light and dark pages."""
    name = f"active-learning-{options.data.stem}"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{name}.json").write_text(json.dumps({order: values.tolist() for order, values in table.items()}))
    (options.out / f"{name}.svg").write_text(draw(table))


def draw(table: dict[str, np.ndarray]) -> str:
    """Draw the curves as SVG."""
    means = {order: values.mean(axis=0) for order, values in table.items()}
    every = np.concatenate(list(means.values()))
    low, high = float(np.floor(every.min() * 50) / 50), float(np.ceil(every.max() * 50) / 50)

    def place(n: float, area: float) -> str:
        return f"{60 + 500 * n / N_ANSWERED:.1f},{20 + 260 * (high - area) / (high - low):.1f}"

    marks = [_grid_line(place(0, area), f"{area:.2f}") for area in np.arange(low, high + 1e-9, 0.02)]
    for number, (order, values) in enumerate(table.items()):
        error = 2 * values.std(axis=0, ddof=1) / np.sqrt(len(values))
        counts, middle, colour = list(_counts()), means[order], COLOURS[number]
        band = [place(n, y) for n, y in zip(counts, middle + error, strict=True)]
        band += [place(n, y) for n, y in zip(counts[::-1], (middle - error)[::-1], strict=True)]
        line = " ".join(place(n, y) for n, y in zip(counts, middle, strict=True))
        marks.append(f'<polygon points="{" ".join(band)}" fill="{colour}" opacity="0.18"/>')
        marks.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        marks.append(f'<text x="{300 + 72 * number}" y="12" fill="{colour}">{order}</text>')
    steps = (10, 50, 100, 150, 200)
    marks += [f'<text x="{60 + 500 * n / N_ANSWERED}" y="300" text-anchor="middle">{n}</text>' for n in steps]
    marks.append('<text x="310" y="322" text-anchor="middle">answered cases</text>')
    marks.append('<text x="60" y="12">area under the ROC curve, test split</text>')
    style = 'font-family="sans-serif" font-size="12" fill="#888888"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 330" {style}>{"".join(marks)}</svg>\n'


def _grid_line(start: str, text: str) -> str:
    y = float(start.partition(",")[2])
    return (
        f'<line x1="60" x2="560" y1="{y}" y2="{y}" stroke="#888888" stroke-opacity="0.3"/>'
        f'<text x="52" y="{y + 4}" text-anchor="end">{text}</text>'
    )


def _counts() -> range:
    return range(N_AT_ONCE, N_ANSWERED + 1, N_AT_ONCE)


if __name__ == "__main__":
    main()
