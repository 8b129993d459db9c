from napari_medclf.ui.settings import Settings


def test_values_are_there_in_the_next_session(tmp_path) -> None:
    Settings(tmp_path / "window.json").set("run", model="nuclei", overlap=0.5)
    again = Settings(tmp_path / "window.json")
    assert again.get("run", "model") == "nuclei"
    assert again.section("run") == {"model": "nuclei", "overlap": 0.5}


def test_damaged_file_counts_as_empty(tmp_path) -> None:
    path = tmp_path / "window.json"
    path.write_text('{"run": {"mod', encoding="utf-8")
    assert Settings(path).get("run", "model", "none") == "none"


def test_folder_that_cannot_be_written_is_survived(tmp_path, caplog) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    settings = Settings(tmp_path / "file" / "window.json")
    settings.set("run", model="nuclei")
    assert settings.get("run", "model") == "nuclei"
    assert "could not be saved" in caplog.text
