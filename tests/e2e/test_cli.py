"""The command line: exit codes, forms of output, and what goes where."""

import json
import os
import re
import subprocess
import time

import pytest

from support.davit import wait_for
from support.spine import CRASHES, Spine, definition, service
from support.standing import IMAGE, binary_of, standing_spine


@pytest.fixture(scope="module")
def spine(second_docker_session, tmp_path_factory):
    directory = tmp_path_factory.mktemp("cli")
    with standing_spine(directory, second_docker_session, binary_of("release")) as one:
        secret = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "MODE", "value": "a"}]
        one.repo.commit("web: second", {"web.json": definition(IMAGE, "two", environment=secret)})
        one.converge()
        yield one


@pytest.fixture
def run(spine):
    return spine.daemon.run


@pytest.mark.parametrize("kind", ["clusters", "services", "tasks", "revisions", "instances"])
@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml"])
def test_get(run, kind, form):
    process = run("get", kind, "-o", form)
    assert process.returncode == 0 and process.stdout.strip(), process.stderr
    assert "\x1b" not in process.stdout + process.stderr
    if form == "json":
        assert json.loads(process.stdout)["schemaVersion"] == 1
    elif form == "yaml":
        assert "schemaVersion: 1" in process.stdout


@pytest.mark.parametrize("command", [
    ("status",), ("history", "default/web"), ("blame", "default/web"), ("blame", "default"), ("events",), ("events", "default/web"), ("logs", "default/web"), ("version",),
    ("help",), ("help", "status"), ("schema", "Service"), ("reconcile",), ("wait", "--timeout", "100s"),
    ("completion", "zsh"), ("completion", "fish"), ("diff",),
])
def test_it_works_and_is_plain(run, command):
    process = run(*command)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "\x1b" not in process.stdout + process.stderr


def test_wait(spine, run):
    assert run("wait", "default/web", "--timeout", "100s").returncode == 0
    spine.repo.commit("web: is never healthy", {"web.json": definition(IMAGE, "slow"), "service.json": service(2, healthy_seconds=6000)})
    spine.seen()
    assert run("wait", "--timeout", "100ms").returncode == 3
    spine.repo.revert()
    spine.repo.commit("web: crashes", {"web.json": definition(IMAGE, **CRASHES), "service.json": service(2)})
    spine.seen()
    assert run("wait", "--timeout", "200s").returncode == 1
    assert spine.daemon.json("status")["source"]["rolloutState"] == "FAILED"
    assert ": FAILED\n" in run("status").stdout
    history = run("history", "default/web").stdout
    assert re.search(r"  [1-9][0-9.]*m?s +FAILED  ", history), history
    spine.repo.revert()
    spine.converge()
    assert spine.daemon.json("status")["source"]["rolloutState"] == "COMPLETED"


def on_terminal(spine, columns, *arguments):
    """What the command writes on a terminal of so many columns, standard error included."""
    line = " ".join(map(str, spine.daemon.command(*arguments)))
    process = subprocess.run(["script", "-qec", f"stty cols {columns} rows 24; {line}", "/dev/null"],
                             env={**spine.daemon.environment, "TERM": "xterm"}, capture_output=True, text=True)
    return process.stdout


def test_wait_tells_the_reason_in_full(spine, run):
    """The line of a failed service is longer than the terminal: its last picture is not cut, and names what still runs."""
    old, = {revision["revision"] for revision in spine.daemon.json("status")["services"][0]["revisions"]}
    spine.repo.commit("web: no such image", {"web.json": definition("nowhere.invalid/davit/missing:9")})
    spine.seen()
    text = on_terminal(spine, 80, "wait", "default/web", "--timeout", "5m")
    last, hint = text.strip().splitlines()[-2:]
    assert "davit retry default/web" in hint, text
    assert "CannotPullContainerError: nowhere.invalid/davit/missing:9: " in last, text
    assert f"healthy on web:{old}  failed web:" in last, text
    spine.repo.revert()
    spine.converge()


def test_wait_tells_why_a_commit_is_refused(spine, run):
    spine.repo.commit("web: slip", {"extra.json": '{"kind": "Cluster",\n "clusterNam": "a"}'})
    spine.seen()
    process = run("wait", "--timeout", "100s")
    assert process.returncode == 1 and "extra.json:2:2: error" in process.stderr and "is refused" in process.stderr
    assert "): REFUSED\n" in run("status").stdout
    spine.repo.revert()
    spine.converge()


def test_ids_are_short_for_people(spine, run):
    full = [task["id"] for task in spine.daemon.json("get", "tasks")["tasks"]]
    wide = run("events", "-o", "wide").stdout
    assert full and all(task in wide for task in full)
    table = run("events").stdout
    assert all(task[:12] in table and task not in table for task in full)


