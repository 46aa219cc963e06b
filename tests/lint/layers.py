"""The table of src/README.md: which directory may know which."""

import re
import sys
from dataclasses import dataclass, field

# The name the table uses for a foreign library: its headers, and the libraries a linker sees.
FOREIGN = {
    "git2": (("git2.h", "git2/"), ("libgit2",)),
    "zlib": (("zlib.h",), ("libz",)),
    "yaml": (("yaml.h",), ("libyaml",)),
    "jansson": (("jansson.h",), ("libjansson",)),
    "curl": (("curl/",), ("libcurl",)),
    "microhttpd": (("microhttpd.h",), ("libmicrohttpd",)),
    "uv": (("uv.h", "uv/"), ("libuv",)),
    "sodium": (("sodium.h", "sodium/"), ("libsodium",)),
    "pcre2": (("pcre2.h",), ("libpcre2",)),
    "inotify": (("sys/inotify.h",), ()),
}


@dataclass
class Row:
    """One directory of the table."""

    name: str
    line: int
    level: int
    pure: bool
    directories: list = field(default_factory=list)  # may include every header of
    headers: list = field(default_factory=list)  # may include this header of another directory
    foreign: list = field(default_factory=list)


def parse(text, path="src/README.md"):
    """The rows by name. Exits with a message if there is no table or a row does not read."""
    rows = {}
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not re.match(r"\|\s*`\w+/`\s*\|", line):
            continue
        level = re.match(r"(\d+)(, pure)?$", cells[1])
        if len(cells) != 5 or not level:
            sys.exit(f"{path}:{number}: a row is: directory | level[, pure] | holds | may include | foreign headers")
        may, foreign = ([word for word in re.split(r"[,\s]+", cell) if word != "-"] for cell in cells[3:])
        unknown = [word for word in foreign if word not in FOREIGN]
        if unknown:
            sys.exit(f"{path}:{number}: unknown foreign library '{unknown[0]}' (FOREIGN in tests/lint/layers.py)")
        rows[cells[0].strip("`/")] = Row(
            cells[0].strip("`/"), number, int(level.group(1)), bool(level.group(2)),
            [word for word in may if "/" not in word], [word for word in may if "/" in word], foreign,
        )
    if not rows:
        sys.exit(f"{path}: the table of directories is gone")
    for row in rows.values():
        if row.directories == ["all"]:
            row.directories = [other for other in rows if other != row.name]
    return rows


def load(repo):
    return parse((repo / "src/README.md").read_text())


def closure(rows, name):
    """The directory itself and all that its row lets it reach, through the rows of what it includes."""
    reached, pending = set(), [name]
    while pending:
        current = pending.pop()
        if current not in reached:
            reached.add(current)
            pending += rows[current].directories
    return reached


def foreign_closure(rows, name):
    """The foreign libraries of the closure."""
    return {library for directory in closure(rows, name) for library in rows[directory].foreign}


SAMPLE = """
| directory | level | what it holds | may include | foreign headers |
|---|---|---|---|---|
| `base/` | 0 | ground | - | jansson, sodium |
| `model/` | 1, pure | values | base | jansson |
| `engine/` | 2 | engines | base model | jansson uv |
| `act/` | 3 | doers | base model engine/engine.h | jansson |
| `daemon/` | 4 | wiring | all | uv |
"""
