"""How nibble's training time and memory grow with rows, vocabulary and hidden size."""
import random
import statistics
import sys

import processes
from program import Failure, nibble
from rows import folder_of
from table import figure, table

HIDDEN = (512, 256, 128, 64)
WORDS = 14  # in a made-up row, as in SST-2's
VALIDATION_ROWS = 200
LONG = 60  # seconds after which nothing is run again
LONGER = 3  # epochs that show what those after the first take
STATE_BYTES = 12  # for each parameter: the weight and Adam's two moments


def parameters(inputs, hidden, classes=2):
    sizes = [inputs, *hidden, classes]
    return sum(one * two + two for one, two in zip(sizes, sizes[1:]))


def write_lines(path, count, make_line):
    with path.open("w", encoding="utf-8") as file:
        file.writelines(make_line(place) for place in range(count))
    return path


def resampled(path, count, folder):
    """Rows of SST-2's training part, drawn with replacement."""
    draw = random.Random(1)
    lines = (folder / "train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    return write_lines(path, count, lambda _: draw.choice(lines))


def made_up(path, count, words):
    """Rows of WORDS words: one of each row makes sure that all `words` words occur, the others follow Zipf's law."""
    draw = random.Random(1)

    def line(place):
        ranks = [int((words + 1) ** draw.random()) - 1 for _ in range(WORDS - 1)] + [place % words]
        return f"{' '.join(f'word{rank}' for rank in ranks)}\t{draw.randrange(2)}\n"
    return write_lines(path, count, line)


def once(options, output, threads, epochs):
    """nibble's figures with the seconds of training, or {"failed": a sentence}."""
    figures, seconds = processes.nibble_seconds(options, output, threads, epochs)
    if seconds is None:
        code = figures["exit_code"]
        why = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return {"failed": f"{why} {(figures['errors'].strip().splitlines() or [''])[-1]}".strip()}
    return {"seconds": seconds, "process": figures["seconds"], "peak_bytes": figures["peak_bytes"]}


def run(options, scratch, threads, epochs):
    """Medians of three runs, of one where that takes long; and the model's inputs."""
    output = scratch / "scaling.pt"
    runs = []
    while not runs or (len(runs) < 3 and sum(one["process"] for one in runs) < LONG):
        runs.append(once(options, output, threads, epochs))
        if "failed" in runs[-1]:
            return runs[-1]
    found = {what: statistics.median(one[what] for one in runs) for what in runs[0]}
    found["inputs"] = int(nibble("inspect", output).split("counts of ")[1].split(" words")[0].replace(",", ""))
    output.unlink()
    return found


def report(what, size, figures, rows, hidden=HIDDEN):
    """Prints as it goes; returns what is written to JSON."""
    print(f"{what} {size}: {figures}", file=sys.stderr, flush=True)
    found = {"what": what, "size": size, "rows": rows, **figures}
    if "failed" not in figures:
        state = STATE_BYTES * parameters(figures["inputs"], hidden)
        found.update(us_per_row=1e6 * figures["seconds"] / rows, bytes_above_state=figures["peak_bytes"] - state)
    return found


def few_validation_rows(given, scratch):
    """So few that they do not count beside the training rows."""
    lines = (folder_of(given.data) / "test.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    path = scratch / "validation.tsv"
    path.write_text("".join(lines[:VALIDATION_ROWS]), encoding="utf-8")
    return path


def by_rows(given, scratch):
    validation = few_validation_rows(given, scratch)
    found = []
    for count in given.rows:
        path = resampled(scratch / "rows.tsv", count, folder_of(given.data))
        epochs = max(1, given.seen // count)
        figures = run([path, "--stream", "--validation", validation], scratch, given.threads, epochs)
        found.append(report("rows", count, figures, count * epochs))
        path.unlink()
    return found


def over_epochs(first, longer, epochs):
    """A run's figures for `epochs` epochs from those of one and of LONGER: clearing memory for all weights and moments
    belongs to the first, and all later ones are alike."""
    later = (longer["seconds"] - first["seconds"]) / (LONGER - 1)
    return {**longer, "seconds": first["seconds"] + (epochs - 1) * later, "first_epoch": first["seconds"], "later_epochs": later}


def by_vocabulary(given, scratch):
    validation = few_validation_rows(given, scratch)
    found = []
    for words in given.vocabulary:
        count = max(words, given.vocabulary_rows)
        path = made_up(scratch / "words.tsv", count, words)
        # Writing a checkpoint of 8 GB amid the longer training is another matter.
        options = [path, "--validation", validation, "--max-features", 0, "--checkpoint-every", LONGER]
        runs = [run(options, scratch, given.threads, epochs) for epochs in (1, LONGER)]
        failed = [one for one in runs if "failed" in one]
        figures = failed[0] if failed else over_epochs(*runs, given.epochs)
        found.append(report("vocabulary", words, figures, count * given.epochs))
        path.unlink()
    return found


def by_hidden(given, scratch):
    rows = int(0.8 * len((folder_of(given.data) / "train.tsv").read_text(encoding="utf-8").splitlines()))
    found = []
    for size in given.hidden:
        hidden = (size, *HIDDEN[1:])
        figures = run([given.data, "--hidden", ",".join(map(str, hidden))], scratch, given.threads, given.epochs)
        found.append(report("hidden", size, figures, rows * given.epochs, hidden))
    return found


MODES = {"rows": by_rows, "vocabulary": by_vocabulary, "hidden": by_hidden}


def measure(given, scratch):
    unknown = set(given.what) - set(MODES)
    if unknown:
        raise Failure(f"scaling knows {', '.join(MODES)}, not {', '.join(sorted(unknown))}")
    return [one for what in given.what for one in MODES[what](given, scratch)]


def text_of(found):
    head = ["Grows", "size", "rows seen", "seconds", "us a row", "whole process", "peak MB", "MB above state"]
    rows = []
    for one in found:
        if "failed" in one:
            rows.append([one["what"], f"{one['size']:,}", f"{one['rows']:,}", one["failed"], "–", "–", "–", "–"])
        else:
            rows.append([one["what"], f"{one['size']:,}", f"{one['rows']:,}", figure(one["seconds"]), figure(one["us_per_row"]),
                         figure(one["process"]), figure(one["peak_bytes"] / 2 ** 20), figure(one["bytes_above_state"] / 2 ** 20)])
    return table(head, rows)


def per_row(found, what):
    return {one["size"]: one["us_per_row"] for one in found if one["what"] == what and "us_per_row" in one}


def bars(found):
    """(what, at most, measured)"""
    rows, words = per_row(found, "rows"), per_row(found, "vocabulary")
    largest = [one for one in found if one["what"] == "rows" and one["size"] == 10_000_000 and "failed" not in one]
    spread = max(rows.values()) / min(rows.values()) if len(rows) > 1 else None
    growth = words[1_000_000] / words[10_000] if {10_000, 1_000_000} <= set(words) else None
    above = largest[0]["bytes_above_state"] / 2 ** 20 if largest else None
    return [(f"3. time per row, slowest beside quickest, {min(rows, default=0):,} to {max(rows, default=0):,} rows", 1.15, spread),
            ("3. peak memory at 10 M rows above model and optimizer state, MB", 100, above),
            ("3. time per row over all epochs, 1 M words beside 10 k", 1.5, growth)]


def bars_text(found):
    say = lambda measured, most: "not measured" if measured is None else "met" if measured <= most else "not met"
    return table(["Bar", "at most", "measured", ""], [[what, figure(most), figure(measured), say(measured, most)]
                                                     for what, most, measured in bars(found)])
