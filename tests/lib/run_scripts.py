"""Runs every check_*.py of a directory and prints a result line for each."""

import os
import subprocess
import sys
import time
from pathlib import Path

from results import SKIPPED, emit, last_line, write_log


def main():
    directory, logs = Path(sys.argv[1]), sys.argv[2]
    for script in sorted(directory.glob("check_*.py")):
        began = time.monotonic()
        process = subprocess.run(
            [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env=os.environ,
        )
        name = script.stem.removeprefix("check_").replace("_", "-")
        log = write_log(logs, directory.name, name, process.stdout)
        status = {0: "ok", SKIPPED: "skip"}.get(process.returncode, "FAIL")
        reason = last_line(process.stdout) if status == "skip" else ""
        emit(status, time.monotonic() - began, name, log, reason)
    return 0


if __name__ == "__main__":
    sys.exit(main())
