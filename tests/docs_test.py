#!/usr/bin/python3
"""Runs every ```sh block of README.md and docs/*.md, so that what the documentation shows works.

The blocks of one document run in order, in one scratch folder, with nibble on the PATH. A block that cannot run here says
why: ```sh norun: clones from the network. A document that names sst2 is skipped where that data set is not to be had.
"""
import os
import re
import subprocess
import tempfile
import unittest

from program import NIBBLE, ROOT, nibble

FENCE = re.compile(r"^```sh *(?P<note>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document):
    """(line, note, code) of every block."""
    text = document.read_text(encoding="utf-8")
    return [(text.count("\n", 0, match.start()) + 1, match["note"], match["code"]) for match in FENCE.finditer(text)]


class Documentation(unittest.TestCase):
    def test_blocks_that_do_not_run_say_why(self):
        for document in DOCUMENTS:
            for line, note, _ in blocks(document):
                self.assertRegex(note, r"^$|^norun: \w+", f"{document.name}:{line}")

    def test_blocks_run(self):
        for document in DOCUMENTS:
            with self.subTest(document=document.name):
                self.run_document(document, [block for block in blocks(document) if not block[1]])

    def run_document(self, document, to_run):
        if any("sst2" in code for _, _, code in to_run) and nibble("data", "get", "sst2").returncode != 0:
            self.skipTest("sst2 is not to be had here")
        data = nibble("data", "get", "sst2").stdout.decode().strip()
        environment = {**os.environ, "PATH": f"{NIBBLE.parent}:{os.environ['PATH']}"}
        if data:
            environment["NIBBLE_DATA"] = os.path.dirname(os.path.abspath(data))
        with tempfile.TemporaryDirectory(prefix="nibble-docs-") as scratch:
            for line, _, code in to_run:
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], cwd=scratch, env=environment, check=False,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
                self.assertEqual(done.returncode, 0, f"{document.name}:{line}\n{code}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    unittest.main()
