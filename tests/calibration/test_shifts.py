import numpy as np
import pytest

from calibration.shifts import SHIFTS


@pytest.mark.parametrize("name, shared", [("grey noise 6", True), ("colour noise 6", False)])
def test_noise_is_of_a_mono_camera_or_of_a_colour_camera(name: str, shared: bool) -> None:
    (shift,) = [shift for shift in SHIFTS if shift.name == name]
    assert shift.disturb is not None
    frame, box = np.full((128, 128, 3), 100, np.uint8), (10.0, 10.0, 90.0, 90.0)
    noisy, same = shift.disturb(frame, box, "a")
    assert same == box
    assert noisy.std() == pytest.approx(6, rel=0.05)
    assert (noisy[..., 0] == noisy[..., 1]).all() == shared
    again, other = (shift.disturb(frame, box, seed)[0] for seed in "ab")
    assert (again == noisy).all() and (other != noisy).any()
