"""What the production runtime takes on the simulated engine: see bench_runtime.c."""

import json
import os
import subprocess
import sys

from figure import print_table, show
from support.repo import IDENTITY

COMMITS = 200
SIZES = (1, 1000, 10000)  # services of the repository, of which a commit changes one
STAGES = ("fetch", "load", "plan", "save")
A_DIRECTORY = 100
LOADS = 5


def task_definition(number, version):
    return json.dumps({
        "family": f"app-{number:05}",
        "containerDefinitions": [{
            "name": "app", "image": f"app:{version}", "cpu": 128, "memory": 256, "essential": True,
            "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
            "environment": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "REGION", "value": "eu"}],
            "logConfiguration": {"logDriver": "json-file", "options": {"max-size": "10m"}},
        }],
    }, indent=2) + "\n"


def service(number):
    return json.dumps({
        "serviceName": f"app-{number:05}", "cluster": "default", "taskDefinition": f"app-{number:05}",
        "desiredCount": 1, "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200},
        "davit": {"minimumHealthySeconds": 0},
    }, indent=2) + "\n"


def file_of(path, text):
    return f"M 644 inline {path}\ndata {len(text)}\n{text}\n"


def commit_of(branch, number, files, parent=None):
    subject = f"change {number}"
    return (f"commit {branch}\ncommitter Test <test@example.org> {1700000000 + 60 * number} +0000\n"
            f"data {len(subject)}\n{subject}\n" + (f"from {parent}\n" if parent else "") + "".join(files) + "\n")


def import_into(repo, stream):
    # Up to 100 objects become loose ones, as those of a commit by hand are.
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repo, input=stream.encode(), check=True,
                   env={**os.environ, **IDENTITY})


def make_origin(repo, services, changes=COMMITS):
    """A bare repository of so many services, each in two files; returns the commits that are not on main yet. Each
    gives one service the other of two images."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", repo], check=True)
    files = []
    for number in range(services):
        directory = f"apps/{number // A_DIRECTORY:03}"
        files.append(file_of(f"{directory}/app-{number:05}.service.json", service(number)))
        files.append(file_of(f"{directory}/app-{number:05}.task.json", task_definition(number, 0)))
    import_into(repo, commit_of("refs/heads/main", 0, files))
    head = parent = git(repo, "rev-parse", "main")
    commits = []
    for i in range(changes):
        number = i * max(1, services // changes) % services
        version = 1 - i // services % 2
        path = f"apps/{number // A_DIRECTORY:03}/app-{number:05}.task.json"
        import_into(repo, commit_of("refs/heads/next", i + 1, [file_of(path, task_definition(number, version))], parent))
        parent = git(repo, "rev-parse", "next")
        commits.append(parent)
    assert head != parent
    return commits


def git(repo, *command):
    return subprocess.run(["git", *command], cwd=repo, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def run(build, mode, origin, state, lines=()):
    process = subprocess.run([build / "tests/bench/bench-runtime", mode, origin, state], check=True, text=True,
                             input="".join(f"{line}\n" for line in lines), stdout=subprocess.PIPE, stderr=sys.stderr)
    return json.loads(process.stdout)


def commits(build, work):
    """From a commit to the first call that it makes to an engine, in stages, and a pass over services that are in
    order."""
    for services in SIZES:
        origin = work / f"origin-{services}.git"
        oids = make_origin(origin, services)
        result = run(build, "commits", origin, work / f"state-{services}", oids)
        show(f"commit_to_engine_{services}", "ms", result["commit_ms"], 20 if services == 10000 else None, "p99",
             floor=result["floor_ms"])
        for stage in STAGES:
            show(f"commit_to_engine_{services}, {stage}", "ms", result[f"{stage}_ms"])
        print_table(f"commit, of {services}", {stage: result[f"{stage}_ms"] for stage in (*STAGES, "commit", "floor")})
        show(f"noop_pass_cpu_{services}", "ms", result["pass_cpu_ms"], 100 if services == 10000 else None)
        show(f"noop_pass_writes_{services}", "writes", [result["pass_writes"]], 0)


def load(build, work):
    """A start with 10,000 services: with an empty state directory, and with one from before."""
    origin = work / "origin.git"
    oids = make_origin(origin, 10000)
    fresh = [run(build, "load", origin, work / f"fresh-{i}") for i in range(LOADS)]
    run(build, "commits", origin, work / "state", oids[:1])
    again = [run(build, "load", origin, work / "state") for i in range(LOADS)]
    for kind, results in (("fresh", fresh), ("restart", again)):
        reads = [seconds_to_read(origin) for _ in range(LOADS)]
        show(f"load_10000_{kind}", "s", [one["known_ms"] / 1000 for one in results], 2, "max", floor=reads)
        show(f"load_10000_{kind}_peak_rss", "MiB", [one["peak_mib"] for one in results], 128, "max")
        show(f"load_10000_{kind}_settled_rss", "MiB", [one["settled_mib"] for one in results])


def seconds_to_read(origin):
    """git itself, reading the same files from the same objects."""
    before = os.times()
    subprocess.run("git ls-tree -r main | cut -d' ' -f3 | cut -f1 | git cat-file --batch --buffer >/dev/null",
                   shell=True, cwd=origin, check=True)
    return os.times().elapsed - before.elapsed


BENCHES = {"commits": commits, "load": load}
