#!/usr/bin/python3
"""C headers (nibble convert -o model.h): they compile without a warning as C99 and as C++, need no function of the C library,
and give nibble's labels and logits: int8 and int4 to the bit, f32 and f16 to 1e-4."""
import random
import re
import shutil
import subprocess
import unittest

from program import SMALL, ProgramTest, find_sst2, nibble, number_rows, text_rows

STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-ffp-contract=off"]
COMPILERS = [["gcc", "-std=c99", *STRICT], ["g++", "-x", "c++", *STRICT]]
MAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "m.h"
int main(void)
{
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin)) {
        float logits[m_LABELS];
        size_t i;
#ifdef NUMBERS
        float row[m_INPUTS];
        char *at = line;
        int label;
        for (i = 0; i < m_INPUTS; ++i, ++at)
            row[i] = (float)strtod(at, &at);
        label = m_predict(row, logits);
        if (label != m_predict(row, NULL))
            return 1;
#else
        const int label = m_predict_text(line, strcspn(line, "\n"), logits);
#endif
        printf("%s", m_labels[label]);
        for (i = 0; i < m_LABELS; ++i)
            printf("\t%.9g", logits[i]);
        printf("\n");
    }
    return 0;
}
"""
# Final and other sigmas, capitals of two code points, letters and digits of many scripts, punctuation that is none.
WORDS = ("ΑΒΓ ΣΑΣ Σ ΌΣΟΣ İstanbul CAFÉ naïve Ünïcode ²x ÀÉ ЖЁ 中文字 ǅabc ﬁne “quote” it’s x—y film GOOD a_b __ ᾼΣ Åström "
         "𝐀𝐁 \U00010400\U00010401 ٣٤ x").split()


def answers(printed):
    rows = [line.split("\t") for line in printed.splitlines()]
    return [row[0] for row in rows], [[float(number) for number in row[1:]] for row in rows]


@unittest.skipIf(shutil.which("gcc") is None or shutil.which("g++") is None, "gcc and g++ are needed")
class CHeader(ProgramTest):
    def compare(self, model, scheme, lines, *defines):
        stored = self.folder / "stored.safetensors"
        self.run_well("quantize", model, "--scheme", scheme, "-o", stored)
        self.run_well("convert", stored, "-o", self.folder / "m.h", "--max-header", 30_000_000)
        predicted = self.run_well("predict", stored, "--logits", input=lines.encode())
        ours = answers("\n".join(re.sub(r"\t[^\t]*", "", line, count=1) for line in predicted.splitlines()))
        main = self.write("main.c", MAIN)
        for compiler in COMPILERS:
            program = self.folder / "program"
            built = subprocess.run([*compiler, *defines, "-o", program, main], capture_output=True, text=True, check=False)
            self.assertEqual(built.stderr, "", compiler)
            done = subprocess.run([program], input=lines.encode(), capture_output=True, check=True)
            labels, logits = answers(done.stdout.decode())
            self.assertEqual(labels, ours[0], scheme)
            if scheme in ("int8", "int4"):
                self.assertEqual(logits, ours[1], scheme)
            else:
                worst = max(abs(a - b) for row, other in zip(logits, ours[1]) for a, b in zip(row, other))
                self.assertLessEqual(worst, 1e-4, scheme)

    def test_text_in_many_scripts(self):
        draw = random.Random(1)
        rows = [f"{' '.join(draw.choices(WORDS, k=6))}\t{index % 2}" for index in range(300)]
        model = self.folder / "scripts.pt"
        self.run_well("train", self.write("scripts.tsv", "\n".join(rows) + "\n"), "-o", model, *SMALL)
        noise = ["".join(chr(draw.choice([draw.randrange(32, 127), draw.randrange(160, 0x600), draw.randrange(0x1e00, 0x2100)]))
                         for _ in range(40)) for _ in range(500)]
        often = ["film " * 300, "", " ", "x", "GOOD"]  # a count beyond 255 is no code of its own
        lines = "\n".join([row.split("\t")[0] for row in rows] + noise + often) + "\n"
        for scheme in ("f32", "f16", "int8", "int4"):
            with self.subTest(scheme=scheme):
                self.compare(model, scheme, lines)

    def test_numbers(self):
        draw = random.Random(2)
        model = self.folder / "numbers.pt"
        self.run_well("train", self.write("numbers.csv", number_rows(240)), "-o", model, *SMALL)
        rows = [[draw.gauss(0, 3) for _ in range(3)] for _ in range(200)] + [[0, 0, 0], [1, 2, 255], [-1, 0, 127], [1, 2, 256]]
        lines = "".join(",".join(f"{number:.6g}" for number in row) + "\n" for row in rows)
        for scheme in ("f32", "f16", "int8", "int4"):
            with self.subTest(scheme=scheme):
                self.compare(model, scheme, lines, "-DNUMBERS")

    @unittest.skipIf(find_sst2() is None, "SST-2 is neither in $NIBBLE_DATA nor in ../shared/data/sst2")
    def test_all_test_rows_of_sst2(self):
        model = self.folder / "sst2.pt"
        self.run_well("train", find_sst2(), "-o", model, "--epochs", "2", "--max-features", "3000", "--hidden", "64,32", "--quiet")
        rows = (find_sst2() / "test.tsv").read_text(encoding="utf-8").splitlines()
        lines = "".join(row.rsplit("\t", 1)[0] + "\n" for row in rows)
        for scheme in ("f32", "int8", "int4"):
            with self.subTest(scheme=scheme):
                self.compare(model, scheme, lines)

    def test_it_needs_no_function_of_the_c_library(self):
        model = self.folder / "small.pt"
        self.run_well("train", self.write("rows.tsv", text_rows(100)), "-o", model, *SMALL)
        for scheme in ("f32", "f16", "int8", "int4"):
            self.run_well("convert", model, "--scheme", scheme, "-o", self.folder / "m.h")
            alone = self.write("alone.c", '#include "m.h"\nint label_of(const char *text, size_t bytes);\n'
                               "int label_of(const char *text, size_t bytes) { return m_predict_text(text, bytes, 0); }\n")
            compiled = self.folder / "alone.o"
            subprocess.run(["gcc", "-std=c99", "-O0", "-fno-stack-protector", "-c", alone, "-o", compiled], check=True)
            needs = subprocess.run(["nm", "-u", compiled], capture_output=True, text=True, check=True).stdout
            self.assertEqual(re.sub(r" *U (memset|memcpy|_GLOBAL_OFFSET_TABLE_)\n", "", needs), "")

    def test_the_name_comes_from_the_file(self):
        model = self.folder / "small.pt"
        self.run_well("train", self.write("rows.tsv", text_rows(100)), "-o", model, *SMALL)
        for file, name in (("my model-2.h", "my_model_2"), ("8bit.h", "nibble_8bit"), ("_x.h", "nibble__x")):
            self.run_well("convert", model, "-o", self.folder / file)
            self.assertIn(f"int {name}_predict_text(", (self.folder / file).read_text())

    def test_refusals(self):
        model = self.folder / "small.pt"
        self.run_well("train", self.write("rows.tsv", text_rows(100)), "-o", model, *SMALL)
        for options, words in ((["--scheme", "bf16"], "f32, f16, int8 and int4"), (["--scheme", "int8-torch"], "int8"),
                               (["--max-header", "1000"], "limit of 1,000")):
            done = nibble("convert", model, *options, "-o", self.folder / "never.h")
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr.decode())
            self.assertFalse((self.folder / "never.h").exists())
        done = nibble("inspect", self.write("m.h", "#ifndef M\n"))
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
