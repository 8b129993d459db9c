"""A model card as a page in Markdown."""

from __future__ import annotations

from napari_medclf.domain.card import DataCredit, Metric, ModelCard, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity

_TASKS = {
    Task.CLASSIFY: "classifies whole images",
    Task.SEGMENT: "labels every voxel",
    Task.INSTANCES: "outlines single objects",
    Task.DETECT: "finds boxes around objects",
    Task.REGRESS: "estimates numbers of whole images",
}


def card_markdown(card: ModelCard) -> str:
    """Write a card as people read it: purpose, input, output, data, quality, limits."""
    sections = [
        f"# {card.title}\n\n`{card.name}` {card.version}. {card.description}",
        f"**{card.intended_use}**",
        _section("What it does", [f"It {_TASKS[card.task]}.", _outputs(card)]),
        _section("Input", _input_lines(card.input)),
        _metrics(card.metrics),
        _section("Calibration", [_calibration(card)]) if card.task is Task.CLASSIFY else "",
        _section("Trained on", [_credit(one) for one in card.data]),
        _section("Limits", list(card.limits)),
        _section(
            "Technical",
            [
                f"Network: `{card.network.target}`.",
                f"Weights: `models/model.safetensors`, SHA-256 `{card.weights_sha256}`.",
                "`configs/run_spec.json` holds the command and options that train it again.",
                "The folder is a MONAI bundle; `configs/inference.json` builds the network in MONAI's tools.",
            ],
        ),
        _section(
            "Licence and author", [f"Licence: {card.licence}.", f"Author: {card.author or 'unknown'}.", _made(card)]
        ),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _outputs(card: ModelCard) -> str:
    names = card.schema_.names
    if card.task is Task.REGRESS:
        units = [f" ({one.unit})" if one.unit else "" for one in card.output.quantities] or [""] * len(names)
        return f"Numbers: {', '.join(name + unit for name, unit in zip(names, units, strict=True))}."
    kind = {"ordinal": "Classes in their order", "sigmoid": "Classes that may come together"}
    is_told = card.task is Task.CLASSIFY
    return f"{kind.get(card.output.activation, 'Classes') if is_told else 'Classes'}: {', '.join(names)}."


def _section(title: str, lines: list[str]) -> str:
    shown = [line for line in lines if line]
    return f"## {title}\n\n" + "\n".join(f"- {line}" for line in shown) if shown else ""


def _input_lines(spec: InputSpec) -> list[str]:
    return [
        f"{spec.spatial_dims}D, channels: {', '.join(spec.channels)}.",
        f"Modality: {', '.join(spec.modality)}." if spec.modality else "",
        f"First, on the image's own grid: {', '.join(step.text for step in spec.steps)}." if spec.steps else "",
        f"Resampled to {_numbers(spec.spacing_mm)} mm (slice, row, column)." if spec.spacing_mm else "",
        f"Orientation: {spec.axis_codes}." if spec.axis_codes else "",
        f"Resized to {_numbers(spec.resize_to)} pixels." if spec.resize_to else "",
        f"Intensity: {_intensity(spec.intensity)}.",
    ]


def _intensity(intensity: Intensity) -> str:
    words = {
        "zscore": f"z-score after clipping to the percentiles {intensity.low:g} to {intensity.high:g}",
        "window": f"window {intensity.low:g} to {intensity.high:g}, scaled to 0..1",
        "percentile": f"percentiles {intensity.low:g} to {intensity.high:g}, scaled to 0..1",
        "range": "the sample type's range, scaled to 0..1",
    }
    return words[intensity.kind]


def _metrics(metrics: dict[str, Metric]) -> str:
    if not metrics:
        return ""
    rows = [f"| {name} | {one.value:.3f} | {_interval(one)} |" for name, one in sorted(metrics.items())]
    return "\n".join(["## Quality", "", "| measure | value | 95 % confidence interval |", "|---|---|---|", *rows])


def _interval(metric: Metric) -> str:
    return f"{metric.ci95[0]:.3f} to {metric.ci95[1]:.3f}" if metric.ci95 else "not known"


def _calibration(card: ModelCard) -> str:
    if not card.is_calibrated:
        return "The probabilities are not calibrated."
    return f"Probabilities calibrated on validation data (temperature {card.output.temperature:.3g})."


def _credit(one: DataCredit) -> str:
    counts = f"{one.n_train} training, {one.n_val} validation, {one.n_test} test cases"
    return " ".join(filter(None, [f"{one.name} ({one.licence}): {counts}.", one.split, one.attribution]))


def _made(card: ModelCard) -> str:
    return f"Made: {card.created}." if card.created else ""


def _numbers(values: tuple[float, ...] | tuple[int, ...] | None) -> str:
    return " x ".join(f"{value:g}" for value in values or ())
