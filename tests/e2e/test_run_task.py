"""Standalone tasks: davit run-task and stop-task, RunTask and StopTask by AWS's own tool, and kills in between."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.davit import wait_for
from support.spine import Spine, definition, service

AWS = "/usr/bin/aws"
PORT = 8421
RELAY = Path(__file__).parent / "support" / "relay.py"


@pytest.fixture
def spine(davit, repo, docker):
    yield Spine(davit, repo, docker, stoppedTaskRetention="1h")


def job(image, script, **more):
    return definition(image, command=script, family="job", portMappings=[], **more)


def wait_connected(spine):
    wait_for(lambda: spine.daemon.json("get", "instances")["instances"][0]["connected"], 20, "the engine is connected")


def started(spine, image, script="exec sleep 600", **more):
    spine.repo.commit("a job", {
        "cluster.json": {"kind": "Cluster", "clusterName": "default"}, "job.json": job(image, script, **more),
    })
    spine.start()
    spine.seen()
    wait_connected(spine)


def run_task(spine, *more, code=0):
    process = spine.daemon.run("run-task", "default", "job", *more)
    assert process.returncode == code, process.stdout + process.stderr
    return process


def task_of(spine, name):
    return spine.daemon.json("get", "tasks", name.rpartition("/")[2])["tasks"][0]


def wait_status(spine, name, status):
    wait_for(lambda: task_of(spine, name)["status"] == status, 30, f"{name} is {status}")


def test_its_exit_code_becomes_ours(spine, demo_image):
    started(spine, demo_image, 'echo "$WORD"; exit "$CODE"',
            environment=[{"name": "CODE", "value": "0"}, {"name": "WORD", "value": "hello"}])
    process = run_task(spine, "--wait")
    assert "STOPPED, app exited with code 0" in process.stderr
    process = run_task(spine, "--wait", "-e", "CODE=7", "-e", "WORD=changed", "--started-by", "me", code=7)
    name = process.stdout.strip()
    assert f"davit logs {name[:20]}" in process.stderr
    assert "changed" in spine.daemon.run("logs", name).stdout
    task = task_of(spine, name)
    assert (task["group"], task["startedBy"], task["exitCode"]) == ("family:job", "me", 7)
    assert "service" not in task
    labels = spine.containers(running=False)[0]["Labels"]
    assert labels["davit.group"] == "family:job" and "davit.service" not in labels
    process = run_task(spine, "--wait", "--", "exit 3", code=3)


def test_removed_by_hand_it_is_not_started_again(spine, demo_image):
    started(spine, demo_image)
    name = run_task(spine).stdout.strip()
    wait_status(spine, name, "RUNNING")
    [victim] = spine.ids()
    spine.engine.api.delete(f"/containers/{victim}", force="true")
    wait_status(spine, name, "STOPPED")
    time.sleep(2)
    assert spine.containers(running=False) == []
    assert task_of(spine, name)["stopCode"] == "EssentialContainerExited"


def test_kills_between_run_task_and_the_end(spine, demo_image):
    started(spine, demo_image, "sleep 3; exit 5")
    names = []
    for delay in (0, 0, 0.05, 0.1, 0.3, 0.7):
        names.append(run_task(spine).stdout.strip())
        time.sleep(delay)
        spine.daemon.kill()
        spine.start()
        wait_connected(spine)
    for name in names:
        wait_status(spine, name, "STOPPED")
        assert task_of(spine, name)["exitCode"] == 5
    made = spine.containers(running=False)
    assert len(made) == len(names) and all(one["State"] == "exited" for one in made)
    assert sorted(one["Labels"]["davit.task"] for one in made) == sorted(name.rpartition("/")[2] for name in names)


def test_removed_while_davit_is_down(spine, demo_image):
    started(spine, demo_image)
    name = run_task(spine).stdout.strip()
    wait_status(spine, name, "RUNNING")
    spine.daemon.kill()
    spine.engine.api.delete(f"/containers/{spine.ids()[0]}", force="true")
    spine.start()
    wait_status(spine, name, "STOPPED")
    assert spine.containers(running=False) == []
    assert "was removed" in task_of(spine, name)["stopReason"]


def test_stop_task(spine, demo_image):
    started(spine, demo_image)
    name = run_task(spine, "--count", "2").stdout.split()[0]
    wait_for(lambda: len(spine.ids()) == 2, 30, "both run")
    process = spine.daemon.run("stop-task", name[:20], "--reason", "enough of it")
    assert process.returncode == 0 and "enough of it" in process.stderr
    wait_status(spine, name, "STOPPED")
    assert task_of(spine, name)["stopCode"] == "UserInitiated" and len(spine.ids()) == 1
    assert spine.daemon.run("stop-task", "default/0123456789ab").returncode == 2


def test_no_place_and_no_such_family(spine, demo_image):
    started(spine, demo_image, cpu=10240)
    process = run_task(spine, code=1)
    assert "no place on local: RESOURCE:CPU: has insufficient CPU" in process.stderr and not process.stdout
    process = spine.daemon.run("run-task", "default", "jobs")
    assert process.returncode == 2 and "TaskDefinition not found." in process.stderr


def test_it_outlives_its_family(spine, demo_image):
    started(spine, demo_image)
    name = run_task(spine).stdout.strip()
    wait_status(spine, name, "RUNNING")
    before = spine.ids()
    spine.repo.commit("the job goes", {"job.json": None, "web.json": definition(demo_image), "service.json": service(1)})
    spine.converge()
    assert set(before) < set(spine.ids()) and task_of(spine, name)["status"] == "RUNNING"
    assert "TaskDefinition is inactive" in spine.daemon.run("run-task", "default", "job").stderr


def listens(engine):
    try:
        engine.connect("127.0.0.1", PORT).close()
    except OSError:
        return False
    return True


def test_aws(spine, demo_image, tmp_path):
    if not shutil.which(AWS):
        pytest.skip("awscli is not installed")
    started(spine, demo_image, "trap 'exit 4' TERM; sleep 600 & wait")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "local", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
    }

    def aws(*arguments):
        line = spine.engine.inside(AWS, "--endpoint-url", f"http://127.0.0.1:{PORT}", "--output", "json", "ecs", *arguments)
        process = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout) if process.stdout else None

    socket = str(spine.daemon.directory / "davit.sock")
    with subprocess.Popen(spine.engine.inside(sys.executable, str(RELAY), str(PORT), socket)) as relay:
        try:
            wait_for(lambda: listens(spine.engine), 40, "the relay listens")
            overrides = {"containerOverrides": [{"name": "app", "command": ["exit 9"]}]}
            answer = aws("run-task", "--task-definition", "job", "--overrides", json.dumps(overrides))
            [task], failures = answer["tasks"], answer["failures"]
            assert failures == [] and task["lastStatus"] == "PENDING" and task["group"] == "family:job"
            aws("wait", "tasks-stopped", "--tasks", task["taskArn"])
            [task] = aws("describe-tasks", "--tasks", task["taskArn"])["tasks"]
            assert task["containers"][0]["exitCode"] == 9 and task["stopCode"] == "EssentialContainerExited"
            [other] = aws("run-task", "--task-definition", "job:1", "--started-by", "me")["tasks"]
            aws("wait", "tasks-running", "--tasks", other["taskArn"])
            assert aws("list-tasks", "--started-by", "me")["taskArns"] == [other["taskArn"]]
            stopped = aws("stop-task", "--task", other["taskArn"], "--reason", "enough")["task"]
            assert stopped["desiredStatus"] == "STOPPED" and stopped["stoppedReason"] == "enough"
            aws("wait", "tasks-stopped", "--tasks", other["taskArn"])
            [other] = aws("describe-tasks", "--tasks", other["taskArn"])["tasks"]
            assert other["containers"][0]["exitCode"] == 4 and other["stopCode"] == "UserInitiated"
        finally:
            relay.terminate()
