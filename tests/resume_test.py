#!/usr/bin/python3
"""Training that is stopped, by kill -9 or Ctrl-C, and resumed: the same bytes at the end as if it had never stopped.

tests/soak/kill_resume.py does the same for longer.
"""
import importlib
import signal
import subprocess
import sys
import unittest

from program import NIBBLE, ROOT, ProgramTest, nibble, number_rows, text_rows

sys.path.insert(0, str(ROOT / "tests/soak"))
kill_and_resume = importlib.import_module("kill_resume").kill_and_resume

OPTIONS = {"--hidden": "64,16", "--epochs": "40", "--learning-rate": "0.003", "--batch": "8"}


def options(changes=()):
    """OPTIONS as arguments, with those of (name, value, name, value, ...) in their place."""
    return [word for pair in {**OPTIONS, **dict(zip(changes[::2], changes[1::2]))}.items() for word in pair]


class Resume(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = cls.folder / "train.tsv"
        cls.data.write_text(text_rows(2000))

    def train(self, name, *flags, change=()):
        path = self.folder / f"{name}.pt"
        self.run_well("train", self.data, "-o", path, *options(change), "--quiet", *flags)
        return path

    def refusal(self, checkpoint, change=(), data=None):
        done = nibble("train", data or self.data, "-o", self.folder / "never.pt", "--resume", checkpoint, *options(change),
                      "--quiet")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse((self.folder / "never.pt").exists())
        return done.stderr.decode()

    def test_killed_at_random_moments(self):
        for seed, more in enumerate((["--threads", "2"], ["--optimizer", "sgd", "--momentum", "0.9", "--schedule", "cosine"],
                                     ["--optimizer", "adamw", "--weight-decay", "0.1", "--clip-norm", "1"])):
            resumed = kill_and_resume(self.folder / f"kills-{seed}", [self.data, *options(), *more], 5, seed)
            self.assertGreater(resumed, 0)

    def test_dense_rows_killed_at_random_moments(self):
        data = self.folder / "numbers.csv"
        data.write_text(number_rows(3000))
        kill_and_resume(self.folder / "dense", [data, *options()], 3, 7)

    def test_ctrl_c_keeps_what_resume_needs(self):
        long = ("--epochs", "200")
        whole = self.train("whole", change=long)
        stopped = self.folder / "stopped.pt"
        command = [NIBBLE, "train", self.data, "-o", stopped, *options(long)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            for line in running.stderr:
                if line.startswith("epoch 3/"):
                    break
            running.send_signal(signal.SIGINT)
            rest = running.stderr.read()
        self.assertEqual(running.returncode, 130)
        self.assertIn(f"--resume {stopped}", rest)
        self.run_well("train", self.data, "-o", stopped, "--resume", stopped, *options(long), "--quiet")
        # torch.save names the folder in the archive after the file, so the names must agree too.
        stopped.rename(whole.with_name("other.pt"))
        self.assertEqual(self.weights(whole.with_name("other.pt")), self.weights(whole))

    def weights(self, path):
        stored = self.folder / "weights.safetensors"
        self.run_well("quantize", path, "-o", stored, "--scheme", "f32")
        return stored.read_bytes()

    def test_more_epochs_after_the_end(self):
        kept = self.train("kept", "--keep-state", change=("--epochs", "3"))
        plain = self.train("plain", change=("--epochs", "3"))
        self.assertGreater(kept.stat().st_size, 3 * plain.stat().st_size)
        more = self.train("more", "--resume", kept, change=("--epochs", "6"))
        self.assertEqual(self.weights(more), self.weights(self.train("six", change=("--epochs", "6"))))
        self.assertIn("--keep-state", self.refusal(plain))

    def test_other_settings_and_data_are_refused_by_name(self):
        kept = self.train("settings", "--keep-state")
        for change, word in ((["--learning-rate", "0.1"], "learning_rate 0.003, but now 0.1"), (["--hidden", "64"], "hidden"),
                           (["--optimizer", "sgd"], "optimizer"), (["--epochs", "5"], "epochs"), (["--seed", "3"], "seed"),
                           (["--epochs", "50", "--schedule", "linear"], "epochs"), (["--clip-norm", "1"], "clip_norm")):
            self.assertIn(word, self.refusal(kept, change))
        other = self.write("other.tsv", text_rows(2000, seed=3))
        self.assertIn("other data", self.refusal(kept, data=other))
        copy = self.write("copy.tsv", self.data.read_bytes())
        self.run_well("train", copy, "-o", self.folder / "again.pt", "--resume", kept, *options(), "--quiet")

    def test_what_is_no_checkpoint_is_refused(self):
        self.assertIn("missing.pt", self.refusal("missing.pt"))
        self.assertIn("resume", self.refusal(self.write("torn.pt", b"PK\3\4 torn")))
        kept = self.train("init", "--keep-state", change=("--epochs", "1"))
        done = nibble("train", self.data, "-o", self.folder / "never.pt", "--resume", kept, "--init", kept)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
