"""Boxes as numbers: x_min, y_min, x_max, y_max, edges."""

Box = tuple[float, float, float, float]


def union(one: Box, other: Box) -> Box:
    """The smallest box that holds both."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def gap(one: Box, other: Box) -> float:
    """The larger of their horizontal and vertical distances; 0 where they touch."""
    across = max(one[0] - other[2], other[0] - one[2])
    down = max(one[1] - other[3], other[1] - one[3])
    return max(across, down, 0.0)


def longer_side(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1; boxes have an area."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
