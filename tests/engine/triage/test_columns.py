"""A table that grows by rows holds every number in its row and column."""

import numpy as np

from napari_medclf.engine.triage.columns import Columns


def test_number_that_comes_late_or_only_once_is_unknown_elsewhere():
    columns = Columns([{"b": 1.0}, {}, {"a": 2.0, "b": 3.0}, {"c": 4.0}])
    nan = np.nan
    assert (len(columns), columns.names) == (4, ("a", "b", "c"))
    np.testing.assert_array_equal(columns.table(), [[nan, 1, nan], [nan] * 3, [2, 3, nan], [nan, nan, 4]])
    np.testing.assert_array_equal(columns.table(("c", "none")), [[nan, nan], [nan, nan], [nan, nan], [4, nan]])


def test_table_of_nothing_has_no_numbers():
    assert Columns().table().shape == (0, 0)
    assert Columns([{}, {}]).table().shape == (2, 0)
