"""The line a test runner prints for each test; tests/run reads it."""

import re
import sys
from pathlib import Path

SEPARATOR = "\x1f"  # not a tab: the shell takes several of those as one
SKIPPED = 77  # the exit status of a test that cannot run here; its last line of output is the reason


def emit(status, seconds, name, log="", reason="", stream=sys.stdout):
    """Prints one result. status is ok, FAIL or skip."""
    fields = (status, f"{seconds:.2f}", name, str(log), reason)
    print(SEPARATOR.join(re.sub(r"\s", " ", field) for field in fields), file=stream, flush=True)


def write_log(directory, suite, name, text):
    """Writes the output of a test to a file of its own and returns its path."""
    path = Path(directory) / suite / (re.sub(r"[^\w.-]+", "-", name).strip("-") + ".log")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip("\n") + "\n", errors="replace")
    return path


def last_line(text):
    """The last line that is not blank: by convention the reason of a skipped test."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
