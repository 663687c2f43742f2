#!/usr/bin/python3
"""Bad input, a row for each case: one sentence that names what is wrong and where, exit code 2, nothing half-written."""
import os
import unittest

from program import SMALL, ProgramTest, nibble, number_rows, text_rows

GOOD_ROWS = text_rows(40)


def with_line(number, line):
    """Good rows, with this line in place of line `number`."""
    lines = GOOD_ROWS.encode().splitlines(keepends=True)
    lines[number - 1] = line
    return b"".join(lines)


# Files to train on: name, bytes, what the sentence must say.
BAD_FILES = [
    ("empty.tsv", b"", "empty.tsv"),
    ("no-tab.tsv", with_line(7, b"no tab here\n"), "no-tab.tsv:7"),
    ("no-label.tsv", with_line(7, b"a sentence without a label\t\n"), "no-label.tsv:7"),
    ("not-utf8.tsv", with_line(9, b"caf\xe9\t1\n"), "not-utf8.tsv:9"),
    ("nul.tsv", with_line(3, b"a \0 b\t1\n"), "nul.tsv:3"),
    ("long-line.tsv", with_line(5, b"x" * 100_000_000 + b"\t1\n"), "long-line.tsv:5"),
    ("one-class.tsv", GOOD_ROWS.replace("\t0", "\t1").encode(), "one-class.tsv"),
    ("few-rows.tsv", b"a b\t0\nc d\t1\n", "few-rows.tsv"),
    ("no-words.tsv", b"! ?\t0\n. .\t1\n" * 20, "vocabulary"),
    ("cells.csv", (number_rows(9) + "1,2\n").encode(), "cells.csv:10"),
    ("words.csv", (number_rows(9) + "1,two,3,0\n").encode(), "words.csv:10"),
    ("infinite.csv", (number_rows(9) + "1,inf,3,0\n").encode(), "infinite.csv:10"),
    ("cut-train-images-idx3-ubyte", bytes.fromhex("00000803 0000000a 0000001c 0000001c") + b"\1" * 100, "cut-train-images"),
]

# Settings: arguments, what the sentence must say.
BAD_SETTINGS = [
    (["--hidden", "0"], "--hidden"),
    (["--hidden", "16,,8"], "--hidden"),
    (["--hidden", "big"], "--hidden"),
    (["--dropout", "1"], "dropout"),
    (["--dropout", "-0.1"], "dropout"),
    (["--epochs", "many"], "--epochs"),
    (["--batch", "0"], "batch"),
    (["--learning-rate", "0"], "learning"),
    (["--learning-rate", "nan"], "learning"),
    (["--optimizer", "adagrad"], "adagrad"),
    (["--weight-decay", "0.1"], "adamw"),
    (["--momentum", "0.9"], "momentum"),
    (["--schedule", "step"], "step"),
    (["--dropout", "0.1,,0.2"], "--dropout"),
    (["--dropout", "0.1,0.2,0.3,0.4,0.5,0.6,0.7"], "hidden layers"),
    (["--clip-norm", "-1"], "clip norm"),
    (["--label-smoothing", "2"], "label smoothing"),
    (["--class-weights", "heavy"], "--class-weights"),
    (["--class-weights", "1,2,3,4,5"], "class weights"),
    (["--warmup", "2.5"], "warmup"),
    (["--beta1", "1"], "beta1"),
    (["--seed", "-1"], "--seed"),
    (["--split", "thirds"], "thirds"),
    (["--shuffle", "perhaps"], "--shuffle"),
    (["--validation", "missing.tsv"], "missing.tsv"),
    (["--test", "missing.tsv"], "missing.tsv"),
    (["--init", "missing.pt"], "missing.pt"),
    (["--step-log", "no/such/folder/steps.csv"], "no/such/folder"),
    (["--no-such-option"], "--no-such-option"),
]


