"""`medclf agreement`."""

from __future__ import annotations

from collections.abc import Iterator

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.people.agreement import Agreement, AgreementOptions, AgreementRow, measure_agreement


def _show(found: Agreement) -> Iterator[str]:
    if found.rows:
        yield from columns(
            [("measure", "readers", "class", "value", "95 % interval", "cases"), *map(_cells, found.rows)]
        )
    yield found.sentence


def _cells(row: AgreementRow) -> tuple[str, ...]:
    value, interval = row.metric.value, row.metric.ci95
    told = "not defined" if value != value else f"{value:.3f}"
    between = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
    return row.measure, " / ".join(row.readers), row.class_name, told, between, str(row.n_cases)


COMMAND = Command(AgreementOptions, measure_agreement, Agreement.as_document, _show)
