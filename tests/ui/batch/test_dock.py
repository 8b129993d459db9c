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
