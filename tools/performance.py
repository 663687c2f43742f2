#!/usr/bin/python3
"""Measures the reference models with `nibble bench` and writes docs/performance.md, or a page of another name for a machine
of another kind.

  ./lab && tools/performance.py [lab-out] [--rounds 5] [--output docs/performance-avx2.md]

Every model is timed in each round, one after another, so that a machine that changes its pace changes it for all; each
figure is the median over the rounds. Stop everything else first: the page says when a round was noisy.
"""
import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMES = ["f32", "f16", "bf16", "int8", "int4"]
BATCHES = [1, 8, 32, 256, 1024]
MEGABYTE = 1024 * 1024


def bench(arguments, model, *options):
    command = [arguments.nibble, "bench", model, "--data", arguments.data, "--seconds", str(arguments.seconds), "--quiet",
               "--json", "-", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def predict_peak(arguments, model):
    """The kernel's VmHWM of a whole `nibble predict` that has given one answer, bytes."""
    with subprocess.Popen([arguments.nibble, "predict", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"a warm and funny film\n")
        process.stdin.flush()
        process.stdout.readline()
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        process.stdin.close()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def measure(arguments, models, *options):
    """Reports by scheme, one for each round."""
    reports = {scheme: [] for scheme in models}
    for _ in range(arguments.rounds):
        for scheme, model in models.items():
            reports[scheme].append(bench(arguments, model, *options))
    return reports


def cpu_family():
    """What tells generations of CPUs apart where a virtual machine hides the name; "" on CPUs without such numbers."""
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    fields = dict(reversed([line.replace("\t", "").split(":", 1) for line in lines if ":" in line]))
    if "cpu family" not in fields:
        return ""
    return f" (family{fields['cpu family']}, model{fields['model']})"


def over_rounds(reports, figure):
    return statistics.median(figure(report) for report in reports)


def run_of(report, batch, threads):
    return next(run for run in report["runs"]
                if run["batch"] == batch and run["threads"] == threads and run["input"] == "sparse")


def of_run(reports, key, batch, threads=1):
    return over_rounds(reports, lambda report: run_of(report, batch, threads)[key])


def microseconds(value):
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def table(header, rows):
    lines = [header, [":---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def ceiling(value):
    """A dash where the CPU has no such arithmetic."""
    return f"{value:.1f}" if value else "–"


def ceilings_table(reports):
    names = [("f32 multiply-add, GFLOP/s", "f32_gflops"), ("bf16 dot product, GFLOP/s", "bf16_gflops"),
             ("byte dot product, GOP/s", "byte_dot_gops"), ("read L1, GB/s", "l1_gb_per_second"),
             ("read L2, GB/s", "l2_gb_per_second"), ("read L3, GB/s", "l3_gb_per_second"),
             ("read memory, GB/s", "dram_gb_per_second")]
    rows = [[name, ceiling(over_rounds(reports, lambda r, k=key: r["ceilings"][k])),
             ceiling(over_rounds(reports, lambda r, k=key: r["ceilings"]["all_threads"][k]))] for name, key in names]
    return table(["Ceiling", "1 thread", f"{reports[0]['ceilings']['threads']} threads"], rows)


def one_row_table(reports):
    rows = []
    for scheme, own in reports.items():
        rows.append([scheme, *(microseconds(of_run(own, key, 1)) for key in ["median_us", "p90_us", "p99_us", "floor_us"]),
                     f"{100 * of_run(own, 'share_of_floor', 1):.0f} %",
                     microseconds(over_rounds(own, lambda r: r["cold"]["median_us"])),
                     microseconds(over_rounds(own, lambda r: r["text_to_label_us"])),
                     f"{of_run(own, 'rows_per_second', 1):,.0f}"])
    return table(["Scheme", "Median", "p90", "p99", "Floor", "Reached", "Cold caches", "Text to label", "Rows/s"], rows)


def batches_table(reports):
    rows = [[scheme, *(f"{microseconds(of_run(own, 'median_us', batch))} ({100 * of_run(own, 'share_of_floor', batch):.0f} %)"
                       for batch in BATCHES)] for scheme, own in reports.items()]
    return table(["Scheme", *(f"batch {batch}" for batch in BATCHES)], rows)


def threads_table(reports):
    threads = next(iter(reports.values()))[0]["ceilings"]["threads"]
    rows = []
    for scheme, own in reports.items():
        one = of_run(own, "rows_per_second", 1024)
        many = of_run(own, "rows_per_second", 1024, threads)
        rows.append([scheme, f"{one:,.0f}", f"{many:,.0f}", f"{many / one:.2f}"])
    return table(["Scheme", "1 thread", f"{threads} threads", "Ratio"], rows)


def layers_table(reports):
    rows = []
    for at, layer in enumerate(reports[0]["layers"]):
        us = over_rounds(reports, lambda r, at=at: r["layers"][at]["us"])
        floor = over_rounds(reports, lambda r, at=at: r["layers"][at]["floor_us"])
        rows.append([f"{layer['inputs']}-{layer['outputs']}", layer["batch"], microseconds(us), microseconds(floor),
                     f"{100 * floor / us:.0f} %"])
    return table(["Layer", "Batch", "Time", "Floor", "Reached"], rows)


def level_table(reports):
    rows = []
    for scheme, own in reports.items():
        ratios = [of_run(reports["f32"], "median_us", batch) / of_run(own, "median_us", batch) for batch in (1, 256)]
        rows.append([scheme, *(microseconds(of_run(own, "median_us", batch)) for batch in (1, 256)),
                     *(f"{ratio:.2f}" for ratio in ratios)])
    return table(["Scheme", "batch 1", "batch 256", "f32's time / its, batch 1", "batch 256"], rows)


def load_table(arguments, models, reports):
    rows = []
    for scheme, model in models.items():
        size = pathlib.Path(model).stat().st_size
        peak = predict_peak(arguments, model)
        rows.append([scheme, f"{size / MEGABYTE:.2f}", f"{over_rounds(reports[scheme], lambda r: r['load_ms']):.2f}",
                     f"{peak / MEGABYTE:.1f}", f"{(peak - size) / MEGABYTE:.1f}"])
    return table(["Scheme", "File, MB", "Load, ms", "Peak memory of predict, MB", "beyond the file, MB"], rows)


def noise_text(reports):
    runs = [report for own in reports.values() for report in own]
    noisy = sum(report["noise"]["noisy"] for report in runs)
    return f"{noisy} of {len(runs)} measurements were flagged as noisy by bench itself."


def roofline(arguments):
    """The picture's file, named as the page is."""
    return arguments.output.with_name(arguments.output.stem.replace("performance", "roofline-int8") + ".svg")


def avx2_section(avx2):
    return f"""## On AVX2 (`--cpu avx2`), microseconds per call

{level_table(avx2)}
"""


def page(arguments, models, reports, avx2):
    first = reports["int8"][0]
    machine = first["machine"]
    return f"""# Performance{" on " + machine["cpu_level"].upper() if not avx2 else ""}

<!-- Written by tools/performance.py; do not edit. -->

What `nibble bench` measured on the reference model, beside what the machine could do at most in the same run. Once more:

```sh norun: takes minutes and wants a machine that does nothing else
./lab && tools/performance.py lab-out --output docs/{arguments.output.name}
```

**Machine.** {machine['cpu']}{cpu_family()}, {machine['processors']} processors, {machine['memory']}, CPU level {machine['cpu_level']};
{machine['operating_system']}; {machine['compiler']}; nibble {machine['nibble']};
{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}.
Model {'-'.join(map(str, first['model']['sizes']))}, {first['rows']}, sparse input.
Every figure is the median of {arguments.rounds} rounds. {noise_text(reports)}

**Floor**: the least time a call can take on this machine, whatever the code: operations by the peak of their arithmetic, or
bytes by the bandwidth of the cache that holds them, whichever is more. *Reached* is floor by time. How it is counted
stands in `nibble/measure/floor.h`.

## Ceilings

{ceilings_table(reports['int8'])}
## One row, one thread, microseconds

{one_row_table(reports)}
## Batches, one thread, microseconds per call (reached)

{batches_table(reports)}
## Rows per second at batch 1024

{threads_table(reports)}
## Each layer alone, int8, one thread, microseconds

{layers_table(reports['int8'])}
![Operations per byte against operations per second, int8]({roofline(arguments).name})

{avx2_section(avx2) if avx2 else ""}## Loading

From the page cache, ready to answer; peak memory is the kernel's VmHWM of the whole process.

{load_table(arguments, models, reports)}"""


def arguments_from_command_line():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=ROOT / "lab-out", type=pathlib.Path, help="what ./lab wrote")
    parser.add_argument("--nibble", default=ROOT / "build/release/nibble", type=pathlib.Path)
    parser.add_argument("--data", default="sst2", help="the rows to time")
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--seconds", default=0.1, type=float, help="for each figure of a round")
    parser.add_argument("--output", default=ROOT / "docs/performance.md", type=pathlib.Path)
    return parser.parse_args()


def main():
    arguments = arguments_from_command_line()
    arguments.nibble = arguments.nibble.resolve()
    checkpoint = arguments.folder.resolve() / "checkpoint.pt"
    with tempfile.TemporaryDirectory(prefix="nibble-performance-") as scratch:
        models = {scheme: str(pathlib.Path(scratch) / f"{scheme}.safetensors") for scheme in SCHEMES}
        for scheme, model in models.items():
            subprocess.run([arguments.nibble, "quantize", checkpoint, "--scheme", scheme, "-o", model], check=True,
                           stdout=subprocess.DEVNULL)
        reports = measure(arguments, models)
        avx2 = {}
        if reports["int8"][0]["machine"]["cpu_level"] != "avx2":
            avx2 = measure(arguments, models, "--cpu", "avx2", "--threads", "1", "--batches", "1,256", "--layer-batches", "none")
        bench(arguments, models["int8"], "--threads", "1", "--plot", str(roofline(arguments)))
        text = page(arguments, models, reports, avx2)
    arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
