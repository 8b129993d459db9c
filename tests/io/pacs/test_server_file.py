"""Named servers are kept in one file without passwords."""

from __future__ import annotations

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.io.pacs.server_file import add_server, find_server, read_servers, remove_server

HOME = "https://jane@pacs.example/dicom-web?secret=env:PACS_PASSWORD"


def test_server_is_found_by_its_name_or_its_address(tmp_path):
    add_server(tmp_path, "home", HOME)
    assert find_server(tmp_path, "home") == find_server(tmp_path, HOME)
    assert read_servers(tmp_path) == {"home": HOME}


def test_unknown_name_is_told_with_the_nearest(tmp_path):
    add_server(tmp_path, "home", HOME)
    with pytest.raises(OptionError, match="Did you mean 'home'"):
        find_server(tmp_path, "hmoe")


def test_removed_server_is_gone(tmp_path):
    add_server(tmp_path, "home", HOME)
    remove_server(tmp_path, "home")
    assert read_servers(tmp_path) == {}
    with pytest.raises(OptionError, match="no server 'home'"):
        remove_server(tmp_path, "home")


def test_password_is_never_written(tmp_path):
    with pytest.raises(OptionError, match="holds a password"):
        add_server(tmp_path, "home", "https://jane:hunter2@pacs.example/x")
    assert list(tmp_path.iterdir()) == []


def test_name_that_looks_like_a_path_is_refused(tmp_path):
    with pytest.raises(OptionError, match="is no name for a server"):
        add_server(tmp_path, "../x", HOME)


@pytest.mark.parametrize("content", ["{", "[]", '{"servers": {"a": 1}}', '{"servers": []}'])
def test_damaged_file_is_told(tmp_path, content):
    (tmp_path / "pacs.json").write_text(content)
    with pytest.raises(OptionError, match="is damaged"):
        read_servers(tmp_path)
