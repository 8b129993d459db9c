"""Starting costs little: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "monai", "highdicom", "sklearn", "skimage", "SimpleITK", "napari", "qtpy", "superqt"}


def modules_after(program):
    """Run a program in a fresh interpreter and return the top names of what it had imported."""
    program += "\nimport sys\nprint('\\n' + ' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy():
    assert not HEAVY & modules_after("import napari_medclf")


def test_package_import_loads_no_numerics_either():
    assert not {"numpy", "scipy", "pydantic"} & modules_after("import napari_medclf")


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    program = (
        "import sys\n"
        f"sys.argv = ['medclf', *{arguments}]\n"
        "from napari_medclf.cli.main import main\n"
        "try:\n"
        "    code = main()\n"
        "except SystemExit as end:\n"
        "    code = end.code\n"
        "assert not code, code\n"
    )
    assert not HEAVY & modules_after(program)


def test_reader_hook_loads_nothing_heavy(tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    program = (
        "from napari_medclf.bridge.reader import get_reader\n"
        f"assert get_reader({str(picture)!r}) is not None\n"
        f"assert get_reader({str(tmp_path / 'notes.docx')!r}) is None\n"
    )
    assert not HEAVY & modules_after(program)


def test_manifest_commands_load_nothing_heavy():
    program = (
        "from importlib import resources\n"
        "from npe2 import PluginManifest\n"
        "manifest = PluginManifest.from_file(str(resources.files('napari_medclf') / 'napari.yaml'))\n"
        "import sys\n"
        "for command in manifest.contributions.commands or []:\n"
        "    module = command.python_name.split(':')[0]\n"
        "    if not module.startswith('napari_medclf.ui'):\n"
        "        __import__(module)\n"
    )
    assert not HEAVY & modules_after(program)
