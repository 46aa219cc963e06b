"""What deciding costs, engines left out: see bench_core.c."""

import json
import subprocess
import sys

from figure import show

SERVICES = 5000
TASKS = 10
INSTANCES = 1000
RUNS = 3


def core(build, work):
    """50,000 tasks of 5,000 services on 1,000 instances: brought up, one service changed, all changed."""
    runs = []
    for _ in range(RUNS):
        done = subprocess.run([build / "tests/bench/bench-core", str(SERVICES), str(TASKS), str(INSTANCES)], check=True,
                              stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
        runs.append(json.loads(done.stdout))
    show("plan_one_of_5000", "ms", [value for run in runs for value in run["one_ms"]], 1)
    show("read_one_of_5000", "ms", [value for run in runs for value in run["read_one_ms"]])
    show("plan_all_of_5000", "ms", [run["all_ms"] for run in runs], 500)
    show("core_50000_tasks", "MiB", [run["core_mib"] for run in runs], 64)
    show("core_50000_tasks_later", "MiB", [run["core_later_mib"] for run in runs])
    show("converge_50000_tasks", "ms", [run["converge_ms"] for run in runs], None, tasks=runs[0]["tasks"])


BENCHES = {"core": core}
