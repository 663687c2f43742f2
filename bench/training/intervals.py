"""Means over seeds and the difference of two of them."""
import math
import statistics

from scipy.stats import t


def mean(values):
    return statistics.fmean(values)


def difference(ours, theirs):
    """(mean of ours - mean of theirs, half of its 95 % interval by Welch's t); no interval from a single value."""
    found = mean(ours) - mean(theirs)
    if min(len(ours), len(theirs)) < 2:
        return found, None
    parts = [statistics.variance(values) / len(values) for values in (ours, theirs)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return found, 0.0
    freedom = sum(parts) ** 2 / sum(part ** 2 / (len(values) - 1) for part, values in zip(parts, (ours, theirs)))
    return found, float(t.ppf(0.975, freedom)) * error


def median_ratio(slow, quick, field="seconds"):
    """Median over the rounds in which both ran."""
    both = sorted(set(slow) & set(quick))
    return statistics.median(slow[seed][field] / quick[seed][field] for seed in both) if both else None
