from calibration import sizes
from calibration.sizes import SizeRange


def test_octaves_are_joined_until_each_holds_enough() -> None:
    assert sizes.ranges([20] * 3 + [40] * 5 + [100] * 4 + [300] * 2, 4) == [
        SizeRange(0, 64),
        SizeRange(64, None),
    ]
    assert sizes.ranges([20] * 4 + [700] * 4, 4) == [SizeRange(0, 32), SizeRange(32, None)]


def test_too_few_for_one_range_are_one_range() -> None:
    assert sizes.ranges([50, 500], 4) == [SizeRange(0, None)]
    assert sizes.ranges([], 4) == [SizeRange(0, None)]


def test_a_border_belongs_to_the_upper_range() -> None:
    low, high = sizes.ranges([40] * 2 + [64] * 2, 2)
    assert 64 not in low and 64 in high and 63.9 in low
