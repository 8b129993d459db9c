"""Write what the cards of the embedded models say into README.md and the models page.

python docs/model_table.py          rewrite both pages
python docs/model_table.py --check  fail if one is out of date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import DataCredit, Metric, ModelCard, Task
from napari_medclf.store.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
MODELS_PAGE = ROOT / "docs" / "reference" / "models.md"
PAGES = (README, MODELS_PAGE)
BEGIN = "<!-- models: begin (docs/model_table.py writes this part) -->"
END = "<!-- models: end -->"

# The numbers people compare models by; the card has the rest.
_SHOWN = {
    Task.CLASSIFY: re.compile(r"test/(auc|accuracy|sensitivity|specificity|ece)"),
    Task.SEGMENT: re.compile(r"test/(dice/.+)"),
    Task.INSTANCES: re.compile(r"test/(ap50|f1_50|pq)"),
}
_NAMES = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ece": "ECE",
    "dice": "Dice",
    "ap50": "AP at IoU 0.5",
    "f1_50": "F1 at IoU 0.5",
    "pq": "PQ",
}
"""What the table calls them, in its order."""


def main() -> int:
    """Rewrite or check both pages."""
    stale = [page for page in PAGES if page.read_text(encoding="utf-8") != updated(page)]
    if "--check" in sys.argv:
        for page in stale:
            print(f"{page.name}: the models are out of date; run python docs/model_table.py", file=sys.stderr)
        return 1 if stale else 0
    for page in stale:
        atomic_write(page, updated(page))
    return 0


def updated(page: Path) -> str:
    """Give a page's text with the models as the cards have them."""
    cards = [package.card for package in Catalogue().packages() if package.is_embedded]
    content = table(cards) + ("" if page == README else "\n\n" + details(cards))
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def table(cards: list[ModelCard]) -> str:
    """Write one row a model."""
    head = ("model", "what it does", "test cases", "quality on them (95 % CI)", "mind that", "licence")
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(rows + [_row(card) for card in cards])


def details(cards: list[ModelCard]) -> str:
    """Write what a model is for, what it learned from, and all its limits."""
    return "\n\n".join(
        "\n\n".join(
            [
                f"## {card.name}",
                card.description,
                "\n".join(_credit(one) for one in card.data),
                "Limits:\n\n" + "\n".join(f"- {limit}" for limit in card.limits),
            ]
        )
        for card in cards
    )


def _row(card: ModelCard) -> str:
    n_test = ", ".join(str(one.n_test) for one in card.data)
    limit = card.limits[0] if card.limits else ""
    cells = (f"`{card.name}`", card.title, n_test, _metrics(card), limit, card.licence)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _metrics(card: ModelCard) -> str:
    found = [(_SHOWN[card.task].fullmatch(name), metric) for name, metric in card.metrics.items()]
    shown = sorted(((match[1], metric) for match, metric in found if match), key=lambda one: _rank(one[0]))
    return "<br>".join(f"{_name(name)} {_number(metric)}" for name, metric in shown)


def _rank(metric: str) -> tuple[int, str]:
    return list(_NAMES).index(metric.partition("/")[0]), metric


def _name(metric: str) -> str:
    kind, _, class_name = metric.partition("/")
    return f"{_NAMES[kind]} {class_name}".strip()


def _number(metric: Metric) -> str:
    interval = f" ({metric.ci95[0]:.3f} to {metric.ci95[1]:.3f})" if metric.ci95 else ""
    return f"**{metric.value:.3f}**{interval}"


def _credit(one: DataCredit) -> str:
    counts = f"{one.n_train} cases to train, {one.n_val} to validate, {one.n_test} to test"
    return f"Learned from {one.name}, {one.licence}: {counts}. {one.split} {one.attribution}"


if __name__ == "__main__":
    sys.exit(main())
