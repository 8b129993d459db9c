"""Times of cases are kept per model, bounded, and never stand in the way."""

from napari_medclf.store.speeds import CaseTime, Speeds

TIMES = [CaseTime(network_vox=n, source_vox=2 * n, elapsed_s=0.5) for n in (10, 20)]


def test_times_come_back_and_runs_are_counted(tmp_path):
    speeds = Speeds(tmp_path, "abc", ("cpu",))
    speeds.add(TIMES, wall_s=0.6)
    speeds.add(TIMES[:1], wall_s=0.4)

    found = speeds.read()

    assert found.cases == (*TIMES, TIMES[0])
    assert found.n_runs == 2
    assert found.overlap == 0.8


def test_other_models_and_ways_to_run_have_their_own(tmp_path):
    Speeds(tmp_path, "abc", ("cpu",)).add(TIMES, wall_s=1.0)

    assert Speeds(tmp_path, "abc", ("cuda",)).read().cases == ()
    assert Speeds(tmp_path, "abd", ("cpu",)).read().cases == ()


def test_the_newest_are_kept_within_a_bound(tmp_path):
    speeds = Speeds(tmp_path, "abc")
    for n in range(20):
        speeds.add([CaseTime(network_vox=n, source_vox=1, elapsed_s=1.0)] * 20, wall_s=1.0)

    kept = speeds.read().cases

    assert len(kept) == 256
    assert kept[-1].network_vox == 19


def test_a_damaged_file_and_a_folder_that_is_none_are_no_error(tmp_path):
    speeds = Speeds(tmp_path, "abc")
    speeds.add(TIMES, wall_s=1.0)
    speeds.path.write_text("{", encoding="utf-8")
    (tmp_path / "file").touch()
    elsewhere = Speeds(tmp_path / "file", "abc")
    elsewhere.add(TIMES, wall_s=1.0)
    speeds.add([], wall_s=1.0)

    assert speeds.read().cases == ()
    assert elsewhere.read().cases == ()
