"""Small nnU-Net result folders, written as its trainer writes them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def cases() -> ModuleType:
    """What ``make_golden.py`` gave to nnunetv2, too."""
    spec = importlib.util.spec_from_file_location("nnunet_cases", Path(__file__).with_name("cases.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def result_folder(cases: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write one of the cases, once; the folder is not to be changed."""
    from napari_medclf.backends.nnunet.old_plans import modernise
    from napari_medclf.engine.nets.from_plans import build_from_plans

    written: dict[str, Path] = {}

    def write(name: str) -> Path:
        if name not in written:
            case = cases.CASES[name]
            architecture = modernise(case.settings)["architecture"]
            target, arguments = architecture["network_class_name"], architecture["arch_kwargs"]
            folder = tmp_path_factory.mktemp(name)
            written[name] = cases.write_folder(case, folder, build_from_plans, arguments, target)
        return written[name]

    return write
