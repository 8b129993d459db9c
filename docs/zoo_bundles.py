"""Write which bundles of the MONAI Model Zoo run here into docs/reference/zoo-bundles.md.

python docs/zoo_bundles.py          rewrite the page
python docs/zoo_bundles.py --check  fail if it is out of date
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.backends.monai_bundle.backend import MonaiBundleBackend
from napari_medclf.backends.monai_bundle.files import read_bundle
from napari_medclf.backends.monai_bundle.network import code_of, describe_network
from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.pieces import Component

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "backends" / "monai_bundle"
PAGE = ROOT / "docs" / "reference" / "zoo-bundles.md"
_HEAD = """# Which bundles of the MONAI Model Zoo run

What the configurations of the zoo's {n} bundles (October 2024) say is kept as facts: network, preparation, windows,
last steps. From these they are written anew and read by this program's own reader, which runs nothing.
{networks} networks are built without running anything of the bundle. {counts}.

What "with trust" means, and how a card is given, is told in [MONAI bundles](../how-to/monai-bundles.md). The zoo's
weights are large, and were not here. `docs/zoo_bundles.py` writes this page, and a test fails where it is out of date.

| bundle | network | network is built | runs | why not, or what to know |
|---|---|---|---|---|
"""
_PACKAGES = {"TorchVisionFCModel": "torchvision"}
_WORDS = {
    "yes": "run as they are",
    "with trust": "with trust",
    "with a card": "with a card",
    "with trust and a card": "with both",
    "no": "do not run",
}


def main() -> int:
    """Rewrite or check the page."""
    content = page()
    if "--check" in sys.argv:
        is_stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != content
        if is_stale:
            print(f"{PAGE.name} is out of date; run python docs/zoo_bundles.py", file=sys.stderr)
        return int(is_stale)
    atomic_write(PAGE, content)
    return 0


def page() -> str:
    """Give the page's text."""
    sys.path.insert(0, str(TESTS))
    from zoo_configs import NAMES, write_zoo_bundle

    with tempfile.TemporaryDirectory() as scratch:
        rows = [_row(write_zoo_bundle(name, Path(scratch) / name)) for name in NAMES]
    counted = Counter(runs for *_, runs, _ in rows)
    counts = ", ".join(f"{counted[kind]} {word}" for kind, word in _WORDS.items())
    n_built = sum(built == "yes" for _, _, built, _, _ in rows)
    head = _HEAD.format(n=len(rows), networks=n_built, counts=counts)
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(folder: Path) -> tuple[str, str, str, str, str]:
    network, built = _network(folder)
    try:
        package = MonaiBundleBackend().read(folder)
    except CardError as refusal:
        sentence = str(refusal).removeprefix(f"{folder}: ").replace(f"{folder}/", "")
        needs_card = "Give a card" in sentence
        runs = ("with trust and a card" if built == "with trust" else "with a card") if needs_card else "no"
        return folder.name, network, built, runs, sentence.partition(" Give a card")[0]
    notes = " ".join(package.card.limits)
    if network in _PACKAGES:
        notes = f"Needs the package {_PACKAGES[network]}. {notes}".strip()
    return folder.name, network, built, "yes" if package.trust is None else "with trust", notes


def _network(folder: Path) -> tuple[str, str]:
    try:
        _, network = describe_network(read_bundle(folder))
    except CardError:
        return "several", "no"
    name = network.short_name if isinstance(network, Component) else "an expression"
    return name, "with trust" if code_of(network) else "yes"


if __name__ == "__main__":
    raise SystemExit(main())
