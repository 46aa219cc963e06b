"""Scheduled tasks on a real engine: started when they are due, once, over a restart of davit too."""

import datetime
import json

import pytest

from support.davit import wait_for
from support.spine import Spine, definition


@pytest.fixture
def spine(davit, repo, docker):
    yield Spine(davit, repo, docker)


def schedule(at, **more):
    target = {"Arn": "default", "EcsParameters": {"TaskDefinitionArn": "report"},
              "Input": json.dumps({"containerOverrides": [{"name": "app", "command": ["exit 3"]}]})}
    return {"Name": "nightly", "ScheduleExpression": at, "FlexibleTimeWindow": {"Mode": "OFF"},
            "ScheduleExpressionTimezone": "Europe/Berlin", "Target": target, **more}


def in_berlin(seconds):
    """A time of Berlin's winter or summer clock, as the schedule writes it."""
    zoneinfo = pytest.importorskip("zoneinfo")
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    return datetime.datetime.now(berlin) + datetime.timedelta(seconds=seconds)


def listed(spine):
    return json.loads(spine.daemon.run("get", "scheduled-tasks", "-o", "json").stdout)["scheduledTasks"]


def containers(spine):
    return [one for one in spine.containers(running=False) if "report" in one["Names"][0]]


def test_once_and_over_a_restart(spine, demo_image):
    at = in_berlin(12).replace(microsecond=0)
    files = {"report.json": definition(demo_image, family="report", command="exit 0"),
             "schedule.json": schedule(f"at({at:%Y-%m-%dT%H:%M:%S})")}
    spine.repo.commit("a schedule", files)
    spine.start()
    spine.seen()
    wait_for(lambda: listed(spine), 10, "it is known")
    assert listed(spine)[0]["nextAt"].startswith(f"{at.astimezone(datetime.timezone.utc):%Y-%m-%dT%H:%M:%S}")
    assert not containers(spine)
    spine.daemon.stop()
    wait_for(lambda: in_berlin(0) > at, 20, "it is due while davit is down")
    spine.start()
    wait_for(lambda: listed(spine) and listed(spine)[0].get("result", "").startswith("failed"), 30,
             "it was started, and its end is known")
    assert "nextAt" not in listed(spine)[0]
    assert "nightly" in spine.daemon.run("status").stdout
    assert len(listed(spine)[0]["tasks"]) == 1
    [run] = json.loads(spine.daemon.run("history", "default/nightly", "-o", "json").stdout)["runs"]
    assert run["dueAt"].startswith(f"{at.astimezone(datetime.timezone.utc):%Y-%m-%dT%H:%M:%S}")
    assert run["result"].startswith("failed") and run["tasks"] == listed(spine)[0]["tasks"]
    before = listed(spine)[0]["lastRunAt"]
    spine.daemon.stop()
    spine.start()
    wait_for(lambda: listed(spine), 10, "it is known again")
    assert listed(spine)[0]["lastRunAt"] == before and listed(spine)[0]["result"].startswith("failed")


def test_every_minute_and_no_more(spine, demo_image):
    spine.repo.commit("a schedule", {
        "report.json": definition(demo_image, family="report", command="sleep 300"),
        "schedule.json": schedule("cron(* * * * ? *)", Target={
            "Arn": "default", "EcsParameters": {"TaskDefinitionArn": "report", "TaskCount": 2}})})
    spine.start()
    wait_for(lambda: len(spine.containers()) == 2, 80, "two tasks run by the next minute")
    assert listed(spine)[0]["result"] == "running"
    spine.repo.commit("no more of it", {"schedule.json": None})
    spine.seen()
    wait_for(lambda: not listed(spine), 10, "it is forgotten")
    assert len(spine.containers()) == 2, "what was started runs on"
