"""Numbers as lines of text that stand in columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from napari_medclf.domain.card import Metric


def metric_lines(metrics: Mapping[str, Metric]) -> Iterator[str]:
    """One line a metric: name, value and 95 % confidence interval; those of single classes come last."""
    width = max(map(len, metrics), default=0)
    for name, metric in sorted(metrics.items(), key=lambda item: item[0].count("/")):
        interval = f"  (95 % CI {metric.ci95[0]:.3f} to {metric.ci95[1]:.3f})" if metric.ci95 else ""
        yield f"{name:{width}}  {metric.value:.3f}{interval}"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align the cells of rows of equal length."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
