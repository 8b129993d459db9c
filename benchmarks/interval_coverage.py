"""How often 95 % intervals hold the truth, by simulation, where a patient has one image or four.

Patients differ: half of what makes an image look ill is shared by all images of its patient. Each row draws many
studies of that size from a population whose true number is known, and counts how many intervals hold it.

    python benchmarks/interval_coverage.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from napari_medclf.engine.metrics.bootstrap import bootstrap
from napari_medclf.engine.metrics.classification import area_under_curve
from napari_medclf.engine.metrics.delong import area_interval, area_interval_by_group

N_STUDIES, N_RESAMPLES = 200, 200
GAIN, SHARED = 1.5, 0.5
Interval = tuple[float, float]


def draw_study(n_patients: int, n_images: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Draw truth, scores and patients of a study; half of the patients are ill."""
    ill = np.repeat(np.arange(n_patients) % 2 == 0, n_images)
    shared = np.repeat(rng.normal(size=n_patients), n_images)
    scores = SHARED**0.5 * shared + (1 - SHARED) ** 0.5 * rng.normal(size=len(ill)) + GAIN * ill
    return ill, scores, [str(n // n_images) for n in range(len(ill))]


def intervals(truth: np.ndarray, scores: np.ndarray, groups: list[str], seed: int) -> dict[str, Interval]:
    """Compute every interval of a study."""
    right = truth == (scores > GAIN / 2)

    def statistic(chosen: np.ndarray) -> Mapping[str, float]:
        return {"accuracy": right[chosen].mean(), "auc": area_under_curve(truth[chosen], scores[chosen])}

    alone = [str(n) for n in range(len(truth))]
    by_patient = bootstrap(statistic, groups, n_resamples=N_RESAMPLES, seed=seed)
    by_image = bootstrap(statistic, alone, n_resamples=N_RESAMPLES, seed=seed)
    return {
        "accuracy, bootstrap by patient": by_patient["accuracy"].ci95 or (0.0, 0.0),
        "accuracy, bootstrap by image": by_image["accuracy"].ci95 or (0.0, 0.0),
        "AUC, bootstrap by patient": by_patient["auc"].ci95 or (0.0, 0.0),
        "AUC, bootstrap by image": by_image["auc"].ci95 or (0.0, 0.0),
        "AUC, DeLong by patient": area_interval_by_group(truth, scores, groups)[1],
        "AUC, DeLong by image": area_interval(truth, scores)[1],
    }


def true_values() -> dict[str, float]:
    """Return the numbers of the population: normal distributions `GAIN` standard deviations apart."""
    from scipy.stats import norm

    return {"accuracy": float(norm.cdf(GAIN / 2)), "AUC": float(norm.cdf(GAIN / 2**0.5))}


def coverage(n_patients: int, n_images: int, count: Callable[[int], np.random.Generator]) -> dict[str, float]:
    """Share of the studies whose interval holds the truth."""
    truth_of = true_values()
    held: dict[str, int] = {}
    for number in range(N_STUDIES):
        truth, scores, groups = draw_study(n_patients, n_images, count(number))
        for name, (low, high) in intervals(truth, scores, groups, number).items():
            held[name] = held.get(name, 0) + (low <= truth_of[name.partition(",")[0]] <= high)
    return {name: n / N_STUDIES for name, n in held.items()}


def main() -> None:
    """Print the table."""
    sizes = [(20, 1), (60, 1), (20, 4), (60, 4)]
    started = time.process_time()
    columns = [coverage(*size, np.random.default_rng) for size in sizes]
    print("| interval | " + " | ".join(f"{n} x {m}" for n, m in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(f"{100 * one[name]:.0f} %" for one in columns) + " |")
    print(f"{N_STUDIES} studies a column, {N_RESAMPLES} draws, {time.process_time() - started:.0f} CPU seconds")


if __name__ == "__main__":
    main()
