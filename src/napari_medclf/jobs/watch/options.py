"""What services that run what arrives are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.series_rule import PathPatterns, SeriesRule
from napari_medclf.jobs.outputs.formats import FORMATS
from napari_medclf.jobs.predict import RunOptions

_MOST_WAIT_S = 7 * 86_400.0


class Incomplete(StrEnum):
    """What is done with a study that stays incomplete."""

    REFUSE = "refuse"
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class ServiceOptions(SeriesRule, RunOptions):
    """What is run on what arrives, and where the results go."""

    model: str = option(help="name of a model (`medclf models list`), or its folder")
    out: Path = option(help="folder for results.csv, run.json and cases/; a service that starts again goes on there")
    format: tuple[str, ...] = option(
        ("auto",),
        help="of results; auto: NIfTI for volumes, PNG for pictures, JSON for scores, with --send-to what is sent",
        choices=FORMATS,
    )
    settle: float = option(
        10.0, help="run a study when nothing of it changed for so long", unit="s", minimum=0.0, maximum=_MOST_WAIT_S
    )
    patience: float = option(
        300.0,
        help="wait so long for what an incomplete study lacks, from the last that came",
        unit="s",
        minimum=0.0,
        maximum=_MOST_WAIT_S,
    )
    incomplete: Incomplete = option(
        Incomplete.REFUSE, help="after that, refuse what surely lacks something, or run it with a warning"
    )
    send_to: str = option(
        "", help="send DICOM results on: name of a server (`medclf pacs servers`), or dicom://AET@host:104, https://..."
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.patience < self.settle:
            raise OptionError(f"--patience is {self.patience:g} s, which is less than --settle, {self.settle:g} s.")


@dataclass(frozen=True, kw_only=True)
class WatchOptions(PathPatterns, ServiceOptions):
    """Which folder is watched."""

    folder: Path = option(help="folder to watch, with all sub-folders; may be on a network share", positional=True)
    every: float = option(1.0, help="look into the folder so often", unit="s", minimum=0.05, maximum=86_400.0)
    once: bool = option(False, help="end when all that is there was run or refused, instead of waiting for more")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out.resolve() == self.folder.resolve():
            raise OptionError(f"{self.out}: results must not go among the images; choose another folder for --out.")


@dataclass(frozen=True, kw_only=True)
class ListenOptions(ServiceOptions):
    """Who may send, and where what is received goes."""

    port: int = option(11112, help="port to listen on", minimum=1, maximum=65_535)
    host: str = option(
        "127.0.0.1", help="address to listen on; another than this computer's own, such as 0.0.0.0, needs --calling"
    )
    ae_title: str = option("MEDCLF", help="our AE title, which senders call")
    calling: tuple[str, ...] = option(
        (), help="AE titles that may send; without any, every program of this computer may"
    )
    certificate: Path | None = option(
        None, help="encrypt: file of our certificate, with those who signed it (PEM); without one, lines are readable"
    )
    key: Path | None = option(None, help="file of the certificate's private key, where it is another one")
    trusted: Path | None = option(
        None, help="file of certificates; only senders that show one of these, or one signed by these, may send"
    )
    received: Path | None = option(None, help="folder for what is received; without one, `received` in --out")
    min_free_gb: float = option(
        1.0, help="take nothing when less of the disk would be left free", unit="GB", minimum=0.0, maximum=1e6
    )
    max_object_mb: int = option(
        4096, help="largest object that is taken", unit="MB", minimum=1, maximum=65_536, advanced=True
    )
    max_senders: int = option(10, help="senders at a time", minimum=1, maximum=200, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.certificate is None and (self.key or self.trusted):
            raise OptionError("--key and --trusted belong to an encrypted line, which needs --certificate.")

    @property
    def received_folder(self) -> Path:
        """Where what is received goes."""
        return self.received if self.received is not None else self.out / "received"