def test_validate(run, tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"kind": "Cluster", "clusterName": "a"}')
    bad.write_text('{"kind": "Cluster",\n "clusterNam": "a"}')
    assert run("validate", good).returncode == 0
    process = run("validate", bad)
    assert process.returncode == 1 and "bad.json:2:2: error" in process.stdout and "clusterName" in process.stdout
    assert run("validate", tmp_path / "absent").returncode == 2
    both = subprocess.run([binary_of("release"), "validate", bad], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert re.fullmatch(r"(?s).*bad\.json:2:2: error.*\nnot valid: [^\n]*\n", both.stdout), both.stdout


def test_schema_check(run, tmp_path):
    schema, good, bad = tmp_path / "schema.json", tmp_path / "good.yaml", tmp_path / "bad.yaml"
    schema.write_text('{"$ref": "port.json"}')
    (tmp_path / "port.json").write_text('{"type": "integer", "maximum": 65535}')
    good.write_text("80\n---\n443\n")
    bad.write_text("# a comment\n99999\n")
    assert run("schema", "check", schema, good).returncode == 0
    process = run("schema", "check", schema, good, bad)
    assert process.returncode == 1 and "bad.yaml:2:1: error: too large" in process.stdout
    assert json.loads(run("schema", "check", "-o", "json", schema, bad).stdout)["valid"] is False
    assert run("schema", "check", schema, tmp_path / "absent").returncode == 2


def test_diff(spine, run):
    repo = ("--repo", spine.repo.directory)
    process = run("diff", *repo, "HEAD")
    assert process.returncode == 0 and process.stdout == f"from what runs to HEAD ({spine.repo.head()[:12]})\n", process
    spine.repo.git("checkout", "--quiet", "-b", "draft")
    changed = [{"name": "DB_PASSWORD", "value": "hunter3"}, {"name": "MODE", "value": "b"}]
    spine.repo.commit("draft", {"web.json": definition(IMAGE, "two", environment=changed)})
    spine.repo.git("checkout", "--quiet", "main")
    for arguments in (("draft",), ("main", "draft"), ("main..draft",)):
        for form in ("text", "json"):
            process = run("diff", *repo, *arguments, "-o", form)
            assert process.returncode == 1, process.stdout + process.stderr
            assert "DB_PASSWORD" in process.stdout and "hunter" not in process.stdout + process.stderr
    assert run("diff", *repo, "nowhere").returncode == 2


def test_usage_errors(spine, run):
    for arguments, suggestion in ((("statsu",), "status"), (("status", "--sockt", "x"), "--socket")):
        process = run(*arguments)
        assert process.returncode == 2 and not process.stdout
        assert "did you mean" in process.stderr and suggestion in process.stderr
    process = run("-o", "json", "status")
    assert process.returncode == 2 and "davit status -o" in process.stderr
    process = run("get", "pods")
    assert process.returncode == 2 and "clusters, services, tasks, revisions, instances and scheduled-tasks" in process.stderr
    process = run("status", "--socket", "/nowhere/davit.sock")
    assert process.returncode == 2 and "/nowhere/davit.sock" in process.stderr and "daemon" in process.stderr


def test_environment(spine, run):
    line = spine.daemon.command("get", "services")
    environment = {**spine.daemon.environment, "DAVIT_OUTPUT": "json"}
    process = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert process.returncode == 0 and json.loads(process.stdout)["schemaVersion"] == 1
    process = subprocess.run([*line, "-o", "table"], env=environment, capture_output=True, text=True)
    assert process.stdout.startswith("CLUSTER")  # a flag goes before the environment
    environment = {**spine.daemon.environment, "DAVIT_SOCKET": "/nowhere/davit.sock"}
    process = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert process.returncode == 2 and "/nowhere/davit.sock" in process.stderr


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_only_on_a_terminal(spine, no_color):
    line = " ".join(map(str, spine.daemon.command("status")))
    environment = {**spine.daemon.environment, "NO_COLOR": no_color, "TERM": "xterm"}
    process = subprocess.run(["script", "-qec", line, "/dev/null"], env=environment, capture_output=True, text=True)
    assert ("\x1b[" in process.stdout) == (not no_color)


def completed(daemon, directory, *words, path):
    """What bash offers for the last word of the line, files included."""
    text = f"""source <({daemon.binary} completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _davit davit "${{@: -1}}"
        case "$(complete -p davit)${{COMPREPLY[*]}}" in *"-o default"*) [ "${{#COMPREPLY[@]}}" -gt 0 ] ||
            COMPREPLY=($(compgen -f -- "${{@: -1}}")) ;; esac; printf '%s\\n' "${{COMPREPLY[@]}}" """
    process = subprocess.run(["bash", "--norc", "-c", text, "bash", *words], capture_output=True, text=True, cwd=directory,
                             env={**daemon.environment, "PATH": f"{path}:{os.environ['PATH']}"})
    assert not process.stderr, process.stderr
    return process.stdout.split()


def test_bash_completion(spine, tmp_path):
    (tmp_path / "compose.yml").touch()
    offered = lambda *words: completed(spine.daemon, tmp_path, "davit", *words, path=tmp_path / "bin")
    assert "status" in offered("stat")
    assert offered("import", "") == ["compose", "cloudformation", "ecs", "docker"]
    assert offered("schema", "ch") == ["check"]
    assert offered("get", "-o", "") == ["table", "wide", "json", "yaml"]
    for line in (("import", "compose"), ("import", "-o", "json", "ecs"), ("import", "--output", "=", "json", "cloudformation"),
                 ("schema", "check"), ("schema", "check", "a.json"), ("import", "-f", "compose", "b.yml")):
        assert offered(*line, "") == ["compose.yml"], line
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text("#!/bin/sh\n[ \"$*\" = 'ps -a --format {{.Names}}' ] && printf 'web\\ndb\\n'\n")
    docker.chmod(0o755)
    assert offered("import", "docker", "") == ["web", "db"]
    assert offered("import", "docker", "web", "d") == ["db"]
    (tmp_path / "bin/davit").symlink_to(spine.daemon.binary)
    assert offered("wait", "") == offered("logs", "default/") == offered("wait", "default/web", "") == ["default/web"]
    assert offered("wait", "--time") == ["--timeout"]
    assert offered("suspend", "") == offered("resume", "") == offered("reconcile", "") == ["default/web", "default"]
    spine.repo.commit("nightly", {"nightly.json": {"Name": "nightly", "ScheduleExpression": "cron(0 0 1 1 ? *)",
                                                   "Target": {"Arn": "default", "EcsParameters": {"TaskDefinitionArn": "web"}}}})
    spine.converge()
    assert offered("history", "") == ["default/web", "nightly"]
    spine.repo.commit("no nightly", {"nightly.json": None})
    spine.converge()
    for line in (("wait", "--timeout", "c"), ("wait", "--timeout", "=", "c"), ("logs", "-t", "c"), ("rollback", "--to", "c")):
        assert offered(*line) == ["compose.yml"], line  # any value: bash has files
    assert offered("get", "--output", "=") == ["table", "wide", "json", "yaml"]
    assert offered("get", "--output", "=", "j") == ["json"]


def test_man_pages(run, tmp_path):
    commands = re.findall(r"^  (\S+) ", run("help").stdout, re.M)
    assert "apply" in commands
    for arguments in ((), *((one,) for one in commands)):
        page = tmp_path / "page.1"
        page.write_text(run("help", "--man", *arguments).stdout)
        lint = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], capture_output=True, text=True)
        assert lint.returncode == 0, f"{arguments}: {lint.stdout}"


