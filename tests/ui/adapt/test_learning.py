"""F, A and Z in the window: a verdict is shown, decided, and undone; nothing is used before a person says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from safetensors.numpy import save

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import Progress
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.revision import DataRevision, LearnedBy, ModelRevision
from napari_medclf.domain.run import RunSpec
from napari_medclf.domain.verdict import Change, Judgement, Verdict
from napari_medclf.jobs.adapt.options import AdaptResult
from napari_medclf.jobs.adapt.revise import Moment
from napari_medclf.jobs.worklist.effort import CaseEffort, Gain
from napari_medclf.store.bundle import write_package
from napari_medclf.store.project import Project
from napari_medclf.store.revisions import Revisions
from napari_medclf.ui.adapt.card import VerdictCard, change_rows
from napari_medclf.ui.adapt.page import AdaptPage, score_dots
from napari_medclf.ui.adapt.tasks import Worth


def _verdict(judgement: Judgement = Judgement.BETTER, **more) -> Verdict:
    change = Change(name="dice", before=0.6, after=0.7, ci95=(0.05, 0.15), n_cases=8, n_groups=8, judgement=judgement)
    site = Change(
        name="dice", group="site=B", before=0.5, after=0.4, n_cases=1, n_groups=1, judgement=Judgement.UNKNOWN
    )
    return Verdict(judgement=judgement, sentence="It was measured.", changes=(change, site), n_cases=8, **more)


@pytest.fixture
def project(tmp_path: Path, threshold_card) -> tuple[Project, ModelPackage]:
    """A project with its first model; two numbers stand for the weights."""
    card = threshold_card()
    made = Project.create(tmp_path / "project", name="bright", task=Task.SEGMENT, classes=card.schema_)
    return made, write_package(tmp_path / "model", card, _weights(1), RunSpec(command="train", options={}), "MIT\n")


@pytest.fixture
def learns(project, monkeypatch):
    """Let learning end at once, with the verdict that a test asks for; what is kept is real."""
    _, package = project
    asked = []

    def learn_with(verdict: Verdict) -> list:
        def adapt(options):
            yield Progress(1, 2, "learning from corrections")
            asked.append(options)
            revisions = Revisions(options.project)
            if revisions.current() is None:
                root = _keep(revisions, package, 1, LearnedBy.IMPORT)
                revisions.use(root, "import", "test")
            revision = _keep(revisions, package, 2, LearnedBy.ADAPT, verdict, revisions.current().revision_id)
            return AdaptResult(revision, verdict, options.project / revision.package, 3, 10, 0.1)

        monkeypatch.setattr("napari_medclf.jobs.adapt.adapt.adapt", adapt)
        return asked

    return learn_with


@pytest.fixture
def learning(workbench, project):
    """The workbench's own, with a model chosen and a project opened."""
    made, package = project
    workbench.session.project = made.folder
    made_of = workbench.learning
    made_of._model_of = lambda: package
    return made_of


def test_better_model_is_used_by_a_and_left_by_z(learning, learns, project, person, until, workbench) -> None:
    asked = learns(_verdict())
    made, _ = project
    person.press(Qt.Key.Key_F)
    until(lambda: learning.result is not None)
    assert asked[0].kind is LearnedBy.ADAPT
    assert Revisions(made.folder).current().learned_by is LearnedBy.IMPORT
    person.press(Qt.Key.Key_A)
    until(lambda: learning.is_accepted)
    assert Revisions(made.folder).current().learned_by is LearnedBy.ADAPT
    until(lambda: learning.worth.package is not None)
    assert learning.in_use(project[1]).card.weights_sha256 == Revisions(made.folder).current().weights_sha256
    person.press(Qt.Key.Key_Z)
    until(lambda: Revisions(made.folder).current().learned_by is LearnedBy.IMPORT)
    until(lambda: not workbench.session.lane.is_busy)
    assert learning.result is None


def test_model_that_is_worse_somewhere_asks_twice(learning, learns, project, person, until) -> None:
    learns(_verdict(worse_in=("site=B",)))
    made, _ = project
    person.press(Qt.Key.Key_F)
    until(lambda: learning.result is not None)
    person.press(Qt.Key.Key_A)
    assert learning.asks_again
    assert Revisions(made.folder).current().learned_by is LearnedBy.IMPORT
    person.press(Qt.Key.Key_A)
    until(lambda: learning.is_accepted)
    assert Revisions(made.folder).current().learned_by is LearnedBy.ADAPT


def test_z_before_a_leaves_the_new_model(learning, learns, project, person, until) -> None:
    learns(_verdict(Judgement.WORSE))
    person.press(Qt.Key.Key_F)
    until(lambda: learning.result is not None)
    person.press(Qt.Key.Key_Z)
    assert learning.result is None
    assert learning.roll_back() is False  # without a verdict the key is napari's
    assert Revisions(project[0].folder).current().learned_by is LearnedBy.IMPORT


def test_page_draws_scores_and_both_numbers(qtbot, workbench) -> None:
    learning = workbench.learning
    page, card = AdaptPage(learning), VerdictCard(learning)
    qtbot.addWidget(page)
    qtbot.addWidget(card)
    assert not card.isVisibleTo(card.parentWidget()) or card.isHidden()
    revision = ModelRevision(
        revision_id="r0002-aa", parent_id="r0001-bb", learned_by=LearnedBy.ADAPT, package="p", weights_sha256="c",
        verdict=_verdict(worse_in=("site=B",)), created="now",
    )  # fmt: skip
    data = DataRevision(revision_id="d", annotations=("a:1", "b:2"), active_s=120, created="now")
    learning.worth = Worth(
        moments=(Moment(revision, data, is_current=True),),
        efforts=(CaseEffort("a", "now", 90, 5, 10), CaseEffort("b", "now", 30, 2, 4)),
        gains=(Gain("r0002-aa", "dice", 2.0, 0.1),),
    )
    learning.changed.emit()
    assert [one.value for one in page.scores.dots] == [0.7]
    assert page.scores.dots[0].spread == pytest.approx((0.65, 0.75))
    assert [one.value for one in page.seconds.dots] == [90, 30]
    assert [one.value for one in page.gains.dots] == pytest.approx([0.05])
    assert page.table.item(0, 7).text() == "better, worse in part"
    page.resize(420, 500)
    assert not page.grab().isNull()


def test_numbers_of_a_verdict_are_laid_out_with_their_groups() -> None:
    rows = change_rows(_verdict().changes)
    assert rows[0][1:] == ("all 8", "0.600", "0.700", "+0.050 – +0.150", "better")
    assert rows[1][1:] == ("site=B", "0.500", "0.400", "", "not known")
    assert score_dots(()) == []


def _weights(value: int) -> bytes:
    return save({"bias": np.full(2, value, dtype=np.float32)})


def _keep(
    revisions: Revisions, package: ModelPackage, value: int, by: LearnedBy, verdict=None, parent=""
) -> ModelRevision:
    import hashlib

    draft = ModelRevision(
        revision_id="", parent_id=parent, learned_by=by, package="", verdict=verdict, created="",
        weights_sha256=hashlib.sha256(_weights(value)).hexdigest(),
    )  # fmt: skip
    spec = RunSpec(command="adapt", options={})
    return revisions.add(draft, lambda folder: write_package(folder, package.card, _weights(value), spec, "MIT\n"))
