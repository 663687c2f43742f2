#!/usr/bin/python3
"""Every kind of write, killed at random moments and on a full disk: soak/kill_write.py in small."""
import sys
import unittest

from program import ROOT, ProgramTest

sys.path.insert(0, str(ROOT / "tests/soak"))

from kill_write import soak  # noqa: E402


class KillWrite(ProgramTest):
    def test_the_old_file_or_the_new_one(self):
        soak(self.folder, 5, 1, "64,16")


if __name__ == "__main__":
    unittest.main()
