"""Change windows: outside of them changes from git wait, and what runs is kept up, over restarts of davit too."""

import datetime
import json
import time

from support.davit import wait_for
from support.spine import definition, service
from test_wall_clock import WallClock


def cluster(*windows):
    return {"clusterName": "default", "davit": {"changeWindows": list(windows)}}


def test_a_change_waits_for_the_opening(spine, demo_image, tmp_path):
    """It is hours away until all has been seen that comes before, and then seconds."""
    clock = WallClock(spine, tmp_path)
    spine.begin(demo_image)
    opens = (clock.now() + datetime.timedelta(hours=3)).replace(second=0, microsecond=0)
    at = f"cron({opens.minute} {opens.hour} {opens.day} {opens.month} ? {opens.year})"
    window = {"kind": "allow", "schedule": at, "durationMinutes": 10}
    spine.repo.commit("a window", {"cluster.json": cluster(window)})
    spine.repo.commit("web: second, and more of it",
                      {"web.json": definition(demo_image, "two"), "service.json": service(3)})
    spine.seen()
    process = spine.wait("default/web", timeout=20)  # it does not hang
    waits = f"waits for its change window, which opens at {opens:%Y-%m-%d %H:%M} UTC"
    assert process.returncode == 1 and waits in process.stderr
    status = spine.daemon.run("status").stdout
    assert waits in status and "lets it through now" in status
    wanted, = json.loads(spine.daemon.run("get", "services", "-o", "json").stdout)["services"]
    assert wanted["desiredCount"] == 3 and wanted["meanwhileCount"] == 2 and wanted["taskDefinition"] == "web:2"
    told = spine.daemon.run("diff").stdout
    assert "scale 2 -> 3" in told and f"  {waits}" in told, told
    change, = json.loads(spine.daemon.run("diff", "-o", "json").stdout)["differences"]
    assert change["opensAt"] == opens.timestamp()
    victim, left = spine.ids()
    spine.engine.api.delete(f"/containers/{victim}", force="true")
    spine.daemon.stop()
    spine.start()
    wait_for(lambda: len(spine.ids()) == 2 and left in spine.ids() and victim not in spine.ids(), 20,
             "what was lost is back, as it was")
    assert spine.texts() == ["one"] * 2 and spine.state() == "waiting"
    clock.leap(int((opens - clock.now()).total_seconds()) - 10)
    wait_for(lambda: spine.state() != "waiting", 90, "the window opens")
    assert clock.now() >= opens
    spine.converge()
    assert spine.texts() == ["two"] * 3


def test_approved(spine, demo_image):
    spine.begin(demo_image)
    freeze = {"kind": "deny", "schedule": "cron(* * * * ? *)", "durationMinutes": 60, "timezone": "Europe/Berlin"}
    spine.repo.commit("nothing changes here", {"cluster.json": cluster(freeze)})
    spine.converge()
    before = spine.ids()
    other = {"other.json": definition(demo_image, family="other"), "one.json": service(1, name="other", family="other")}
    spine.repo.commit("web: gone, another comes", {"service.json": None, **other})
    spine.seen()
    wait_for(lambda: spine.state() == "waiting" and spine.state("other") == "waiting", 20, "both wait")
    time.sleep(1)
    assert spine.ids() == before
    assert "does not open as far as can be seen" in spine.daemon.run("status").stdout
    commit = spine.repo.head()
    process = spine.daemon.run("approve", commit)
    assert process.returncode == 0, process.stderr
    spine.converge()
    assert len(spine.ids()) == 1 and not set(spine.ids()) & set(before)
    assert f"commit {commit[:12]} was approved" in spine.daemon.run("events", "default/other").stdout
    process = spine.daemon.run("approve", commit)
    assert process.returncode != 0 and "no change waits for its window" in process.stderr


def test_a_window_that_is_none(spine, demo_image):
    spine.begin(demo_image)
    window = {"kind": "allow", "schedule": "cron(0 2 31 2 ? *)", "durationMinutes": 60, "timezone": "Europe/Berln"}
    spine.repo.commit("a window", {"cluster.json": cluster(window)})
    spine.seen()
    status = spine.daemon.run("status").stdout
    assert "cluster.json:" in status and 'did you mean "Europe/Berlin"?' in status
