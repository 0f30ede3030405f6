import msgspec
import numpy as np
import pytest

from onboard import drift
from onboard.drift import DriftMonitor, DriftState
from onboard.errors import InputError


def watched(seed: int, shift: float, tracks: int = 100) -> DriftMonitor:
    draw = np.random.default_rng(seed)
    monitor = DriftMonitor.fresh(draw.normal(size=40).tolist(), seed)
    for value in draw.normal(size=tracks) + shift:
        monitor.update(value)
    return monitor


def test_without_drift_it_seldom_alarms() -> None:
    monitors = [watched(seed, 0.0) for seed in range(400)]
    assert np.mean([monitor.alarm(0.1) for monitor in monitors]) <= 0.1
    assert max(monitor.state.peak for monitor in monitors) > 0.5  # it does bet


@pytest.mark.parametrize("shift", [-2.0, 2.0])
def test_it_finds_a_drift_in_either_direction(shift: float) -> None:
    assert np.mean([watched(seed, shift).alarm(0.01) for seed in range(40)]) >= 0.9


def test_p_values_in_flight_are_uniform_and_ties_are_drawn() -> None:
    draw = np.random.default_rng(5)
    p = []
    for seed in range(300):
        monitor = DriftMonitor.fresh(draw.integers(0, 3, 10).tolist(), seed)
        p += [monitor.update(float(value)) for value in draw.integers(0, 3, 10)]
    counts, _ = np.histogram(p, bins=10, range=(0, 1))
    assert np.abs(counts / len(p) - 0.1).max() < 0.02


def test_a_restart_goes_on_where_it_was() -> None:
    whole, first = watched(3, 1.0, 60), watched(3, 1.0, 0)
    values = np.random.default_rng(3).normal(size=100)[40:] + 1.0
    for value in values:
        first = DriftMonitor(msgspec.json.decode(msgspec.json.encode(first.state), type=DriftState))
        first.update(value)
    assert first.state == whole.state


def test_months_of_tracks_take_no_more_room_and_bets_stay_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "_MOST", 50)
    p, alarms = [], 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        monitor = DriftMonitor.fresh(draw.normal(size=40).tolist(), seed)
        p += [monitor.update(value) for value in draw.normal(size=150)]
        alarms += monitor.alarm(0.1)
        assert len(monitor.state.numbers) <= 50 and monitor.state.numbers == sorted(monitor.state.numbers)
        assert monitor.tracks == 150
    counts, _ = np.histogram(p, bins=10, range=(0, 1))
    assert np.abs(counts / len(p) - 0.1).max() < 0.006  # standard deviation 0.0017
    assert alarms / 200 <= 0.1
    assert all(watched(seed, 2.0).alarm(0.01) for seed in range(20))
    again = DriftMonitor(msgspec.json.decode(msgspec.json.encode(monitor.state), type=DriftState))
    assert again.update(0.5) == monitor.update(0.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="finite"):
        DriftMonitor.fresh([1.0]).update(value)
    with pytest.raises(InputError, match="finite"):
        DriftMonitor.fresh([value])
