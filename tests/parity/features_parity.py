"""Splits and bags of words against real scikit-learn: train_test_split and CountVectorizer.

On SST-2: both kinds of split for several seeds, the vocabulary without and with a limit, every count of every row.
On made-up sentences: whatever in Unicode might be cut or lowered otherwise.

DUMP_FEATURES names the program that shows what nibble computes; CTest sets it. The data set is looked for in
$NIBBLE_DATA, $NIBBLE_DATA/sst2 and in ../shared/data/sst2 beside the source root; without it only the made-up sentences
are compared.
"""
import os
import random
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

try:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.model_selection import train_test_split
except ImportError as error:
    print(f"skipped: {error}; install python3-sklearn to compare with scikit-learn")
    sys.exit(77)

ROOT = Path(__file__).resolve().parent.parent.parent
DUMP = Path(os.environ.get("DUMP_FEATURES", ROOT / "build/release/tests/dump_features"))

NASTY = [
    "İstanbul'da İYİ bir film, ISPARTA ve ırmak DİYARBAKIR",  # dotted capital I: i and a combining dot
    "ΟΔΥΣΣΕΥΣ και ΣΙΣΥΦΟΣ. ΣΑΣ' ΑΣ'Α Σ ΣΣ 1Σ ΑΣ1 ΑΣ·Β ΑΣ\u0301 Α\u0301Σ Σ\u00adΣ",  # final sigma and what it looks at
    "cafe\u0301 caf\u00e9 naïve nai\u0308ve Å A\u030a a\u20dd\u20ddb",  # combining marks
    "中文 电影 很好看 日本語の映画 ひらがな カタカナ ｶﾀｶﾅ 한국어 영화 中 文",
    "good😀bad 😀😀 👩‍👩‍👧 🏳️‍🌈great ❤️love 1️⃣2 x👍🏽y",
    "x² m³ 10½ ½½ ①② Ⅷ ⅷⅸ ٣٤٥ १२३ ௧௨ 𝟘𝟙 ⁰¹ ₂₃",  # digits of all kinds
    "हिन्दी भाषा नमस्ते बहुत अच्छी फ़िल्म ไทย ภาษาไทย தமிழ் العربية فيلم جيد עברית סרט",
    "_ __ ___ _a a_ snake_case __init__ a_b _1 ‿‿ a‿b ＿＿",
    "zero\u200bwidth joi\u200dned non\u200cjoiner soft\u00adhyphen word\u2060joiner bom\ufeffbom no\u00a0break",
    "STRASSE Straße STRAẞE ẞß ŒUVRE œuvre ﬁlm ﬂow ǅ ǈ Ǆ ŉa ΐΰ",
    "Kelvin \u212a\u212a \u2126hm \u212bngstr\u00f6m ſſ ſa µm ΜΜ",
    "𐐀𐐁 𐐨𐐩 𝒜𝒷𝒸 𝔄𝔅 Ⴀა ႠႡ Ა ᲐᲑ Ꭰꭰ ᏸᏹ Ⱥⱥ Ⱦa ȺȺ",
    "it's don\u2019t l'été rock'n'roll O\u2019NEIL co-op e.g. a.b.c U.S.A. 3.14 1,000",
    "tabs\tinside\tthe sentence \x0bvertical\x0cfeed \x1cfs\x1dgs\x85nel \u2028line\u2029par",
    "", " ", "a", "é", "ab", "aé", "éa", "éé", "Σ", "AΣ", "İİ",
]


def find_sst2():
    folders = [ROOT.parent / "shared/data/sst2"]
    if "NIBBLE_DATA" in os.environ:
        own = Path(os.environ["NIBBLE_DATA"])
        folders = [own / "sst2", own] + folders
    return next((folder / "train.tsv" for folder in folders if (folder / "train.tsv").exists()), None)


SST2 = find_sst2()


def read_rows(path):
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    texts, labels = zip(*(line.rsplit("\t", 1) for line in lines))
    return list(texts), list(labels)


def dump(path, kind, seed, max_features):
    """Training rows, validation rows, words, and the entries of every row, as nibble has them."""
    done = subprocess.run([DUMP, path, kind, str(seed), str(max_features)], capture_output=True, check=True)
    training, validation, words, *rows = done.stdout.decode().split("\n")[:-1]
    entries = [{int(c): int(n) for c, n in (e.split(":") for e in row.split())} for row in rows]
    return list(map(int, training.split())), list(map(int, validation.split())), words.split(" "), entries


def entries_of(matrix):
    matrix.sort_indices()
    bounds = zip(matrix.indptr, matrix.indptr[1:])
    return [dict(zip(matrix.indices[a:b].tolist(), matrix.data[a:b].tolist())) for a, b in bounds]


