"""A way of rounding beside rounding to nearest, both of the same networks: paired over the seeds."""
import statistics

import numpy as np
from scipy import stats

from table import figure, table


def p_value(differences):
    """Of the paired t test; 1 when nothing differs."""
    if len(differences) < 2 or len(set(differences)) == 1:
        return 1.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def compared(nearest, way, what):
    """(mean difference, p)"""
    differences = [one[what] - other[what] for one, other in zip(way, nearest)]
    return statistics.fmean(differences), p_value(differences)


def compared_errors(nearest, way):
    """(ratio of the geometric means, p of the logarithms, how many seeds it is smaller in). Errors of different networks
    differ by factors, not by terms."""
    logs = [float(np.log(one["error"] / other["error"])) for one, other in zip(way, nearest)]
    return float(np.exp(statistics.fmean(logs))), p_value(logs), sum(log < 0 for log in logs)


def row(name, nearest, way):
    points, points_p = compared(nearest, way, "accuracy")
    ratio, ratio_p, won = compared_errors(nearest, way)
    loss, loss_p = compared(nearest, way, "cross_entropy")
    errors = [figure(stats.gmean([run["error"] for run in runs])) for runs in (nearest, way)]
    return [name, f"{points:+.2f}", f"{points_p:.3f}", *errors, figure(ratio), p_text(ratio_p), f"{won} of {len(way)}",
            f"{loss:+.4f}", p_text(loss_p)]


def p_text(p):
    return f"{p:.3f}" if p >= 0.001 else f"{p:.0e}"


def pairs_text(runs, schemes, ways):
    """A line for each way of each scheme that was measured, empty where none was."""
    rows = [row(f"{scheme}, {way}", [run[scheme] for run in runs], [run[f"{scheme}, {way}"] for run in runs])
            for scheme in schemes for way in ways if scheme in runs[0] and f"{scheme}, {way}" in runs[0]]
    original = statistics.fmean(run["Original"]["cross_entropy"] for run in runs)
    head = ["less nearest", "points", "p", "nearest's error", "its error", "ratio", "p", "seeds won", "cross entropy", "p"]
    return f"{table(head, rows)}\n\nOriginal's cross entropy: {original:.4f}" if rows else ""
