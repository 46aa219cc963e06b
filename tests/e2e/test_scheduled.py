"""Scheduled tasks on a real engine: started when they are due, once, over a restart of davit too."""

import datetime
import json

import pytest

from engine_api import EngineError
from support.davit import wait_for
from support.spine import Spine, definition, engine_seconds
from test_wall_clock import HOUR_S, WallClock


def schedule(at, **more):
    target = {"Arn": "default", "EcsParameters": {"TaskDefinitionArn": "report"},
              "Input": json.dumps({"containerOverrides": [{"name": "app", "command": ["exit 3"]}]})}
    return {"Name": "nightly", "ScheduleExpression": at, "FlexibleTimeWindow": {"Mode": "OFF"},
            "ScheduleExpressionTimezone": "Europe/Berlin", "Target": target, **more}


def in_berlin(time):
    """Berlin's winter or summer clock, as the schedule writes it."""
    zoneinfo = pytest.importorskip("zoneinfo")
    return time.astimezone(zoneinfo.ZoneInfo("Europe/Berlin"))


def listed(spine):
    return json.loads(spine.daemon.run("get", "scheduled-tasks", "-o", "json").stdout)["scheduledTasks"]


def containers(spine):
    return [one for one in spine.containers(running=False) if "report" in one["Names"][0]]


def test_once_and_over_a_restart(spine, demo_image, tmp_path):
    clock = WallClock(spine, tmp_path)
    at = in_berlin(clock.now() + datetime.timedelta(hours=1)).replace(microsecond=0)
    files = {"report.json": definition(demo_image, family="report", command="exit 0"),
             "schedule.json": schedule(f"at({at:%Y-%m-%dT%H:%M:%S})")}
    spine.repo.commit("a schedule", files)
    spine.start()
    spine.seen()
    wait_for(lambda: listed(spine) and "nextAt" in listed(spine)[0], 20, "it is known")
    assert listed(spine)[0]["nextAt"].startswith(f"{at.astimezone(datetime.timezone.utc):%Y-%m-%dT%H:%M:%S}")
    assert not containers(spine)
    spine.daemon.stop()
    clock.leap(HOUR_S)  # it is due while davit is down
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
    wait_for(lambda: listed(spine), 20, "it is known again")
    assert listed(spine)[0]["lastRunAt"] == before and listed(spine)[0]["result"].startswith("failed")


def test_every_minute_and_no_more(spine, demo_image):
    spine.repo.commit("a schedule", {
        "report.json": definition(demo_image, family="report", command="sleep 300"),
        "schedule.json": schedule("cron(* * * * ? *)", Target={
            "Arn": "default", "EcsParameters": {"TaskDefinitionArn": "report", "TaskCount": 2}})})
    spine.start()
    wait_for(lambda: len(spine.containers()) == 2, 80, "two tasks run by the next minute")
    wait_for(lambda: listed(spine)[0]["result"] == "running", 10, "davit knows that they run")
    spine.repo.commit("no more of it", {"schedule.json": None})
    spine.seen()
    wait_for(lambda: not listed(spine), 20, "it is forgotten")
    assert len(spine.containers()) == 2, "what was started runs on"


MINUTE = 60


def every_minute(name, policy=None):
    """A schedule and the task definition that it starts."""
    target = {"Arn": "default", "EcsParameters": {"TaskDefinitionArn": name, "TaskCount": 1}}
    more = {"davit": {"concurrencyPolicy": policy}} if policy else {}
    return {"Name": name, "ScheduleExpression": "cron(* * * * ? *)", "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target, **more}


def first_minute(schedules):
    """The first that is due for all four, which may be over by the time of the look."""
    assert len(schedules) == 4
    found = {one.get("lastRunAt") or one["nextAt"] for one in schedules}
    [first] = {int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() // MINUTE) for text in found}
    return first


class Runs:
    """The containers of one family as the engine lists them, those that have ended too, in the order of their start."""

    def __init__(self, spine, family):
        found = [self.inspect(spine, one["Id"]) for one in spine.containers(running=False)
                 if one["Labels"]["com.amazonaws.ecs.task-definition-family"] == family]
        states = sorted((one["State"] for one in found if one), key=lambda state: state["StartedAt"])
        self.started = [engine_seconds(state["StartedAt"]) for state in states]
        self.ended = [None if state["Running"] else engine_seconds(state["FinishedAt"]) for state in states]

    @staticmethod
    def inspect(spine, container):
        """None: the engine lists it, and is still about to make it."""
        try:
            return spine.engine.api.get(f"/containers/{container}/json")
        except EngineError:
            return None

    def minutes(self):
        return [int(start // MINUTE) for start in self.started]


@pytest.mark.long
def test_each_due_time_once_and_what_overlaps_by_its_policy(davit, repo, docker, demo_image):
    """Three due times in a row, with a restart of davit between two of them."""
    spine = Spine(davit, repo, docker, stoppedTaskRetention="1h", stoppedTasksKept=50)
    slow = "trap 'exit 0' TERM; sleep 300 & wait"
    spine.repo.commit("schedules", {
        "short.json": definition(demo_image, family="short", command="exit 0"), "s-short.json": every_minute("short"),
        "forbid.json": definition(demo_image, family="forbid", command=f"trap 'exit 0' TERM; sleep {MINUTE + 20} & wait"),
        "s-forbid.json": every_minute("forbid", "Forbid"),
        "replace.json": definition(demo_image, family="replace", command=slow), "s-replace.json": every_minute("replace", "Replace"),
        "allow.json": definition(demo_image, family="allow", command=slow), "s-allow.json": every_minute("allow"),
    })
    spine.start()
    first = wait_for(lambda: first_minute(listed(spine)), 30, "they are known")
    for minute in (first, first + 1, first + 2):
        wait_for(lambda due=minute: len(Runs(spine, "short").started) == due - first + 1, MINUTE + 15, f"minute {minute} has run")
        if minute == first:  # a restart starts nothing twice
            spine.daemon.kill()
            spine.start()
    wait_for(lambda: all(len(Runs(spine, family).started) == runs for family, runs in (("allow", 3), ("replace", 3), ("forbid", 2)))
             and None not in Runs(spine, "replace").ended[:2] + Runs(spine, "short").ended, 15, "the last of them have begun")

    short, forbid, replace, allow = (Runs(spine, family) for family in ("short", "forbid", "replace", "allow"))
    due = [first, first + 1, first + 2]
    assert short.minutes() == due and None not in short.ended
    assert allow.minutes() == due and allow.ended == [None] * 3  # the default: side by side
    assert forbid.minutes() == [due[0], due[2]]  # the second was due while the first ran
    assert forbid.ended[0] > due[1] * MINUTE and forbid.ended[0] < forbid.started[1]
    assert replace.minutes() == due
    assert replace.ended[2] is None and all(end >= at * MINUTE for end, at in zip(replace.ended[:2], due[1:]))
    assert all(end < at * MINUTE + 50 for end, at in zip(replace.ended[:2], due[1:]))  # stopped, not slept out