def most_frequent(texts, limit):
    """nibble's tie rule, in plain Python: by count descending, then by word ascending."""
    analyze = CountVectorizer().build_analyzer()
    counts = Counter(word for text in texts for word in analyze(text))
    return sorted(sorted(counts, key=lambda word: (-counts[word], word))[:limit]), counts


class FeaturesTest(unittest.TestCase):
    def compare(self, path, texts):
        """All rows train: the vocabulary without a limit and every entry."""
        _, _, words, entries = dump(path, "none", 0, 0)
        vectorizer = CountVectorizer()
        matrix = vectorizer.fit_transform(texts)
        self.assertEqual(words, vectorizer.get_feature_names_out().tolist())
        self.assertEqual(entries, entries_of(matrix))

    def compare_written(self, texts):
        with tempfile.TemporaryDirectory(prefix="nibble-test-") as folder:
            path = Path(folder) / "rows.tsv"
            path.write_bytes("".join(f"{text}\t{i % 2}\n" for i, text in enumerate(texts)).encode())
            self.compare(path, texts)


@unittest.skipIf(SST2 is None, "SST-2 is neither in $NIBBLE_DATA nor in ../shared/data/sst2")
class OnSst2(FeaturesTest):
    def test_splits(self):
        _, labels = read_rows(SST2)
        for seed in (0, 1, 7, 42, 12345, 2**32 - 1):
            for kind, stratify in (("sklearn", None), ("stratified", labels)):
                with self.subTest(seed=seed, kind=kind):
                    expected = train_test_split(range(len(labels)), test_size=0.2, random_state=seed, stratify=stratify)
                    training, validation, _, _ = dump(SST2, kind, seed, 1)
                    self.assertEqual([training, validation], expected)

    def test_all_words(self):
        texts, _ = read_rows(SST2)
        self.compare(SST2, texts)

    def test_the_reference_setting(self):
        texts, labels = read_rows(SST2)
        for kind, stratify in (("sklearn", None), ("stratified", labels)):
            with self.subTest(kind=kind):
                training, validation = train_test_split(texts, test_size=0.2, random_state=42, stratify=stratify)
                vectorizer = CountVectorizer()
                matrix = vectorizer.fit_transform(training)
                _, _, words, entries = dump(SST2, kind, 42, 0)
                self.assertEqual(words, vectorizer.get_feature_names_out().tolist())
                self.assertEqual(entries[:len(training)], entries_of(matrix))
                self.assertEqual(entries[len(training):], entries_of(vectorizer.transform(validation)))
                if kind == "sklearn":  # the figures of README.md
                    self.assertEqual((len(training), len(words)), (5536, 12368))
                    self.assertEqual(round(matrix.nnz / len(training), 1), 15.3)

    def test_a_limit_of_10000_words(self):
        texts, _ = read_rows(SST2)
        training, validation = train_test_split(texts, test_size=0.2, random_state=42)
        _, _, words, entries = dump(SST2, "sklearn", 42, 10000)
        expected, counts = most_frequent(training, 10000)
        self.assertEqual(words, expected)
        theirs = CountVectorizer(max_features=10000).fit(training).get_feature_names_out()
        tie = min(counts[word] for word in words)
        self.assertEqual({word for word in words if counts[word] > tie}, {word for word in theirs if counts[word] > tie})
        vectorizer = CountVectorizer(vocabulary=words)
        self.assertEqual(entries, entries_of(vectorizer.transform(training + validation)))


class OnMadeUpSentences(FeaturesTest):
    def test_nasty_ones(self):
        self.compare_written(NASTY)

    def test_every_character_between_and_around_letters(self):
        """Each code point but surrogates, line ends, NUL and what a line of text cannot hold at its end."""
        characters = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF and chr(c) not in "\r\n"]
        texts = []
        for begin in range(0, len(characters), 512):
            texts.append(" ".join(f"a{c}B {c}{c} Σ{c} A{c}Σ {c}A.{c}Σ{c}b" for c in characters[begin:begin + 512]))
        self.compare_written(texts)

    def test_random_ones(self):
        draw = random.Random(1)
        alphabets = [
            "abcXYZ019_ .,'-", "ΣσςΑαΒβ΄'\u0301 .", "İıIi\u0307 é\u0301", "中文a 1_", "😀\u200d\ufe0fab ", "हिन्दी क् १",
        ]
        texts = ["".join(draw.choices(draw.choice(alphabets), k=draw.randrange(80))) for _ in range(3000)]
        self.compare_written(texts)


if __name__ == "__main__":
    unittest.main()
