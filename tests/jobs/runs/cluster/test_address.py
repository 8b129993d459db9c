"""Addresses of schedulers."""

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.jobs.runs.cluster.address import check_scheduler


@pytest.mark.parametrize("address", ["", "tcp://10.0.0.7:8786", "tls://node-3.cluster:8786", "tcp://[::1]:80"])
def test_addresses_are_taken(address):
    check_scheduler(address)


def test_scheduler_file_is_taken(tmp_path):
    path = tmp_path / "scheduler.json"
    path.write_text("{}")

    check_scheduler(str(path))


@pytest.mark.parametrize("address", ["localhost", "http://a:1", "tcp://a", "tcp://:8786", "tcp://a:b", "x" * 5000])
def test_other_texts_are_refused_with_what_one_looks_like(address):
    with pytest.raises(OptionError, match="write tcp://HOST:PORT"):
        check_scheduler(address)


def test_workers_of_ones_own_exclude_a_scheduler():
    with pytest.raises(OptionError, match="exclude each other"):
        check_scheduler("tcp://10.0.0.7:8786", 2)
