"""The guards of the tests guard."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import pytest

from napari_medclf.store.catalogue import default_user_folder


def test_reaching_the_network_fails():
    with pytest.raises(Exception, match="a test tried to reach"):
        urllib.request.urlopen("http://192.0.2.1/", timeout=1)


def test_models_of_the_person_are_out_of_reach():
    assert default_user_folder() == Path(os.environ["MEDCLF_HOME"])
    assert not default_user_folder().is_relative_to(Path.home() / ".local")