def test_each_command_is_installed_with_a_man_page(run, tmp_path):
    build = os.environ["DAVIT_BUILD"]
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", tmp_path], check=True)
    commands = re.findall(r"^  (\S+) ", run("help").stdout, re.M)
    pages = {page.name for page in tmp_path.rglob("man1/*")}
    assert pages == {"davit.1", *(f"davit-{command}.1" for command in commands)}
    unit = next(tmp_path.rglob("davit.service")).read_text()
    start = re.search(r"^ExecStart=(\S+) daemon$", unit, re.M).group(1)
    assert (tmp_path / start.lstrip("/")).exists()


def test_apply_in_a_directory_of_a_clone(davit, repo, docker, demo_image):
    """It is told that it is not what is committed that is applied."""
    spine = Spine(davit, repo, docker)
    repo.commit("web: first", {"deploy/web.json": definition(demo_image, "one"), "deploy/service.json": service(1)})
    (repo.directory / "deploy" / "web.json").write_text(json.dumps(definition(demo_image, "two")))
    apply = ("apply", "--config", spine.daemon.config)
    told = f"it is a directory in the work tree {repo.directory} and is taken as it is"
    spine.daemon.configure({**spine.directory_config, "source": {"origin": str(repo.directory / "deploy")},
                            "stateDirectory": str(spine.daemon.directory / "other")})
    process = spine.daemon.run(*apply)
    assert process.returncode == 0 and told in process.stderr, process.stderr
    assert spine.texts() == ["two"]
    spine.daemon.configure({**spine.directory_config, "source": {"origin": str(repo.directory), "path": "deploy"},
                            "stateDirectory": str(spine.daemon.directory / "state")})
    process = spine.daemon.run(*apply)
    assert process.returncode == 0 and "taken as it is" not in process.stderr, process.stderr
    assert spine.texts() == ["one"]


