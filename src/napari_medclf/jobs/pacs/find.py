"""List what a server has: studies, or the series of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.pacs import SeriesRow, StudyQuery, StudyRow
from napari_medclf.jobs.pacs.echo import SERVER_HELP
from napari_medclf.jobs.pacs.follow import ask, linked

LEVELS = ("study", "series")


@dataclass(frozen=True)
class FindOptions:
    """What is looked for; an option that is left out matches everything."""

    server: str = option(help=SERVER_HELP, positional=True)
    level: str = option("study", help="list studies, or the series of each", choices=LEVELS)
    study: str = option("", help="UID of one study")
    patient_id: str = option("", help="identifier of the patient; * and ? are wildcards")
    patient_name: str = option("", help="name of the patient, Family^Given; * and ? are wildcards")
    dates: str = option("", help="20240131, or a range such as 20240101-20240131, 20240101- or -20240131")
    modality: str = option("", help="kind of images, such as CT or MR")
    accession: str = option("", help="accession number")
    show_names: bool = option(False, help="show who the patients are; else only a hash tells them apart")
    limit: int = option(100, help="most studies to list", minimum=1, maximum=10_000)

    def __post_init__(self) -> None:
        check_options(self)
        self.query()

    def query(self) -> StudyQuery:
        """Give the filters.

        Raises
        ------
        OptionError
            If one cannot be.
        """
        return StudyQuery(self.patient_id, self.patient_name, self.dates, self.modality, self.accession, self.study)


@dataclass(frozen=True)
class Found:
    """What a server listed.

    Parameters
    ----------
    series : tuple of SeriesRow
        Empty unless series were asked for.
    is_cut : bool
        Whether there are more studies than the limit.
    """

    server: str
    studies: tuple[StudyRow, ...]
    series: tuple[SeriesRow, ...] = ()
    is_cut: bool = False


def find(options: FindOptions) -> Job[Found]:
    """Search a server; newest studies come first.

    Raises
    ------
    ServerError
        If it cannot be reached or refuses, as one sentence.
    """
    with linked(options.server) as (server, link):
        for warning in server.warnings:
            yield Warned(warning)
        query, names = options.query(), options.show_names
        studies = yield from ask(
            lambda: link.find_studies(query, options.limit + 1, with_names=names), link, f"asking {server}"
        )
        is_cut = len(studies) > options.limit
        listed = tuple(sorted(studies[: options.limit], key=lambda row: row.date, reverse=True))
        if is_cut:
            yield Warned(f"There are more than {options.limit} studies; narrow the search, or raise --limit.")
        series: list[SeriesRow] = []
        for position, study in enumerate(listed if options.level == "series" else ()):
            yield Progress(position, len(listed), "listing series")
            question = partial(link.find_series, study.study_uid, options.modality)
            series += yield from ask(question, link, "listing series")
        return Found(str(server), listed, tuple(series), is_cut)
