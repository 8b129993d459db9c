"""What was found in a data set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from napari_medclf.domain.quality import Finding, Severity


@dataclass(frozen=True)
class CheckReport:
    """What was found.

    Parameters
    ----------
    findings : tuple of Finding
        Errors first.
    warnings : tuple of str
        What was odd about the data as a whole, such as labels without an image.
    """

    name: str
    n_cases: int
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()

    @property
    def n_errors(self) -> int:
        """How many findings must be mended."""
        return sum(1 for one in self.findings if one.severity is Severity.ERROR)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        return dict(Counter(str(one.kind) for one in self.findings))

    @property
    def exclude(self) -> dict[str, str]:
        """Which cases to leave out so that nothing has to be mended, each with the reason."""
        reasons: dict[str, str] = {}
        for one in self.findings:
            if one.severity is Severity.ERROR:
                for name in one.exclude:
                    reasons.setdefault(name, f"{one.kind}: {one.sentence}")
        return reasons