def test_apply(davit, repo, docker, demo_image, proxy):
    record = proxy(docker)
    spine = Spine(davit, repo, docker, endpoint=record.path)
    apply = ("apply", "--config", spine.daemon.config)
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(2)})
    process = spine.daemon.run(*apply)
    assert process.returncode == 0 and "default/web" in process.stderr, process.stderr
    assert not process.stdout and "\x1b" not in process.stderr
    assert spine.texts() == ["one"] * 2
    count = len(record.requests)
    assert spine.daemon.run(*apply).returncode == 0
    assert not [request for request in record.requests[count:] if request.writes]
    repo.commit("web: bad", {"web.json": "{"})
    process = spine.daemon.run(*apply)
    assert process.returncode == 1 and "web.json:1:" in process.stderr
    repo.commit("web: slow", {"web.json": definition(demo_image, "two"), "service.json": service(2, healthy_seconds=30)})
    assert spine.daemon.run(*apply, "--timeout", "2s").returncode == 3


def test_apply_does_not_wait_for_an_engine_that_is_not_there(davit, repo, docker, demo_image, tmp_path):
    spine = Spine(davit, repo, docker, endpoint=tmp_path / "none.sock", enginePatience="1s")
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(2)})
    began = time.monotonic()
    process = spine.daemon.run("apply", "--config", spine.daemon.config)
    assert process.returncode == 3 and time.monotonic() - began < 60
    assert f"no engine answers, and nothing was changed: instance local: cannot connect to unix://{tmp_path}/none.sock" \
        in process.stderr


def test_apply_holds_what_removes_too_much(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker)
    apply = ("apply", "--config", spine.daemon.config)
    repo.commit("three", {"web.json": definition(demo_image), **{f"{n}.json": service(1, name=n) for n in "abc"}})
    assert spine.daemon.run(*apply).returncode == 0
    repo.commit("none", {f"{name}.json": None for name in "abc"})
    process = spine.daemon.run(*apply)
    assert process.returncode == 1 and "removes 3 of 3 services (default/a, default/b, default/c)" in process.stderr
    assert len(spine.containers()) == 3
    process = spine.daemon.run(*apply, "--approve-deletions")
    assert process.returncode == 0 and not spine.containers(running=False), process.stderr


def test_apply_tries_again_what_failed(davit, repo, docker, demo_image, tmp_path):
    spine = Spine(davit, repo, docker)
    apply = ("apply", "--config", spine.daemon.config)
    # Without its file it ends before the first answer of its check: it counts as healthy on no machine, however slow.
    task = definition(demo_image, command="ls /host/ready && exec httpd -f -p 80", essential=True,
                      healthCheck={"command": ["CMD-SHELL", "ls /host/ready"], "interval": 5},
                      mountPoints=[{"sourceVolume": "host", "containerPath": "/host"}])
    task["volumes"] = [{"name": "host", "host": {"sourcePath": str(tmp_path)}}]
    repo.commit("waits for a file", {"web.json": task, "service.json": service(1, healthy_seconds=2)})
    process = spine.daemon.run(*apply)
    assert process.returncode == 3 and "or by --retry" in process.stderr, process.stderr
    (tmp_path / "ready").write_text("")
    process = spine.daemon.run(*apply)
    assert process.returncode == 3, "it is not tried again by itself"
    assert re.search(r"^default/web .* failed web:1 .*exited with code 1", process.stderr, re.M), process.stderr
    process = spine.daemon.run(*apply, "--retry")
    assert process.returncode == 0, process.stderr
    assert len(spine.containers()) == 1
    assert spine.daemon.run(*apply, "--retry").returncode == 0, "there is nothing to try again"


def test_replay_decides_as_the_daemon_did(davit, repo, docker, demo_image):
    """Over a rollout, a kill -9 in the middle of another, and a restart."""
    spine = Spine(davit, repo, docker)
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(3)})
    spine.start()
    spine.converge()
    repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.seen()
    time.sleep(0.2)
    spine.daemon.kill()
    spine.start()
    spine.converge()
    spine.engine.api.delete(f"/containers/{spine.ids()[0]}", force="true")
    wait_for(lambda: len(spine.ids()) == 3, 20, "the task is replaced")
    spine.converge()
    assert spine.daemon.stop() == 0
    process = spine.daemon.run("replay", spine.daemon.directory / "state/records")
    steps, different = map(int, re.search(r"(\d+) steps? replayed, (\d+) with other", process.stderr).groups())
    assert process.returncode == 0 and different == 0 and steps > 20, process.stdout[:4000] + process.stderr
