"""Times counted in buckets of a fixed number: months of flight take the memory of the first second."""

from array import array

_FINE = 16  # buckets an octave: a percentile is at most 1/16 above the truth
_OCTAVES = 40
_MOST = (1 << (_OCTAVES + 4)) - 1  # ns, 4.9 hours; longer times count as this


class Histogram:
    """Counts of nanoseconds in buckets that grow with the time, 16 to each doubling.

    Attributes:
        count: of times added.
        longest: of them, exact.
    """

    def __init__(self) -> None:
        self.count = self.longest = 0
        self._buckets = array("Q", bytes(8 * _FINE * (_OCTAVES + 1)))

    def add(self, spent_ns: int) -> None:
        """Count a time; a negative one, of a clock that is not ours, as 0."""
        if not 0 <= spent_ns <= _MOST:
            spent_ns = min(max(spent_ns, 0), _MOST)
        self._buckets[_bucket(spent_ns)] += 1
        self.count += 1
        if spent_ns > self.longest:
            self.longest = spent_ns

    def percentile(self, share: float) -> int:
        """The time that this share (0 to 1) of those counted do not pass: the end of its bucket; 0 without any."""
        wanted, seen = share * self.count, 0
        for bucket, counted in enumerate(self._buckets):
            seen += counted
            if counted and seen >= wanted:
                return min(_last_of(bucket), self.longest)
        return 0

    def as_ms(self) -> dict[str, float]:
        """p50, p99, p99.9 and the maximum, in milliseconds."""
        shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
        return {name: self.percentile(share) / 1e6 for name, share in shares.items()} | {"max": self.longest / 1e6}


def _bucket(spent_ns: int) -> int:
    shift = spent_ns.bit_length() - 5
    if shift <= 0:
        return spent_ns
    return _FINE * shift + (spent_ns >> shift)


def _last_of(bucket: int) -> int:
    shift = max(0, bucket // _FINE - 1)
    return ((bucket - _FINE * shift + 1) << shift) - 1
