"""The commands that measure nibble and its peers, on made-up data and for a moment: that they run to their end, that the
answers they compare are right, and that they write what they promise. No time is judged.
"""
import json
import shutil
import subprocess
import sys
import unittest
from importlib.util import find_spec

from program import ROOT, ProgramTest, text_rows

MISSING = [module for module in ("torch", "sklearn") if find_spec(module) is None]
if MISSING:
    print(f"skipped: nibble's peers are not here; install python3-torch and python3-sklearn (missing: {', '.join(MISSING)})")
    sys.exit(77)


class Bench(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = cls.folder / "data"
        cls.data.mkdir()
        (cls.data / "train.tsv").write_text(text_rows(3000), encoding="utf-8")
        (cls.data / "test.tsv").write_text(text_rows(300, seed=2), encoding="utf-8")

    def bench(self, script, *arguments):
        """What the script wrote as JSON, and printed."""
        path = self.folder / "out.json"
        command = [sys.executable, "-B", ROOT / "bench" / script, *arguments, "--quick", "--data", self.data, "--json", path]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=600)
        self.assertEqual(done.returncode, 0, f"{script}\n{done.stdout}\n{done.stderr}")
        return json.loads(path.read_text(encoding="utf-8")), done.stdout

    def test_peers(self):
        found, printed = self.bench("peers/peers.py", "--threads", "1", "--without", "onnx,onednn")
        self.assertIn("nibble int8", printed)
        self.assertTrue(all(share >= 0.99 for share in found["agreement"].values()), found["agreement"])
        self.assertIn("torch bag 1", found["agreement"])
        self.assertGreater(found["rounds"][0]["networks"]["torch dynamic 1 1"], 0)
        self.assertEqual({bar["number"] for bar in found["bars"]}, {1, 2, 3, 4})
        self.assertIn("not measured", {bar["verdict"] for bar in found["bars"]})

    def test_training_beside_peers(self):
        found, printed = self.bench("training/training.py", "compare", "--without", "torch-dense,sklearn,fasttext-pairs")
        self.assertIn("nibble's less it", printed)
        trained = {(one["trainer"], one["threads"]): one for one in found["runs"]}
        self.assertEqual(trained["nibble", 1]["test"], trained["nibble", 2]["test"])
        self.assertGreater(trained["torch-bag", 1]["seconds"], 0)

    def test_training_scaling(self):
        found, _ = self.bench("training/training.py", "scaling")
        self.assertEqual([(one["what"], one["size"]) for one in found["runs"]],
                         [("rows", 1000), ("rows", 2000), ("vocabulary", 100), ("vocabulary", 200), ("hidden", 64), ("hidden", 128)])
        self.assertEqual([one["inputs"] for one in found["runs"] if one["what"] == "vocabulary"], [100, 200])
        self.assertTrue(all(one["peak_bytes"] > 0 for one in found["runs"]))

    def test_quantization(self):
        found, printed = self.bench("quantization/compare.py")
        self.assertIn("seeds won", printed)
        self.assertEqual(list(found[0]), ["Original", "int2", "int2, second-order", "int2, trained"])
        self.assertEqual(found[0]["Original"]["error"], 0)
        self.assertTrue(all(run[name]["accuracy"] >= 95 for run in found for name in run), found)

    @unittest.skipUnless(shutil.which("fasttext"), "fasttext is not here")
    def test_sizes(self):
        found, printed = self.bench("quantization/sizes.py")
        self.assertIn("must have at least 256 rows", printed)  # fastText's word on a vocabulary that small
        self.assertLess(found["nibble shrink --max-drop 0.5"][0]["bytes"], found["nibble f32"][0]["bytes"])
        self.assertTrue(all(run["test"] >= 95 for runs in found.values() for run in runs if "refused" not in run), found)


if __name__ == "__main__":
    unittest.main()
