#!/usr/bin/python3
"""Model files of every format that nibble ever wrote are read for ever, and answer as they did; newer ones are refused by
name. tests/golden/make.py made the files; a folder for each change of the format:

    1          format version 1
    1-checks   the same with check vectors and the digest of the tensors
    2          these, and format version 2: recipes, factors, words stored compressed

torch-VERSION holds checkpoints of that PyTorch (golden/make_torch.py) with its logits.
"""
import unittest

from program import ROOT, ProgramTest, nibble

GOLDEN = ROOT / "tests/golden"
FOLDERS = sorted(path for path in GOLDEN.iterdir() if path.name[0].isdigit())
EXACT = ("int8", "int8-torch", "int4")
CLOSE_TO_PYTORCH = {"per-channel": 2e-2}  # nibble rounds activations to 8 bits, PyTorch to 7


def numbers(line):
    return [float(field) for field in line.split("\t")[1:]]


class Golden(ProgramTest):
    def test_there_is_a_folder_for_each_format(self):
        self.assertEqual([folder.name for folder in FOLDERS], ["1", "1-checks", "2"])

    def test_the_newest_folder_has_both_versions(self):
        found = {model.read_bytes().split(b'"format_version":"')[1][:1] for model in FOLDERS[-1].glob("*.safetensors")}
        self.assertEqual(found, {b"1", b"2"})

    def test_every_file_answers_as_it_did(self):
        for folder in FOLDERS:
            for model in sorted(folder.glob("*.safetensors")):
                with self.subTest(model=f"{folder.name}/{model.name}"):
                    kind, scheme = model.stem.split("-", 1)
                    asked = (folder / f"{kind}.input").read_bytes()
                    then = model.with_suffix(".answers").read_text().splitlines()
                    now = self.run_well("predict", model, "--logits", "--batch", "1", input=asked).splitlines()
                    if scheme in EXACT:
                        self.assertEqual(now, then)
                    else:
                        self.assertEqual([line.split("\t")[0] for line in now], [line.split("\t")[0] for line in then])
                        for before, after in zip(then, now):
                            for a, b in zip(numbers(before), numbers(after)):
                                self.assertAlmostEqual(a, b, delta=1e-2 if "bf16" in scheme else 1e-5)
                    self.assertIn("Passed", self.run_well("verify", model))

    def test_checkpoints_of_pytorch(self):
        for model in sorted(GOLDEN.glob("torch-*/*.pt")):
            with self.subTest(model=f"{model.parent.name}/{model.name}"):
                asked = (model.parent / "rows.input").read_bytes()
                # Plain loops round no inputs of a bfloat16 layer, as some CPU levels do.
                level = ("--cpu", "scalar") if model.stem == "bfloat16" else ()
                lines = self.run_well(*level, "predict", model, "--logits", "--batch", "1", input=asked).splitlines()
                theirs = model.with_suffix(".logits").read_text().splitlines()
                self.assertEqual(len(lines), len(theirs))
                for line, answer in zip(lines, theirs):
                    for a, b in zip(numbers(line)[1:], map(float, answer.split("\t"))):
                        self.assertAlmostEqual(a, b, delta=CLOSE_TO_PYTORCH.get(model.stem, 1e-5))

    def test_a_newer_version_is_refused_by_name(self):
        content = (FOLDERS[0] / "text-int8.safetensors").read_bytes()
        newer = self.write("newer.safetensors", content.replace(b'"format_version":"1"', b'"format_version":"9"'))
        for verb in ("inspect", "verify"):
            done = nibble(verb, newer)
            self.assertEqual(done.returncode, 2)
            self.assertIn("format version 9", done.stderr.decode())

    def test_a_changed_weight_does_not_verify(self):
        content = bytearray((ROOT / "tests/golden/1-checks/text-int8.safetensors").read_bytes())
        content[-3] ^= 1  # a word, a bias or a weight: still a sound model
        done = nibble("verify", self.write("changed.safetensors", bytes(content)))
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("SHA-256", done.stderr.decode())

    def test_other_logits_do_not_verify(self):
        content = (ROOT / "tests/golden/1-checks/text-int8.safetensors").read_bytes()
        begin = content.index(b'"check_logits":"[') + len(b'"check_logits":"[\\"')
        digit = next(at for at in range(begin + 3, begin + 20) if content[at:at + 1].isdigit())
        other = b"1" if content[digit:digit + 1] != b"1" else b"2"
        changed = content[:digit] + other + content[digit + 1:]
        done = nibble("verify", self.write("changed.safetensors", changed))
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("does not give the logits", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
