#!/usr/bin/python3
"""Holds includes to the table of rooms in docs/design.md.

A room may include itself, the rooms its line lists, and what those list in turn. Fails on an include that points another
way, on a folder of nibble/ without a line, and on a table whose arrows run in a circle.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"^\|\s*([a-z_]+)\s*\|([a-z_ ]*)\|")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]nibble/([a-z_]+)/')


def read_table(text):
    return {match[1]: match[2].split() for line in text.splitlines() if (match := LINE.match(line)) and match[1] != "room"}


def allowed(room, table, above=()):
    """The rooms that `room` may include, itself among them."""
    if room in above:
        sys.exit(f"docs/design.md: the arrows run in a circle: {' -> '.join([*above, room])}")
    reached = {room}
    for lower in table[room]:
        if lower not in table:
            sys.exit(f"docs/design.md: {room} may use {lower}, which has no line in the table")
        reached |= allowed(lower, table, (*above, room))
    return reached


def wrong_includes(path, room, permitted):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match and match[1] not in permitted:
            yield f"{path.relative_to(ROOT)}:{number}: {room} includes {match[1]}, which docs/design.md does not let it use"
        if re.match(r'^\s*#\s*include\s*"(\.\./)*cli/', line):
            yield f"{path.relative_to(ROOT)}:{number}: nothing may include cli/"


def main():
    table = read_table((ROOT / "docs/design.md").read_text(encoding="utf-8"))
    rooms = sorted(folder.name for folder in (ROOT / "nibble").iterdir() if folder.is_dir())
    problems = [f"docs/design.md: no line for the room nibble/{room}" for room in rooms if room not in table]
    problems += [f"docs/design.md: the room {room} has no folder" for room in table if room not in rooms]
    for room in rooms:
        if room not in table:
            continue
        permitted = allowed(room, table)
        for path in sorted((ROOT / "nibble" / room).rglob("*")):
            if path.suffix in (".h", ".cc"):
                problems += wrong_includes(path, room, permitted)
    print("\n".join(problems) or f"{len(rooms)} rooms, every include points the right way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
