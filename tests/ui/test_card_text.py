from pathlib import Path

from napari_medclf.domain.card import Metric, ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui.card_text import card_markdown, card_summary, headline_metrics


def card(**changes) -> ModelCard:
    given = {
        "name": "liver-ct",
        "version": "1.0",
        "task": Task.SEGMENT,
        "title": "Liver in CT",
        "description": "Finds the liver.",
        "limits": ("Adults only.",),
        "input": InputSpec(
            spatial_dims=3,
            channels=("gray",),
            modality=("CT",),
            intensity=Intensity(kind="window", low=-160, high=240),
            patch_vox=(32, 32, 32),
        ),
        "output": OutputSpec(schema=LabelSchema.from_names(["liver"], first_value=1)),
        "network": NetworkSpec(target="monai.networks.nets.UNet"),
        "licence": "CC-BY-4.0",
        "metrics": {
            "val/dice": Metric(value=0.99),
            "test/dice/liver": Metric(value=0.95),
            "test/hd95_mm": Metric(value=3.2),
            "test/dice": Metric(value=0.951, ci95=(0.94, 0.96)),
        },
    }
    return ModelCard(**(given | changes))


def test_summary_says_what_for_which_images_and_how_good() -> None:
    text = card_summary(card())
    assert "Segments: liver. For 3D images, CT (gray)." in text
    assert "On test cases: Dice 0.951 [0.940, 0.960]" in text


def test_validation_numbers_are_called_so() -> None:
    assert headline_metrics(card(metrics={"val/auc": Metric(value=0.9)})) == "On validation cases: AUC 0.900"
    assert headline_metrics(card(metrics={})) == ""


def test_whole_card_names_limits_licence_and_use() -> None:
    text = card_markdown(ModelPackage(card(), Path("models/liver-ct"), is_embedded=True))
    for part in ("Adults only.", "CC-BY-4.0", "Not a medical device", "| test/dice | 0.951 | 0.940 – 0.960 |"):
        assert part in text
