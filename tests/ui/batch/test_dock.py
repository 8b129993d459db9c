from napari_medclf.ui.batch.dock import BatchDock


def test_batch_has_a_dock_and_a_job_bar_of_its_own(make_napari_viewer, until) -> None:
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-medclf", "Batch")
    assert isinstance(dock, BatchDock)
    listed = []
    dock.shelf.models_changed.connect(lambda: listed.append(True))
    until(lambda: listed)
    assert [dock.panel.model.itemText(row) for row in range(dock.panel.model.count())] == [
        package.name for package in dock.shelf.packages
    ]
    assert not dock.panel.run()  # without a folder it says so, and starts nothing
    assert not dock.bar.is_running


def test_case_of_a_run_opens_in_the_workbench(make_napari_viewer, results, monkeypatch, until) -> None:
    monkeypatch.setattr("napari_medclf.ui.workbench.warm_up", lambda: None)
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-medclf", "Batch")
    page = dock.panel.triage
    dock.panel.show_triage()
    page.open_run(results)
    until(lambda: page.seen is not None)
    page.open_row(0)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    session = workbench.session
    until(lambda: session.answer is not None and not session.lane.is_busy)
    assert session.answer.card.name == "bright-segment-2d"
    assert page.accept.isEnabled()
    workbench.close_down()
    dock.close_down()