class BadInput(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rows = cls.folder / "rows.tsv"
        cls.rows.write_text(GOOD_ROWS)
        cls.model = cls.folder / "model.pt"
        done = nibble("train", cls.rows, "-o", cls.model, *SMALL)
        assert done.returncode == 0, done.stderr.decode()
        cls.small = cls.folder / "model-int8.safetensors"
        assert nibble("quantize", cls.model, "--scheme", "int8", "-o", cls.small).returncode == 0
        cls.graph = cls.folder / "model-int8.onnx"
        assert nibble("convert", cls.small, "-o", cls.graph).returncode == 0
        numbers = cls.folder / "numbers.csv"
        numbers.write_text(number_rows(60))
        cls.numeric = cls.folder / "numeric.pt"
        assert nibble("train", numbers, "-o", cls.numeric, *SMALL).returncode == 0

    def refused(self, *arguments, says, **options):
        """Runs and expects a refusal; the folder must look as it did before."""
        before = sorted((path, path.stat().st_size) for path in self.folder.rglob("*"))
        done = nibble(*arguments, **options)
        sentence = done.stderr.decode()
        self.assertEqual(done.returncode, 2, f"{arguments}\n{sentence}")
        self.assertTrue(sentence.startswith("nibble"), sentence)
        self.assertEqual(sentence.count("\n"), 1, f"not one line:\n{sentence}")
        self.assertIn(says, sentence)
        self.assertLess(len(sentence), 1000, "a sentence, not a copy of the input")
        self.assertEqual(sorted((path, path.stat().st_size) for path in self.folder.rglob("*")), before)
        return done

    def test_files_to_train_on(self):
        for name, content, says in BAD_FILES:
            with self.subTest(name=name):
                path = self.write(name, content)
                self.refused("train", path, "-o", self.folder / "out.pt", *SMALL, says=says)
                path.unlink()

    def test_settings(self):
        for arguments, says in BAD_SETTINGS:
            with self.subTest(arguments=arguments):
                self.refused("train", self.rows, "-o", self.folder / "out.pt", "--quiet", *arguments, says=says)

    def test_a_loss_that_is_no_number(self):
        before = sorted(self.folder.iterdir())
        done = nibble("train", self.rows, "-o", self.folder / "out.pt", "--quiet", "--learning-rate", "1e30")
        self.assertEqual(done.returncode, 2)
        self.assertIn("learning", done.stderr.decode().splitlines()[-1])
        (self.folder / "out.pt").unlink(missing_ok=True)  # the last good state, if an epoch was finished
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_paths_to_read(self):
        folder = self.folder / "folder"
        folder.mkdir()
        for path in (self.folder / "missing.tsv", folder):
            self.refused("train", path, "-o", self.folder / "out.pt", says=str(path))
            self.refused("eval", self.model, path, says=str(path))
            self.refused("eval", path, self.rows, says=str(path))
            self.refused("inspect", path, says=str(path))
            self.refused("predict", self.model, path, says=str(path))
            self.refused("data", "show", path, says=str(path))
        self.refused("data", "get", "no-such-set", says="no-such-set")

    def test_a_file_that_may_not_be_read(self):
        secret = self.write("secret.tsv", GOOD_ROWS)
        secret.chmod(0)
        self.folder.chmod(0o755)
        # Root may read everything, so as root the program runs as nobody.
        as_user = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        try:
            nibble("--version", **as_user)
        except PermissionError:
            self.skipTest("nobody may not run the program from its folder")
        self.refused("data", "show", secret, says="secret.tsv", **as_user)

    def test_paths_to_write(self):
        for path, says in ((self.folder / "no/such/out.pt", "no/such"), (self.folder / "out.gguf", "out.gguf"),
                           (self.folder, str(self.folder))):
            self.refused("train", self.rows, "-o", path, *SMALL, says=says)
            self.refused("quantize", self.model, "--scheme", "int8", "-o", path, says=says)
            self.refused("convert", self.model, "-o", path, says=says)
        self.refused("study", self.rows, "--test", self.rows, "-o", self.rows, *SMALL, says="rows.tsv")

    def test_a_study_without_test_rows(self):
        self.refused("study", self.rows, "-o", self.folder / "out", *SMALL, says="test")

    def test_labels_the_model_does_not_know(self):
        other = self.write("other.tsv", with_line(11, b"a film\tmaybe\n"))
        self.refused("eval", self.model, other, says="maybe")
        self.refused("train", self.rows, "--test", other, "-o", self.folder / "out.pt", *SMALL, says="other.tsv:11")

    def test_models_that_do_not_fit(self):
        self.refused("train", self.rows, "-o", self.folder / "out.pt", "--init", self.model, "--hidden", "5",
                     says="--init")
        self.refused("train", self.rows, "-o", self.folder / "out.pt", "--init", self.small, *SMALL, says="int8")
        self.refused("eval", self.numeric, self.rows, says="numbers")
        self.refused("eval", self.model, self.folder / "numbers.csv", says="numbers.csv")
        self.refused("quantize", self.small, "--scheme", "int4", "-o", self.folder / "out.safetensors", says="int8")
        out = self.folder / "out.safetensors"
        self.refused("quantize", self.model, "--scheme", "int3", "--rounding", "second-order", "-o", out, says="--data")
        self.refused("quantize", self.model, "--scheme", "int3", "--rounding", "up", "-o", out, says="up")
        self.refused("quantize", self.model, "--scheme", "int3", "--bias-correction", "-o", out, says="--data")
        self.refused("quantize", self.model, "--scheme", "int3", "--rounding", "importance", "--epochs", "1", "--data", "x.tsv", "-o", out, says="--epochs")
        for activations in ("fixed", "static:max", "static:"):
            self.refused("quantize", self.model, "--scheme", "int8", "--activations", activations, "--data", self.rows, "-o", out, says="expected")
        self.refused("quantize", self.model, "--scheme", "int8", "--activations", "static", "-o", out, says="--data")
        self.refused("quantize", self.model, "--scheme", "int4", "--activations", "static", "--data", self.rows, "-o", out, says="int8")
        self.refused("quantize", self.model, "--scheme", "int8", "--activations", "static", "--data", self.rows, "-o", self.folder / "out.onnx", says=".safetensors")
        self.refused("quantize", self.model, "--scheme", "int8", "--without-dead-neurons", "-o", out, says="--data")
        self.refused("quantize", self.numeric, "--scheme", "int8", "--keep-words", "5", "-o", out, says="texts")
        self.refused("study", self.rows, "-o", self.folder / "study", "--schemes", "int8,int9", says="int9")
        self.refused("blame", self.small, self.rows, says="int8")
        self.refused("blame", self.model, self.rows, "--scheme", "int9", says="int9")
        self.refused("blame", self.model, self.folder / "numbers.csv", says="numbers")
        self.refused("shrink", self.small, self.rows, "-o", self.folder / "out.safetensors", says="int8")
        self.refused("shrink", self.model, self.rows, "-o", self.folder / "out.pt", says=".safetensors")
        self.refused("shrink", self.model, self.folder / "numbers.csv", "-o", self.folder / "out.safetensors", says="numbers")
        self.refused("shrink", self.model, self.rows, "-o", self.folder / "out.safetensors", "--max-drop", "-1", says="-1")
        self.refused("shrink", self.model, self.rows, "-o", self.folder / "out.safetensors", "--plot", "x.gif", says="x.gif")
        self.refused("convert", self.model, "--scheme", "int4", "-o", self.folder / "out.pt", says="int4")
        self.refused("convert", self.numeric, "--text", "-o", self.folder / "out.onnx", says="numbers")
        self.refused("convert", self.model, "--text", "-o", self.folder / "out.pt", says="--text")
        self.refused("quantize", self.model, "--scheme", "int9", "-o", self.folder / "out.safetensors", says="int9")
        recipes = self.folder / "recipe.toml", self.folder / "recipe.json", self.folder / "empty.toml"
        for path, text in zip(recipes, ["0 = int8\n", '{"0": 8}', "# nothing\n"]):
            path.write_text(text)
        for recipe, says in [("0=int8", "layer 1"), ("0-9=int8", "layer 9"), ("int8:g48", "g48"), ("*=int8,*=int4", "twice"),
                             ("0=rank999:int8:row+f16,*=int8", "rank 999"), ("0=int8-torch,*=int8", "alone"),
                             (recipes[0], "line 1"), (recipes[1], "number 8"), (recipes[2], "names no layers"),
                             (self.folder / "none.toml", "none.toml")]:
            self.refused("quantize", self.model, "--scheme", recipe, "-o", self.folder / "out.safetensors", says=says)

    def test_damaged_models(self):
        for model in (self.model, self.small, self.graph):
            whole = model.read_bytes()
            for name, damaged in (("truncated", whole[:len(whole) // 2]), ("header-only", whole[:9]), ("empty", b""),
                                  ("text", GOOD_ROWS.encode()), ("zeros", b"\0" * 1000), ("huge", b"\xff" * 1000)):
                with self.subTest(model=model.name, name=name):
                    path = self.write(f"{name}{model.suffix}", damaged)
                    self.refused("inspect", path, says=path.name)
                    self.refused("predict", path, input=b"a film\n", says=path.name)
                    path.unlink()

    def test_rows_to_predict(self):
        for content, says in ((b"fine\ncaf\xe9\n", ":2"), (b"fine\nfine\n\0\n", ":3"),
                              (b"x" * 100_000_000 + b"\n", "standard input:1")):
            self.refused("predict", self.model, input=content, says=says)
        for content, says in ((b"1,2\n", "2 numbers"), (b"1,2,3\n1,2,3,4\n", ":2"), (b"1,2,x\n", "'x'"), (b"\n", "standard input:1"),
                              (b"1,2,nan\n", "nan"), (b"1,2,1e99\n", "1e99")):
            self.refused("predict", self.numeric, input=content, says=says)
        self.refused("predict", self.numeric, self.write("cut.npy", b"\x93NUMPY\x01\0"), says="cut.npy")

    def test_arguments(self):
        for arguments, says in ((["frobnicate"], "frobnicate"), (["train"], "DATA"), (["train", self.rows], "--output"),
                                (["quantize", self.model], "--scheme"), (["convert", self.model], "--output"), (["data"], "verb"), (["data", "sell"], "sell"), (["inspect"], "MODEL"),
                                (["inspect", self.model, "another"], "another")):
            self.refused(*arguments, says=says)

    def test_crlf_and_byte_order_mark_are_read_as_if_they_were_not_there(self):
        plain = self.run_well("data", "show", self.rows)
        windows = self.write("windows.tsv", b"\xef\xbb\xbf" + GOOD_ROWS.encode().replace(b"\n", b"\r\n"))
        self.assertEqual(self.run_well("data", "show", windows), plain)


if __name__ == "__main__":
    unittest.main()
