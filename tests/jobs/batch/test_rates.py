"""Times of cases tell what the next ones take."""

import numpy as np
import pytest

from napari_medclf.jobs.batch.rates import fit_rates
from napari_medclf.store.speeds import CaseTime


def _times(seconds_of, n=40, noise=0.0):
    random = np.random.default_rng(0)
    for network_vox, source_vox in random.integers(1_000, 50_000_000, (n, 2)).tolist():
        seconds = seconds_of(network_vox, source_vox) * (1 + noise * random.standard_normal())
        yield CaseTime(network_vox=network_vox, source_vox=source_vox, elapsed_s=seconds)


@pytest.mark.parametrize(
    "rates", [(0.5, 2e-7, 3e-8), (0.0, 2e-7, 0.0), (0.2, 0.0, 0.0), (0.0, 0.0, 1e-7), (0.1, 0.0, 4e-8)]
)
def test_the_terms_that_made_the_times_are_found(rates):
    case_s, network, source = rates

    found = fit_rates(list(_times(lambda n, s: case_s + network * n + source * s)))

    assert (found.case_s, found.network_s_per_vox, found.source_s_per_vox) == pytest.approx(rates, rel=1e-6, abs=1e-12)


def test_no_term_is_negative_and_noise_moves_times_little():
    found = fit_rates(list(_times(lambda n, s: 0.3 + 1e-7 * n, noise=0.2)))

    assert min(found.case_s, found.network_s_per_vox, found.source_s_per_vox) >= 0
    assert found.expected_s(20_000_000, 1_000_000) == pytest.approx(2.3, rel=0.1)


def test_non_negative_terms_are_those_of_scipy():
    from scipy.optimize import nnls

    times = list(_times(lambda n, s: 0.3 + 1e-7 * n + 1e-8 * s, noise=0.4))
    terms = np.array([(1.0, one.network_vox, one.source_vox) for one in times])
    relative = terms / np.array([[one.elapsed_s] for one in times])
    scale = relative.max(axis=0)
    expected = nnls(relative / scale, np.ones(len(times)))[0] / scale

    found = fit_rates(times)

    assert (found.case_s, found.network_s_per_vox, found.source_s_per_vox) == pytest.approx(tuple(expected), rel=1e-6)


def test_one_case_is_enough_and_none_is_not():
    one = CaseTime(network_vox=1000, source_vox=500, elapsed_s=2.0)

    assert fit_rates([one]).expected_s(1000, 500) == pytest.approx(2.0)
    assert fit_rates([]) is None
