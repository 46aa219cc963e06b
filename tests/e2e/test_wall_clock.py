"""The wall clock is set while davit runs: the calendar follows it, and what is under way keeps its time."""

import datetime
import json
import os
from pathlib import Path

import pytest

from support.davit import wait_for
from support.spine import definition, service

HOUR_S = 3600


class WallClock:
    """davit's wall clock; the machine's is everybody's. The kernel does not tell davit of a leap here: it is noticed
    with what comes next, such as a request that asks for the time."""

    def __init__(self, spine, directory):
        build = Path(os.environ.get("DAVIT_BUILD", Path(__file__).resolve().parents[2] / "build"))
        library = build / "tests" / "wall_clock.so"
        if not library.exists():
            pytest.skip("the wall clock is not built")
        self.daemon, self.file, self.skew_s = spine.daemon, directory / "skew", 0
        self.leap(0)
        spine.daemon.environment.update(LD_PRELOAD=str(library), WALL_CLOCK_SKEW=str(self.file))

    def leap(self, seconds):
        self.skew_s += seconds
        new = self.file.with_suffix(".new")
        new.write_text(f"{self.skew_s * 1000}\n")
        new.replace(self.file)
        self.daemon.run("status")  # fails before the start

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.skew_s)


def scheduled(spine):
    return json.loads(spine.daemon.run("get", "scheduled-tasks", "-o", "json").stdout)["scheduledTasks"]


def state_of(spine):
    return json.loads(spine.daemon.run("get", "services", "-o", "json").stdout)["services"][0]["state"]


def cron(at):
    return f"cron({at.minute} {at.hour} {at.day} {at.month} ? {at.year})"


def started(spine):
    return [one for one in spine.containers(running=False) if "report" in one["Names"][0]]


def test_the_calendar_follows_the_wall_clock(spine, demo_image, tmp_path):
    clock = WallClock(spine, tmp_path)
    due = clock.now() + datetime.timedelta(hours=3)
    opens = clock.now() + datetime.timedelta(hours=5)
    window = {"kind": "allow", "schedule": cron(opens), "durationMinutes": 90}
    target = {"Arn": "default", "EcsParameters": {"TaskDefinitionArn": "report"}}
    spine.repo.commit("all", {
        "web.json": definition(demo_image), "service.json": service(1),
        "report.json": definition(demo_image, family="report", command="sleep 300"),
        "schedule.json": {"Name": "report", "ScheduleExpression": cron(due), "FlexibleTimeWindow": {"Mode": "OFF"},
                          "Target": target}})
    spine.start()
    spine.converge()
    spine.repo.commit("a window", {"cluster.json": {"clusterName": "default", "davit": {"changeWindows": [window]}}})
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.seen()
    wait_for(lambda: state_of(spine) == "waiting", 20, "the change waits")
    assert not started(spine)

    clock.leap(3 * HOUR_S + 60)
    wait_for(lambda: started(spine), 30, "what is due runs")
    assert len(started(spine)) == 1 and state_of(spine) == "waiting"
    assert "the wall clock was set forward by 3h1m" in spine.daemon.log_text()

    clock.leap(-HOUR_S)
    assert "nextAt" not in scheduled(spine)[0]
    clock.leap(3 * HOUR_S)
    wait_for(lambda: state_of(spine) != "waiting", 30, "the window is open")
    spine.converge()
    revisions = [one["Labels"]["com.amazonaws.ecs.task-definition-version"] for one in spine.containers()
                 if "web" in one["Names"][0]]
    assert revisions == ["2"] and len(started(spine)) == 1, "that hour came twice, its task once"

    # What all of this was recorded as decides the same once more.
    spine.daemon.stop()
    replayed = spine.daemon.run("replay", spine.daemon.directory / "state" / "records")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
