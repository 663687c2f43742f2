"""Runs the nibble program for the tests that see it from outside, on made-up data small enough to train in a moment.

The environment variable NIBBLE names the program; CTest sets it.
"""
import os
import random
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NIBBLE = Path(os.environ.get("NIBBLE", ROOT / "build/release/nibble")).resolve()
SMALL = ["--hidden", "16,8", "--epochs", "3", "--learning-rate", "0.01", "--quiet"]

GOOD = "warm funny tender bright moving clever joyful honest".split()
BAD = "dull cold clumsy tedious shallow noisy bitter stale".split()
OTHER = "film story scene actor music the and with about every".split()


def nibble(*arguments, **options):
    """Runs `nibble arguments...` to its end; standard input is empty unless given."""
    options.setdefault("input", b"")
    options.setdefault("timeout", 600)
    return subprocess.run([NIBBLE, *map(str, arguments)], capture_output=True, check=False, **options)


def text_rows(count, seed=1):
    """Rows "sentence TAB label" that a small network learns: a label goes with its own words."""
    draw = random.Random(seed)
    rows = []
    for index in range(count):
        label = index % 2
        words = draw.choices(GOOD if label else BAD, k=2) + draw.choices(OTHER, k=4)
        draw.shuffle(words)
        rows.append(f"{' '.join(words)}\t{label}")
    return "\n".join(rows) + "\n"


def number_rows(count, seed=1):
    """Rows of three numbers and a label, with commas."""
    draw = random.Random(seed)
    rows = []
    for index in range(count):
        label = index % 3
        rows.append(",".join(f"{draw.gauss(2.0 * (column == label), 0.5):.4f}" for column in range(3)) + f",{label}")
    return "\n".join(rows) + "\n"


def find_sst2():
    own = os.environ.get("NIBBLE_DATA")
    folders = [ROOT.parent / "shared/data/sst2"] + ([Path(own) / "sst2", Path(own)] if own else [])
    return next((folder for folder in folders if (folder / "test.tsv").exists()), None)


def sentences_of(rows):
    return [row.rsplit("\t", 1)[0] for row in rows.splitlines()]


class ProgramTest(unittest.TestCase):
    """A folder that is made for each test class and removed after it."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="nibble-test-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = Path(cls.scratch.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run_well(self, *arguments, **options):
        """Runs and expects success; standard output as text."""
        done = nibble(*arguments, **options)
        self.assertEqual(done.returncode, 0, f"nibble {' '.join(map(str, arguments))}\n{done.stderr.decode()}")
        return done.stdout.decode()
