"""Conformal decisions: which share of normal data a rule may alarm on, and how many data a promise needs."""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]


def p_value(normal: Scores, score: float) -> float:
    """Share of normal scores at least as high as `score`, the score itself counted among them.

    Args:
        normal: n scores of normal data, ascending, float32 or float64 (the score is compared in the same type).
        score: higher is more anomalous.

    Returns:
        (1 + count) / (n + 1), in [1 / (n + 1), 1].
    """
    count = len(normal)
    at_least = count - int(normal.searchsorted(normal.dtype.type(score)))
    return (1 + at_least) / (count + 1)


def rank(count: int, false_alarm_rate: float, confidence: float | None = None) -> int:
    """The largest k for which the rule "alarm where the p-value is at most k / (count + 1)" keeps its promise.

    That rule alarms on a score above the k-th highest of `count` exchangeable normal ones; without ties its
    false-alarm rate over future normal data is Beta(k, count + 1 - k).

    Args:
        count: calibration scores.
        false_alarm_rate: alpha, in (0, 1).
        confidence: None: the rate is at most alpha on average over calibration sets. Else in (0, 1): it is at most
            alpha for this share of calibration sets, and on average as well.

    Returns:
        k; 0 where `count` supports no alarm at all.
    """
    # str: the decimal number that was meant, so that 0.29 of 100 is 29 and not 28.999...
    on_average = math.floor(Fraction(str(false_alarm_rate)) * (count + 1))
    if confidence is None or on_average == 0:
        return on_average
    # P(Beta(k, n + 1 - k) <= alpha) = P(Bin(n, alpha) >= k) is to be at least the confidence.
    below = np.arange(on_average, dtype=np.float64)
    steps = np.log(count - below[:-1]) - np.log(below[1:]) + math.log(false_alarm_rate) - math.log1p(-false_alarm_rate)
    log_pmf = count * math.log1p(-false_alarm_rate) + np.concatenate([[0.0], np.cumsum(steps)])
    log_cdf = np.logaddexp.accumulate(log_pmf)
    return int(np.count_nonzero(log_cdf <= math.log1p(-confidence)))


def class_rank(classes: int, each: int, false_alarm_rate: float) -> int:
    """The largest k for which "alarm above the k-th highest score" keeps its promise to a class that was never seen.

    The classes are exchangeable with the new one, and so are the scores within each. Whatever the new class's other
    scores would be, they hold one share in K + 1 of all; so the p-value (each + count) / ((K + 1) * each), with the
    count of scores at least as high, is at most alpha with probability alpha or less.

    Args:
        classes: K.
        each: scores of each class.
        false_alarm_rate: alpha, in (0, 1), for one score of a new class.

    Returns:
        k; 0 where alpha is below 1 / (K + 1): more scores of the same classes do not help.
    """
    return max(0, math.floor(Fraction(str(false_alarm_rate)) * (classes + 1) * each) - each + 1)


def needed(false_alarm_rate: float, confidence: float | None = None) -> int:
    """The fewest calibration scores with which `rank` is at least 1.

    >>> needed(1e-3), needed(1e-3, 0.95)
    (999, 2995)
    """
    on_average = math.ceil(1 / Fraction(str(false_alarm_rate))) - 1
    if confidence is None:
        return on_average
    once = math.log1p(-confidence) / math.log1p(-false_alarm_rate)
    return max(on_average, math.ceil(once) if math.isfinite(once) else 0)  # of a rate of 1e-320 it is not
