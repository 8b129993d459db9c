"""How soon the next case of a work list is on the canvas after N or Next: read ahead, and not.

xvfb-run python benchmarks/next_case.py IMAGE... [--rounds 8] [--answered 1000]

The images are copied into a project as many cases, each with a model's labels, beside many cases that were answered
before (lines of the journal). A person looks at each case for a second, then asks for the next one, which was read
ahead, or chooses one further down, which was not ("cold"); from there to the end of the frame that shows it with its
labels. Medians and 95th percentiles in milliseconds, by the wall clock, and of the CPU time of the process, which other
programs on the machine lengthen less.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.store.journal import Journal
from napari_medclf.store.project import PredictionEntry, Project, now_utc
from napari_medclf.store.project_entries import AnnotationEntry, CaseEntry


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--answered", type=int, default=1000)
    options = parser.parse_args()
    for path in options.images:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MEDCLF_HOME"] = folder
            project = make_project(Path(folder), path, 3 * options.rounds + 1, options.answered)
            measure(path, project.folder, options.rounds)


def make_project(folder: Path, path: Path, n_cases: int, n_answered: int) -> Project:
    """Make a project of changed copies of one image, behind many cases that are done."""
    schema = LabelSchema.from_names(["bright"], first_value=1)
    project = Project.create(folder / "study", name="study", task=Task.SEGMENT, classes=schema)
    add_answered(project, n_answered)
    image = read_image(path)
    for number in range(n_cases):
        samples = np.asarray(image.data).copy()
        samples[..., 0, 0] = number
        copy = folder / f"copy_{number:03d}.nii.gz"
        write_image(type(image)(samples, image.geometry, f"copy_{number:03d}", image.modality, image.scale), copy)
        read = with_digest(read_image(copy))
        case = project.add_case(FileRef(copy), image_digest=read.source.digest)
        labels = (np.asarray(read.data) > np.percentile(read.data, 95)).astype(np.uint8)
        found = Segmentation(labels, read.geometry, schema)
        entry = PredictionEntry(case_id=case.case_id, model="bright", created=now_utc())
        project.save_prediction(entry, write_labels=partial(write_segmentation, found))
    return project


def add_answered(project: Project, n_cases: int) -> None:
    """Write lines of cases that are done, whose images nobody opens."""
    journal = Journal(project.folder / "journal.jsonl")
    lines = []
    for number in range(n_cases):
        name, digest = f"done_{number}", f"{number:064d}"
        said = Annotation(
            case_id=name, group_id=name, image_digest=digest, origin=Origin.MANUAL, author="ann", created=now_utc()
        )
        lines.append(CaseEntry(case_id=name, group_id=name, path=f"{name}.png", image_digest=digest).model_dump_json())
        lines.append(AnnotationEntry(annotation=said).model_dump_json())
    journal.path.write_text("".join(f"{line}\n" for line in lines))


def measure(path: Path, project: Path, rounds: int) -> None:
    """Go through the cases, every second one without what was read ahead."""
    from napari import Viewer

    viewer = Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    session = dock.session
    dock.data_tab.pages.setCurrentWidget(dock.data_tab.worklist)
    session.open_path(project)
    wait(lambda: session.image is not None and not session.lane.is_busy)
    took: dict[str, list[tuple[float, float]]] = {"read ahead": [], "cold": []}
    for number in range(2 * rounds):
        look(1.0)
        wait(lambda: not session.lane.is_busy)
        way = ("read ahead", "cold")[number % 2]
        following = session.work.next_open()
        took[way].append(show(viewer, session, following if way == "read ahead" else following + 1))
    for way, pairs in took.items():
        print(
            f"{path.name:28} {way:11} wall {told([wall for wall, _ in pairs])}   CPU {told([cpu for _, cpu in pairs])}"
        )
    dock.close_down()
    viewer.close()


def show(viewer: Any, session: Any, index: int) -> tuple[float, float]:
    """Seconds until a case of the work list is drawn, by the wall clock and of the process."""
    before = session.image
    wall, cpu = time.perf_counter(), time.process_time()
    session.open_index(index)
    wait(lambda: session.image is not before and session.image is not None and session.labels_layer is not None, 0.001)
    viewer.screenshot(canvas_only=True, flash=False)
    return time.perf_counter() - wall, time.process_time() - cpu


def told(seconds: list[float]) -> str:
    """Median and 95th percentile."""
    return f"{1000 * statistics.median(seconds):6.0f} ms, p95 {1000 * float(np.percentile(seconds, 95)):6.0f} ms"


def look(seconds: float) -> None:
    """Let the window live."""
    end = time.perf_counter() + seconds
    wait(lambda: time.perf_counter() > end)


def wait(is_so: Any, step_s: float = 0.005) -> None:
    """Let the event loop run until something is true."""
    end = time.perf_counter() + 120
    while not is_so():
        QApplication.instance().processEvents()
        time.sleep(step_s)
        if time.perf_counter() > end:
            raise TimeoutError("waited too long")


if __name__ == "__main__":
    main()
