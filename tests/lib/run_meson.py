"""Runs one suite of meson tests and prints a result line as each test ends."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from results import emit, last_line, write_log

# Some tests mostly wait: for a timer, a process, the disk.
WORKERS = len(os.sched_getaffinity(0)) + 2
STATUS = {"OK": "ok", "EXPECTEDFAIL": "ok", "SKIP": "skip"}


def tests_of(build, suite):
    output = subprocess.run(
        ["meson", "introspect", "--tests", build], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return [test for test in json.loads(output) if any(s.split(":")[-1] == suite for s in test["suite"])]


def display_name(name, suite):
    """'davit:unit+base / buffer' in suite unit is 'base/buffer'."""
    head, _, tail = name.rpartition(" / ")
    labels = [label for label in head.rpartition(":")[2].split("+") if label and label != suite]
    return "/".join(labels + [tail or name])


def show(test, args):
    status = STATUS.get(test["result"], "FAIL")
    output = (test.get("stdout") or "") + (test.get("stderr") or "")
    name = display_name(test["name"], args.suite)
    label = args.name or args.suite
    log = write_log(args.logs, label, name, f"{test['command']}\n{test['result']}\n{output}")
    reason = {"skip": last_line(output), "ok": ""}.get(status, test["result"].lower())
    emit(status, test.get("duration") or 0, name, log, reason)


def run(args):
    logbase = "run-" + (args.name or args.suite)
    # meson adds the name of the wrapper to the name of the log.
    suffix = "-" + Path(args.wrap.split()[0]).name if args.wrap else ""
    log = Path(args.build) / "meson-logs" / f"{logbase}{suffix}.json"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", args.build, "--no-rebuild", "--suite", args.suite, "--logbase", logbase]
    command += ["--num-processes", str(WORKERS), "--timeout-multiplier", str(args.timeout_multiplier)]
    command += ["--wrap", args.wrap] if args.wrap else []
    process = subprocess.Popen(command, stdout=sys.stderr)
    position, shown, ended = 0, 0, False
    while not ended:
        ended = process.poll() is not None
        if log.exists():
            with log.open("rb") as new:
                new.seek(position)
                lines = new.read().rpartition(b"\n")[:2]
            for line in lines[0].splitlines():
                show(json.loads(line), args)
                shown += 1
            position += sum(map(len, lines))
        time.sleep(0.05)
    # meson exits with 1 where tests failed, which the results say already.
    return 0 if shown and process.returncode >= 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", action="store_true", help="only print how many tests there are")
    parser.add_argument("--name", help="what to call the suite's logs")
    parser.add_argument("--wrap")
    parser.add_argument("--timeout-multiplier", type=int, default=10)
    parser.add_argument("build")
    parser.add_argument("suite")
    parser.add_argument("logs", nargs="?")
    args = parser.parse_args()
    if args.count:
        print(len(tests_of(args.build, args.suite)))
        return 0
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
