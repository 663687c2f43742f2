#!/usr/bin/python3
"""Writes nibble/text/unicode_tables.inc: what Python's str.lower() and re's \\w know about each code point.

Run with the Python whose answers are wanted (Debian 12: 3.11, Unicode 14.0):

    /usr/bin/python3 tools/make_unicode_tables.py > nibble/text/unicode_tables.inc

With --digest it prints instead the SHA-256 that nibble/text/unicode_test.cc expects of the whole mapping.
The table has two stages, as CPython's own: a block number for every run of code points, and for every place in a
block the number of a record (flags, distance to the lower-case code point).
"""
import hashlib
import sys
import unicodedata

CODE_POINTS = 0x110000
WORD, CASED, CASE_IGNORABLE = 1, 2, 4
SIGMA, FINAL_SIGMA = "\u03a3", "\u03c2"


def sigma_is_final(before):
    return (before + SIGMA).lower().endswith(FINAL_SIGMA)


def flags_of(character):
    """Python does not show Cased and Case_Ignorable, but its rule for the final sigma gives them away.

    A sigma is final after a cased character, case-ignorable ones in between not counted. A character that is both
    cased and case-ignorable counts as ignorable, and that is all the rule needs."""
    cased = sigma_is_final(character)
    ignorable = not cased and sigma_is_final("A" + character)
    word = character.isalnum() or character == "_"
    return WORD * word | CASED * cased | CASE_IGNORABLE * ignorable


def record_of(code_point):
    character = chr(code_point)
    lower = character.lower()
    if code_point == 0x130:  # the one character whose lower case is two: i and U+0307, written out in unicode.cc
        assert lower == "i\u0307"
        lower = "i"
    assert len(lower) == 1
    return flags_of(character), ord(lower) - code_point


def distinct(values):
    """The values without repetition, and for each value its number among them."""
    numbers = {}
    indices = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), indices


def split_blocks(indices, bits):
    size = 1 << bits
    return distinct(tuple(indices[i:i + size]) for i in range(0, CODE_POINTS, size))


def smallest_split(indices):
    splits = [(bits, *split_blocks(indices, bits)) for bits in range(5, 10)]
    return min(splits, key=lambda split: (len(split[1]) << split[0]) + len(split[2]) * (1 + (len(split[1]) > 256)))


def array(kind, name, values):
    lines, line = [], " "
    for value in values:
        if len(line) + len(str(value)) + 2 > 120:
            lines.append(line)
            line = " "
        line += f" {value},"
    body = "\n".join(lines + [line])
    return f"constexpr std::{kind} {name}[] = {{\n{body}\n}};\n"


def print_tables():
    records, indices = distinct(map(record_of, range(CODE_POINTS)))
    assert len(records) <= 256
    bits, blocks, block_numbers = smallest_split(indices)
    assert len(blocks) <= 65536
    print(f"// Made by tools/make_unicode_tables.py with Unicode {unicodedata.unidata_version}; not edited by hand.")
    print(f"constexpr unsigned kBlockBits = {bits};")
    records_text = ", ".join(f"{{{flags}, {delta}}}" for flags, delta in records)
    print(f"constexpr Record kRecords[] = {{{records_text}}};")
    print(array("uint16_t" if len(blocks) > 256 else "uint8_t", "kBlockOf", block_numbers), end="")
    print(array("uint8_t", "kRecordOf", (index for block in blocks for index in block)), end="")


def print_digest():
    digest = hashlib.sha256()
    for code_point in range(CODE_POINTS):
        character = chr(code_point)
        lower = " ".join(f"{ord(part):x}" for part in character.lower())
        digest.update(f"{code_point:x} {flags_of(character)} {lower}\n".encode())
    print(digest.hexdigest())


if __name__ == "__main__":
    print_digest() if "--digest" in sys.argv else print_tables()
