"""What nibble promises about its speed beside peers, and whether this run keeps it.

A round is a dict of figures: "networks" and "layers" are times by key, "texts" seconds by key, "reports" nibble's own. A
ratio is taken within each round, and the median of the rounds counts: the machine may drift between rounds.
"""
import statistics
from dataclasses import dataclass

from layers import BATCHES, GEMM, GEMVS, ONEDNN


@dataclass
class Bar:
    number: int
    what: str
    target: float
    measured: float = None  # None: not measured
    unit: str = "x"

    @property
    def verdict(self):
        if self.measured is None:
            return "not measured"
        return "met" if self.measured >= self.target else "not met"


def over_rounds(rounds, ratio):
    """Median of ratio(round), or None where a round lacks what it needs."""
    try:
        return statistics.median(ratio(one) for one in rounds)
    except (KeyError, ValueError):
        return None


def network(one, peer, form, batch, threads=1):
    return one["networks"][peer, form, batch, threads]


def best_bag(one, batch, threads=1):
    """PyTorch's quicker EmbeddingBag: words repeated or weighted."""
    times = one["networks"]
    return min(times[key] for key in times if key[0] == "torch" and key[1].startswith("bag") and key[2:] == (batch, threads))


def run_of(one, scheme, batch, threads=1):
    runs = one["reports"][scheme]["runs"]
    return next(run for run in runs if (run["batch"], run["threads"], run["input"]) == (batch, threads, one["input"]))


def share_of_peak(one, scheme, peak):
    """Of the peak of the scheme's arithmetic: float32's where the CPU has no dot product of bfloat16 (its ceiling is 0)."""
    run, ceilings = run_of(one, scheme, 256), one["reports"][scheme]["ceilings"]
    return 100 * run["operations"] / run["median_us"] / 1e3 / (ceilings[peak] or ceilings["f32_gflops"])


def peer_bars(rounds, number, batch, targets):
    int8 = lambda one: network(one, "nibble", "int8", batch)
    bag, dynamic, onnx = targets
    return [
        Bar(number, f"batch {batch}: int8 beside PyTorch's EmbeddingBag", bag,
            over_rounds(rounds, lambda one: best_bag(one, batch) / int8(one))),
        Bar(number, f"batch {batch}: int8 beside PyTorch's quantize_dynamic", dynamic,
            over_rounds(rounds, lambda one: network(one, "torch", "dynamic", batch) / int8(one))),
        Bar(number, f"batch {batch}: int8 beside ONNX Runtime int8", onnx,
            over_rounds(rounds, lambda one: network(one, "onnx", "int8", batch) / int8(one)))]


def faster(rounds, number, quick, slow, batch):
    return Bar(number, f"batch {batch}: {quick} beside {slow}", 1.0, over_rounds(
        rounds, lambda one: network(one, "nibble", slow, batch) / network(one, "nibble", quick, batch)))


def single_row_bars(rounds):
    floor = over_rounds(rounds, lambda one: 100 * run_of(one, "int8", 1)["share_of_floor"])
    return [Bar(1, "batch 1: int8's share of its floor (reading from L2)", 75, floor, "%"),
            *peer_bars(rounds, 1, 1, (25, 300, 40)),
            faster(rounds, 1, "int4", "int8", 1), faster(rounds, 1, "f16", "f32", 1), faster(rounds, 1, "bf16", "f32", 1)]


def batch_bars(rounds):
    peaks = (("int8", "byte_dot_gops", 65), ("f32", "f32_gflops", 80), ("bf16", "bf16_gflops", 90))
    shares = [Bar(2, f"batch 256: {scheme}'s share of the peak", target,
                  over_rounds(rounds, lambda one, s=scheme, p=peak: share_of_peak(one, s, p)), "%")
              for scheme, peak, target in peaks]
    cores = [Bar(2, f"batch 256: {scheme} on two cores beside one", 1.9, over_rounds(
        rounds, lambda one, s=scheme: network(one, "nibble", s, 256) / network(one, "nibble", s, 256, 2)))
        for scheme in ("f32", "int8", "int4", "f16", "bf16")]
    return [*peer_bars(rounds, 2, 256, (3.5, 20, 25)), *shares, *cores]


def onednn(one, kind, shape, ways=ONEDNN):
    """oneDNN's quickest way for this shape, on one thread."""
    return min(one["layers"][library, kind, *shape, 1] for library in ways)


def ours(one, kind, shape):
    return one["layers"]["nibble", kind, *shape, 1]


def beside_onednn(rounds, kind, shape, ways=ONEDNN):
    return over_rounds(rounds, lambda one: onednn(one, kind, shape, ways) / ours(one, kind, shape))


def skinny_bars(rounds, batches):
    """784 x 512 at its worst batch, beside the same work: scales, bias and ReLU included."""
    bars = []
    for kind in ("f32", "int8"):
        each = [(beside_onednn(rounds, kind, (batch, 784, 512), ONEDNN[:1]), batch) for batch in batches]
        known = [pair for pair in each if pair[0] is not None]
        worst, batch = min(known, default=(None, "-"))
        bars.append(Bar(3, f"784 x 512: {kind} beside oneDNN, at the worst batch ({batch})", 1.0, worst))
    return bars


def layer_bars(rounds, batches=BATCHES):
    bars = [Bar(3, f"GEMM 1024^3: {kind} beside oneDNN", 0.97, beside_onednn(rounds, kind, GEMM)) for kind in ("f32", "int8")]
    for shape in GEMVS:
        what = f"GEMV {shape[1]} x {shape[2]}"
        bars.append(Bar(3, f"{what}: int8 beside oneDNN", 1.1, beside_onednn(rounds, "int8", shape)))
        bars.append(Bar(3, f"{what}: int4 beside our int8", 1.4,
                        over_rounds(rounds, lambda one, s=shape: ours(one, "int8", s) / ours(one, "int4", s))))
    return bars + skinny_bars(rounds, batches)


def million_lines(one):
    """Lines a second inside the process: the time for one line is its start and its model."""
    many, single = one["texts"]["nibble", "int8", 1]
    return (one["lines"] - 1) / (many - single) / 1e6


def text_bars(rounds):
    ratio = lambda one: one["texts"]["fasttext", "", 1][0] / one["texts"]["nibble", "int8", 1][0]
    return [Bar(4, "text to label, whole process: int8 beside fastText", 2, over_rounds(rounds, ratio)),
            Bar(4, "text to label inside the process: int8", 1.4, over_rounds(rounds, million_lines), "M lines/s")]


def all_bars(rounds, batches=BATCHES):
    """What is promised of whole networks is promised of bags of words."""
    if rounds[0]["input"] == "dense":
        return layer_bars(rounds, batches)
    return [*single_row_bars(rounds), *batch_bars(rounds), *layer_bars(rounds, batches), *text_bars(rounds)]
