"""Write the table of embedded models, from their cards, into README.md and the models page.

python docs/model_table.py          rewrite the tables
python docs/model_table.py --check  fail if one is out of date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import Metric, ModelCard, Task
from napari_medclf.store.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "reference" / "models.md")
BEGIN = "<!-- models: begin (docs/model_table.py writes this part) -->"
END = "<!-- models: end -->"

# The numbers people compare models by; the card has the rest.
_SHOWN = {
    Task.CLASSIFY: re.compile(r"test/(auc|accuracy|sensitivity|specificity|ece)"),
    Task.SEGMENT: re.compile(r"test/(dice/.+)"),
    Task.INSTANCES: re.compile(r"test/(ap50|f1_50|pq)"),
}


def main() -> int:
    """Rewrite or check both pages."""
    stale = [page for page in PAGES if page.read_text(encoding="utf-8") != with_table(page)]
    if "--check" in sys.argv:
        for page in stale:
            print(f"{page.name}: the table of models is out of date; run python docs/model_table.py", file=sys.stderr)
        return 1 if stale else 0
    for page in stale:
        atomic_write(page, with_table(page))
    return 0


def with_table(page: Path) -> str:
    """Give a page's text with the table as the cards want it."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """Write the table in Markdown."""
    cards = [package.card for package in Catalogue().packages() if package.is_embedded]
    rows = ["| model | what it does | measured on | test metrics (95 % CI) | limits |", "|---|---|---|---|---|"]
    return "\n".join(rows + [_row(card) for card in cards])


def _row(card: ModelCard) -> str:
    data = "; ".join(f"{one.name} ({one.n_test} of {one.n_train + one.n_val + one.n_test})" for one in card.data)
    cells = (f"`{card.name}` {card.version}", card.description, data, _metrics(card), " ".join(card.limits))
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _metrics(card: ModelCard) -> str:
    found = [(_SHOWN[card.task].fullmatch(name), metric) for name, metric in card.metrics.items()]
    return "<br>".join(f"{match[1].replace('/', ' ')} {_number(metric)}" for match, metric in found if match)


def _number(metric: Metric) -> str:
    interval = f" ({metric.ci95[0]:.3f}–{metric.ci95[1]:.3f})" if metric.ci95 else ""
    return f"**{metric.value:.3f}**{interval}"


if __name__ == "__main__":
    sys.exit(main())
