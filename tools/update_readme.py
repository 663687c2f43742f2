#!/usr/bin/python3
"""Writes the table that ./lab printed into README.md, with the machine it was measured on.

  ./lab && tools/update_readme.py [lab-out]
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- table:begin[^\n]*-->\n).*?(<!-- table:end -->)", re.DOTALL)


def caption(results):
    machine = results["machine"]
    system = machine["operating_system"].split(",")[0]
    return (f"{results['data']}, seed {results['seed']}, best epoch {results['best_epoch']}, trained in"
            f" {results['train_seconds']:.2f} s on {machine['training_threads']} threads. {machine['cpu']},"
            f" {machine['processors']} processors, CPU level {machine['cpu_level']}, {system}, {machine['compiler']},"
            f" nibble {machine['nibble']}.")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "lab-out")
    table = (folder / "table.md").read_text(encoding="utf-8").strip()
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    new, count = BLOCK.subn(lambda match: f"{match[1]}{table}\n\n{caption(results)}\n{match[2]}", text)
    if count != 1:
        sys.exit("README.md has no table:begin ... table:end block to write the table into")
    readme.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
