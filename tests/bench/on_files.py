"""What files and their history cost that are only read: validate, diff, and the JSON Schema validator beside ajv."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from figure import show
from on_sim import commit_of, file_of, service, task_definition

HERE = Path(__file__).resolve().parent
CORPUS = Path(os.environ.get("DAVIT_CORPUS", HERE.parents[2] / "shared" / "corpus")) / "task-definitions"
SCHEMA = HERE.parents[1] / "schemas" / "TaskDefinition.json"
MANIFESTS = 10_000
COMMITS = 20_000
COMMITTED = 1000  # services, of which each commit changes one
RUNS = 7
WARM_UP = 4
ROUNDS = 41


def elapsed_ms(command, directory=None, expect=0):
    """From the start of the process to its end, with that exit status."""
    start = time.monotonic()
    done = subprocess.run(list(map(str, command)), cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    elapsed = (time.monotonic() - start) * 1000
    if done.returncode != expect:
        raise RuntimeError(f"{command[0]} exits with {done.returncode}, not {expect}")
    return elapsed


def validate(build, work):
    for number in range(MANIFESTS // 2):
        directory = work / "apps" / f"{number // 100:03}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"app-{number:05}.service.json").write_text(service(number))
        (directory / f"app-{number:05}.task.json").write_text(task_definition(number, 0))
    davit = build / "src" / "daemon" / "davit"
    times = [elapsed_ms(["taskset", "-c", "0", davit, "validate", work]) for _ in range(RUNS)]
    show("validate", "ms", times, aim=1000, manifests=MANIFESTS)


def diff(build, work):
    """One of 10,000 services in 20,000 files has another image; git alone says which file it is."""
    for number in range(MANIFESTS):
        directory = work / "apps" / f"{number // 100:03}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"app-{number:05}.service.json").write_text(service(number))
        (directory / f"app-{number:05}.task.json").write_text(task_definition(number, 0))
    git = ["git", "-C", work, "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["gc", "-q"]):
        subprocess.run([*git, *command], check=True)
    (work / "apps" / "050" / "app-05000.task.json").write_text(task_definition(5000, 1))
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    davit = [build / "src" / "daemon" / "davit", "diff", "--repo", work, "HEAD~1", "HEAD"]
    times = [elapsed_ms(davit, expect=1) for _ in range(RUNS)]
    floor = [elapsed_ms([*git, "diff", "--name-status", "HEAD~1", "HEAD"]) for _ in range(RUNS)]
    show("diff", "ms", times, aim=200, floor=floor, services=MANIFESTS)


def make_history(repo):
    """A packed bare repository of so many commits, each with another image for one service."""
    def path(number, kind):
        return f"apps/{number // 100:03}/app-{number:05}.{kind}.json"

    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", repo], check=True)
    files = [file_of(path(number, kind), make) for number in range(COMMITTED)
             for kind, make in (("service", service(number)), ("task", task_definition(number, 0)))]
    importing = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=repo, stdin=subprocess.PIPE, text=True)
    importing.stdin.write(commit_of("refs/heads/main", 0, files))
    for version in range(1, COMMITS):
        number = version * 37 % COMMITTED
        changed = file_of(path(number, "task"), task_definition(number, version))
        importing.stdin.write(commit_of("refs/heads/main", version, [changed]))
    importing.stdin.close()
    if importing.wait():
        raise RuntimeError("git fast-import fails")
    subprocess.run(["git", "-C", repo, "gc", "-q"], check=True)


def walk(build, work):
    """Every commit is read for revision numbers; git alone says which file each has changed."""
    repo = work / "history.git"
    make_history(repo)
    davit = [build / "src" / "daemon" / "davit", "validate", "--revision", "main", repo]
    times = [elapsed_ms(davit) / 1000 for _ in range(RUNS)]
    git = ["git", "-C", repo, "log", "--first-parent", "--name-only", "--format=%H", "main"]
    floor = [elapsed_ms(git) / 1000 for _ in range(RUNS)]
    show("walk", "s", times, aim=2, floor=floor, commits=COMMITS)


def install_ajv(work):
    """Its node_modules; None with the reason on stderr."""
    given = os.environ.get("DAVIT_BENCH_NODE_MODULES")
    if given:
        return Path(given)
    if not shutil.which("npm"):
        print("tests/bench/run: schema is without its peer: there is no npm", file=sys.stderr)
        return None
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "ajv@8", "ajv-formats@3"], cwd=work,
                          capture_output=True, text=True)
    if done.returncode:
        print(f"tests/bench/run: schema is without its peer: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return work / "node_modules"


def rounds_of(*command):
    lines = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines][WARM_UP:]


def warm(build, modules, files, what):
    """Both in processes that stay: text to verdict, and the verdict alone on values that were parsed before."""
    size = sum(file.stat().st_size for file in files.iterdir())
    ours = rounds_of(build / "tests" / "bench" / "bench-schema", SCHEMA, files, WARM_UP + ROUNDS)
    peer = rounds_of("node", HERE / "ajv.mjs", modules, SCHEMA, files, WARM_UP + ROUNDS) if modules else []
    for member, name in (("text_ms", "text to verdict"), ("validate_ms", "value to verdict")):
        times = [one[member] for one in ours]
        against = {"peer": [one[member] for one in peer]} if peer else {}
        show(f"schema, {what}, {name}", "ms", times, mb_per_s=round(size / 1e3 / statistics.median(times), 1), **against)


def schema(build, work):
    files = work / "files"
    files.mkdir()
    for number in range(MANIFESTS):
        (files / f"{number:05}.json").write_text(task_definition(number, 0))
    modules = install_ajv(work)
    names = sorted(os.listdir(files))
    whole, peer = [], []
    for _ in range(RUNS):  # in turns, so that both see the same machine
        whole.append(elapsed_ms([build / "src" / "daemon" / "davit", "schema", "check", SCHEMA, *names], files))
        if modules:
            peer.append(elapsed_ms(["node", HERE / "ajv.mjs", modules, SCHEMA, files, "once"]))
    against = {"aim": round(1 / 3, 3), "judged": "ratio", "peer": peer} if modules else {}
    size = sum(file.stat().st_size for file in files.iterdir())
    show("schema, files to verdict", "ms", whole, mb_per_s=round(size / 1e3 / statistics.median(whole), 1), **against)
    warm(build, modules, files, "of one shape")
    if not CORPUS.is_dir():
        print(f"tests/bench/run: schema is without files of many shapes: there is no {CORPUS}", file=sys.stderr)
        return
    real = work / "real"
    real.mkdir()
    for file in sorted(CORPUS.glob("*.json")):
        shutil.copy(file, real)
    warm(build, modules, real, "of many shapes")


BENCHES = {"validate": validate, "diff": diff, "walk": walk, "schema": schema}
