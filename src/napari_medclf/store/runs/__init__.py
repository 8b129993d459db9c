"""Runs over many cases: the ledger, the files of each case, and what makes a case worth doing again."""

from napari_medclf.store.runs.answered_by import answered_by
from napari_medclf.store.runs.folder import RunFolder
from napari_medclf.store.runs.input_digest import input_sha256
from napari_medclf.store.runs.ledger import Ledger
from napari_medclf.store.runs.row import LedgerRow, LedgerRun
from napari_medclf.store.runs.run_leader import RunLeader, check_folder

__all__ = ["Ledger", "LedgerRow", "LedgerRun", "RunFolder", "RunLeader", "answered_by", "check_folder", "input_sha256"]
