"""Is flight still like calibration? A conformal test martingale over one number a track.

While the tracks are exchangeable with the calibration's, the capital below is a martingale that starts at 1, so by
Ville's inequality P(it ever reaches 1 / alpha) <= alpha, however long the node watches. A drift lets it grow.
"""

import bisect
import hashlib
import math
from collections.abc import Sequence

import msgspec
import numpy as np

from onboard.errors import InputError

_POWERS = (0.2, 0.4, 0.6, 0.8)  # bets on small p-values: power * p ** (power - 1); and the same on large ones
_JUMP = 0.02  # share of the capital that moves to the other bets after each track: a drift may begin at any time
_EDGE = 1e-9  # keeps every bet finite
_MOST = 8192  # numbers that are kept: each track writes all of them


class DriftState(msgspec.Struct, forbid_unknown_fields=True):
    """All that a monitor knows, to be kept across restarts as JSON or YAML.

    Attributes:
        seed: of the draw that breaks ties.
        calibration_tracks: how many numbers came from the ground.
        numbers: of every track so far, ascending, or of some of them; the calibration's own were there first.
        log_capital: natural logarithm of the capital in each bet: none, small p-values, large ones.
        peak: the highest logarithm of the whole capital so far.
        dropped: how many numbers are not kept any more.
    """

    seed: int
    calibration_tracks: int
    numbers: list[float]
    log_capital: list[float]
    peak: float = 0.0
    dropped: int = 0


class DriftMonitor:
    """Bets against the exchangeability of tracks.

    Each track's p-value is its rank among the calibration's tracks *and all tracks in flight before it*, which makes
    the p-values independent; ranks among the calibration's alone would all share its luck. It takes one number a
    track (such as the mean of the anomaly score), for frames of one track depend on each other. Which tracks come
    must not depend on the numbers: leave none out for having alarmed.

    Of more than 8,192 numbers a half is drawn by lot and kept. That changes nothing in the above: the p-values so far
    are independent of the numbers without their order, so also of whatever is drawn from these, and the next track's
    rank among a draw of exchangeable numbers is as uniform as among all of them.

        monitor = DriftMonitor.fresh(calibration_numbers)
        monitor.update(number)
        monitor.alarm(0.01)

    Args:
        state: where to go on.
    """

    def __init__(self, state: DriftState) -> None:
        if len(state.log_capital) != 1 + 2 * len(_POWERS) or not all(map(math.isfinite, state.numbers)):
            raise InputError("the drift monitor's state is of another version or damaged; start a fresh one")
        self.state = state

    @classmethod
    def fresh(cls, calibration: Sequence[float], seed: int = 0) -> "DriftMonitor":
        """A monitor that has seen no flight.

        Args:
            calibration: finite numbers of the normal tracks on the ground, in any order.
            seed: of the draw that breaks ties.

        Raises:
            InputError: there are none, or one is not finite.
        """
        numbers = sorted(float(value) for value in calibration)
        if not numbers or not all(map(math.isfinite, numbers)):
            raise InputError("the drift monitor needs finite numbers of at least one calibration track")
        bets = 1 + 2 * len(_POWERS)
        return cls(DriftState(seed, len(numbers), numbers, [-math.log(bets)] * bets))

    @property
    def tracks(self) -> int:
        """How many tracks it has seen in flight."""
        return self._seen - self.state.calibration_tracks

    @property
    def log_capital(self) -> float:
        """Natural logarithm of the capital; 0 at the start."""
        return float(np.logaddexp.reduce(self.state.log_capital))

    def alarm(self, false_alarm_rate: float) -> bool:
        """Whether the capital ever reached 1 / `false_alarm_rate`; without drift that ever happens with at most this
        probability."""
        return self.state.peak >= -math.log(false_alarm_rate)

    def update(self, number: float) -> float:
        """Take the next track in flight.

        Args:
            number: of the whole track, finite; made as the calibration's were.

        Returns:
            Its p-value, in (0, 1): small for a high number.

        Raises:
            InputError: the number is not finite.
        """
        number = float(number)  # a NumPy scalar would not be kept as JSON
        if not math.isfinite(number):
            raise InputError(f"the drift monitor needs a finite number of a track, {number} was given")
        p = self._p_value(number)
        bisect.insort(self.state.numbers, number)
        if len(self.state.numbers) > _MOST:
            self._thin()
        capital = np.array(self.state.log_capital) + _log_bets(p)
        whole = float(np.logaddexp.reduce(capital))
        shared = whole + math.log(_JUMP / len(capital))
        self.state.log_capital = [float(v) for v in np.logaddexp(capital + math.log1p(-_JUMP), shared)]
        self.state.peak = max(self.state.peak, whole)
        return p

    def _p_value(self, number: float) -> float:
        numbers = self.state.numbers
        low, high = bisect.bisect_left(numbers, number), bisect.bisect_right(numbers, number)
        # The draw depends on the seed and the track's place alone, so a restart makes the same one.
        digest = hashlib.sha256(f"{self.state.seed}\t{self._seen}".encode()).digest()
        uniform = (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
        p = (len(numbers) - high + uniform * (high - low + 1)) / (len(numbers) + 1)
        return min(max(p, _EDGE), 1 - _EDGE)

    @property
    def _seen(self) -> int:
        return len(self.state.numbers) + self.state.dropped

    def _thin(self) -> None:
        numbers = self.state.numbers
        lot = np.random.default_rng([abs(self.state.seed), self._seen])  # as above, of a restart too
        kept = np.sort(lot.choice(len(numbers), _MOST // 2, replace=False))
        self.state.dropped += len(numbers) - len(kept)
        self.state.numbers = [numbers[n] for n in kept]


def _log_bets(p: float) -> np.ndarray:
    small = [math.log(power) + (power - 1) * math.log(p) for power in _POWERS]
    large = [math.log(power) + (power - 1) * math.log1p(-p) for power in _POWERS]
    return np.array([0.0, *small, *large])
