"""Runs pytest on a directory, several tests at a time, and prints a result line as each test ends."""

import collections
import os
import signal
import sys
import tempfile

import pytest

from results import emit, write_log

# These tests wait for engines and timers most of the time, so there are more workers than processors.
WORKERS = min(12, 3 * len(os.sched_getaffinity(0)))


def why_skipped(report):
    return report.longrepr[2].removeprefix("Skipped: ")


def why_failed(report):
    """The assertion: the one line to have where a log is cut."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return f"line {crash.lineno}: {crash.message.partition(chr(10))[0]}" if crash else ""


class Reporter:
    """Gathers the phases of a test (setup, call, teardown) into one result, whichever worker ran it."""

    def __init__(self, suite, logs):
        self.suite, self.logs, self.reports = suite, logs, collections.defaultdict(list)
        # Results have standard output for themselves; pytest's own report goes to the log of the suite.
        self.stream = os.fdopen(os.dup(sys.stdout.fileno()), "w")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def pytest_runtest_logreport(self, report):
        self.reports[report.nodeid].append(report)

    def pytest_runtest_logfinish(self, nodeid):
        reports = self.reports.pop(nodeid)
        failed = [report for report in reports if report.failed]
        skipped = [report for report in reports if report.skipped]
        status = "FAIL" if failed else "skip" if skipped else "ok"
        reason = why_failed(failed[0]) if failed else why_skipped(skipped[0]) if skipped else ""
        # The last phase has the output of all of them.
        output = reports[-1].capstdout + reports[-1].capstderr + reports[-1].caplog
        text = "\n".join([output] + [report.longreprtext for report in failed])
        name = nodeid.partition("@")[0].replace(".py::", " ").replace("test_", "").rpartition("/")[2]
        log = write_log(self.logs, self.suite, name, text) if failed else ""
        emit(status, sum(report.duration for report in reports), name, log, reason, self.stream)

    def pytest_sessionfinish(self):
        for nodeid in list(self.reports):  # of a worker that died
            self.pytest_runtest_logfinish(nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            log = write_log(self.logs, self.suite, "collect " + report.nodeid, report.longreprtext)
            emit("FAIL", 0, "collect " + report.nodeid, log, "", self.stream)


def stop(*_):
    # As an exception it unwinds through the fixtures, which take down what they have set up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pytest.exit("terminated", returncode=3)


def main():
    directory, logs = sys.argv[1], sys.argv[2]
    signal.signal(signal.SIGTERM, stop)
    # pytest's own choice is too long for the path of a unix socket.
    with tempfile.TemporaryDirectory() as temporary:
        code = pytest.main(
            [directory, "-p", "no:cacheprovider", "--tb=short", "--basetemp", temporary, "--dist", "loadgroup",
             "-n", str(WORKERS)],
            plugins=[Reporter(directory.rstrip("/").rpartition("/")[2], logs)],
        )
    return 0 if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED) else 1


if __name__ == "__main__":
    sys.exit(main())
