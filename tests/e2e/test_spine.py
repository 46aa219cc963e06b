"""A commit becomes running containers, a revert takes them back."""

import random
import signal
import time

import pytest

from support.davit import wait_for
from support.events import EngineEvents
from support.spine import CRASHES, LABEL_DIGEST, LABEL_OWNER, LABEL_TASK, OWNER, Spine, definition, service

# So many retries that a machine which stands still for a while makes no task unhealthy: the bounds are about davit.
HEALTH = {
    "command": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/"], "interval": 5, "timeout": 20, "retries": 10,
}


@pytest.fixture
def spine(davit, repo, docker):
    one = Spine(davit, repo, docker)
    yield one


def first_commit(spine, image, count=2, **options):
    spine.repo.commit("web: first", {
        "web.json": definition(image), "service.json": service(count, **options),
    })


def ours(container):
    return container.label(LABEL_OWNER) == OWNER


def test_a_commit_becomes_tasks_that_answer(spine, demo_image):
    first_commit(spine, demo_image, 3)
    spine.start()
    spine.converge()
    assert spine.texts() == ["one"] * 3
    assert len(spine.tasks()) == 3


def test_a_commit_is_seen_at_once_and_rolled_out(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker, source={"origin": str(repo.directory), "branch": "main", "poll": "10m"})
    first_commit(spine, demo_image)
    spine.start()
    spine.converge()
    before = spine.tasks()
    began = time.monotonic()
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.seen()
    assert time.monotonic() - began < 500  # inotify, not the poll of 10 min
    spine.converge()
    assert spine.texts() == ["two"] * 2
    assert not set(before) & set(spine.tasks())


@pytest.mark.long
def test_rolling_update_keeps_its_bounds(spine, demo_image, sampler):
    """Six tasks, 50 % and 150 %: never fewer than 3 healthy, never more than 9 in all.

    Read from the engine every 50 ms, and from its events, which miss nothing on a busy machine.
    """
    with EngineEvents(spine.engine.socket, LABEL_OWNER, OWNER) as events:
        began = roll(spine, demo_image, sampler)
        healthy = events.counts(lambda state, health: (state, health) == ("running", "healthy"), since=began)
        existing = events.counts(lambda state, _: state in ("created", "running"), since=began)
    assert healthy[0] == 6 and min(healthy) >= 3
    assert len(healthy) > 6 * 4 and max(existing) <= 9


def roll(spine, demo_image, sampler):
    """A rolling update under the eyes of the sampler; returns when it began, in ns since 1970."""
    first_commit(spine, demo_image, 6, minimum=50, maximum=150)
    spine.repo.commit("web: with a check", {"web.json": definition(demo_image, healthCheck=HEALTH)})
    spine.start()
    spine.converge()
    watch = sampler(spine.engine)
    watch.wait(lambda containers: sum(c.serving and ours(c) for c in containers) == 6)
    began, began_ns = time.monotonic(), time.time_ns()
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "two", healthCheck=HEALTH)})
    spine.converge(timeout=120)
    assert watch.lowest(lambda c: c.serving and ours(c), since=began) >= 3
    assert watch.highest(lambda c: c.state in ("created", "running") and ours(c), since=began) <= 9
    assert not watch.errors
    assert spine.texts() == ["two"] * 6
    return began_ns


def test_a_refused_commit_changes_nothing_and_says_where(spine, demo_image):
    first_commit(spine, demo_image)
    spine.start()
    spine.converge()
    before = spine.ids()
    faulty = definition(demo_image, "two")
    faulty["containerDefinitions"][0]["imge"] = faulty["containerDefinitions"][0].pop("image")
    spine.repo.commit("web: slip", {"web.json": faulty})
    spine.seen()
    status = spine.daemon.run("status").stdout
    assert "web.json:" in status and "imge" in status and "image" in status
    time.sleep(1)
    assert spine.ids() == before


def test_a_crashing_revision_is_contained_and_a_revert_restarts_nothing(spine, demo_image):
    first_commit(spine, demo_image, 4)
    spine.start()
    spine.converge()
    before = spine.ids()
    spine.repo.commit("web: crashes", {"web.json": definition(demo_image, **CRASHES)})
    spine.seen()
    process = spine.wait(timeout=60)
    assert process.returncode == 1, process.stdout + process.stderr
    assert set(before) <= set(spine.ids())
    spine.at_rest(4)
    time.sleep(3)  # longer than the first back-offs: nothing more is launched
    assert len(spine.containers(running=False)) == 4
    assert "FAILED" in spine.daemon.run("history", "default/web").stdout
    spine.repo.revert()
    spine.converge()
    assert spine.ids() == before


def test_the_same_bad_content_is_not_tried_again(spine, demo_image):
    first_commit(spine, demo_image)
    spine.start()
    spine.converge()
    before = spine.ids()
    bad = {"web.json": definition(demo_image, **CRASHES)}
    spine.repo.commit("web: crashes", bad)
    spine.seen()
    spine.wait(timeout=60)
    spine.repo.revert()
    spine.converge()
    spine.repo.commit("web: crashes again", bad)
    spine.seen()
    assert spine.wait(timeout=20).returncode == 1
    wait_for(lambda: len(spine.containers(running=False)) == 2, 20, "nothing but the good tasks")
    assert spine.ids() == before


def test_drift_is_healed(spine, demo_image):
    first_commit(spine, demo_image, 3)
    spine.start()
    spine.converge()
    victim = spine.containers()[0]["Id"]
    spine.engine.api.delete(f"/containers/{victim}", force="true")
    wait_for(lambda: len(spine.ids()) == 3 and victim not in spine.ids(), 20, "the task is replaced")
    victim = spine.containers()[0]["Id"]
    spine.engine.api.post(f"/containers/{victim}/kill")
    wait_for(lambda: len(spine.ids()) == 3 and victim not in spine.ids(), 20, "the killed task is replaced")


@pytest.mark.long
def test_a_restart_policy_starts_the_same_container_again(spine, demo_image):
    """The three end: one after its restartAttemptPeriod, one then too with an ignored code, one too early."""
    policy = {"enabled": True, "restartAttemptPeriod": 60}  # ECS has no shorter one
    web = definition(demo_image, command="sleep 62; exit 1", restartPolicy=policy)

    def beside(name, command, **more):
        return {"name": name, "image": demo_image, "memory": 8, "essential": False, "stopTimeout": 1,
                "command": ["/bin/sh", "-c", command], "restartPolicy": {**policy, **more}}

    web["containerDefinitions"] += [beside("ignored", "sleep 61; exit 7", ignoredExitCodes=[7]), beside("early", "exit 1")]
    spine.repo.commit("web: ends", {"web.json": web, "service.json": service(1)})
    spine.start()
    spine.converge()

    def look():
        found = [spine.engine.api.get(f"/containers/{one['Id']}/json") for one in spine.containers(running=False)]
        return {one["Config"]["Labels"]["com.amazonaws.ecs.container-name"]: one for one in found}

    before = look()
    wait_for(lambda: look()["app"]["State"]["StartedAt"] != before["app"]["State"]["StartedAt"], 90, "app is started again")
    wait_for(lambda: not look()["ignored"]["State"]["Running"], 90, "the ignored end")
    wait_for(lambda: '"exitCode": 7' in spine.daemon.run("get", "tasks", "-o", "json").stdout, 30, "davit knows of it")
    spine.daemon.run("reconcile")
    after = look()
    assert {name: one["Id"] for name, one in after.items()} == {name: one["Id"] for name, one in before.items()}
    assert after["app"]["State"]["Running"]
    for name, code in (("ignored", 7), ("early", 1)):
        state = after[name]["State"]
        assert (state["Running"], state["ExitCode"]) == (False, code)
        assert state["StartedAt"] == before[name]["State"]["StartedAt"]


def test_scale_and_removal(spine, demo_image):
    first_commit(spine, demo_image, 2)
    spine.start()
    spine.converge()
    before = spine.ids()
    spine.repo.commit("web: more", {"service.json": service(4)})
    spine.converge()
    assert len(spine.ids()) == 4 and set(before) <= set(spine.ids())
    spine.repo.commit("web: fewer", {"service.json": service(1)})
    spine.converge()
    assert len(spine.ids()) == 1
    spine.repo.commit("web: gone", {"service.json": None})
    spine.seen()
    wait_for(lambda: not spine.containers(running=False), 30, "every container is gone")


def test_a_commit_that_removes_most_is_held(spine, demo_image):
    """An emptied directory stops nothing; davit approve and the trailer do."""
    services = {f"{name}.json": service(1, name=name) for name in "abcd"}
    spine.repo.commit("four", {"web.json": definition(demo_image), **services})
    spine.start()
    spine.converge()
    before = spine.ids()
    gone = {f"{name}.json": None for name in "abc"}
    commit = spine.repo.commit("gone", gone)
    spine.seen()
    assert spine.wait().returncode == 1
    assert f"davit approve {commit[:12]}" in spine.daemon.run("status").stdout
    spine.daemon.stop()
    spine.start()
    spine.seen()
    assert spine.wait().returncode == 1 and spine.ids() == before
    assert spine.daemon.run("approve", commit[:7]).returncode == 0
    wait_for(lambda: len(spine.containers(running=False)) == 1, 30, "three services are gone")
    removes = "removes 3 of 4 services (default/a, default/b, default/c)"
    assert f"deploys commit {commit[:12]}, which was approved: it {removes}" in spine.daemon.run("events").stdout
    assert f"commit {commit[:12]} is held, what was deployed stays: it {removes}; " in spine.daemon.log_text()
    assert f"commit {commit[:12]}: gone; was held, and approved by hand: {removes}" in spine.daemon.log_text()
    spine.repo.commit("back", services)
    spine.converge()
    spine.repo.commit("gone\n\nDavit-Approve-Deletions: 3", gone)
    spine.seen()
    wait_for(lambda: len(spine.containers(running=False)) == 1, 30, "three services are gone again")


def test_what_was_approved_is_so_over_a_restart_and_nothing_else(spine, demo_image):
    """The trailer of a commit is used up by it; what an approval let go need not be approved again."""
    services = {f"{name}.json": service(1, name=name) for name in "abcdefg"}
    spine.repo.commit("seven", {"web.json": definition(demo_image), **services})
    spine.start()
    spine.converge()
    spine.repo.commit("four go\n\nDavit-Approve-Deletions: 4", {f"{name}.json": None for name in "abcd"})
    wait_for(lambda: len(spine.containers(running=False)) == 3, 30, "four services are gone")
    three = spine.ids()
    spine.repo.commit("all", {f"{name}.json": None for name in "efg"})
    spine.seen()
    for _ in range(2):
        assert "HELD" in spine.daemon.run("status").stdout
        spine.daemon.kill()
        spine.start()
        spine.seen()
    assert "HELD" in spine.daemon.run("status").stdout and spine.ids() == three

    assert spine.daemon.run("suspend", "default").returncode == 0
    assert spine.daemon.run("approve", spine.repo.head()).returncode == 0
    assert "HELD" not in spine.daemon.run("status").stdout
    spine.daemon.kill()
    spine.start()
    spine.seen()
    assert "HELD" not in spine.daemon.run("status").stdout and spine.ids() == three
    assert spine.daemon.run("resume", "default").returncode == 0
    wait_for(lambda: not spine.containers(running=False), 30, "the others are gone")


def test_containers_of_others_are_left_alone(spine, demo_image):
    foreign = spine.engine.api.run(demo_image, name="foreign")
    other = spine.engine.api.run(demo_image, name="other-davit", Labels={LABEL_OWNER: "somebody-else"})
    first_commit(spine, demo_image)
    spine.start()
    spine.converge()
    spine.repo.commit("web: gone", {"service.json": None})
    spine.seen()
    wait_for(lambda: not spine.containers(running=False), 30, "every container of ours is gone")
    names = {one["Names"][0] for one in spine.engine.api.containers()}
    assert {"/foreign", "/other-davit"} <= names
    for one in (foreign, other):
        assert spine.engine.api.get(f"/containers/{one}/json")["State"]["Running"]


def test_a_restart_with_nothing_to_do_writes_nothing(davit, repo, docker, proxy, demo_image):
    record = proxy(docker)
    spine = Spine(davit, repo, docker, endpoint=record.path)
    first_commit(spine, demo_image, 3)
    spine.start()
    spine.converge()
    before = spine.ids()
    assert any(request.writes for request in record.requests)
    assert spine.daemon.stop() == 0
    count = len(record.requests)
    spine.start()
    spine.converge()
    time.sleep(1)
    assert [r for r in record.requests[count:] if r.writes] == []
    assert spine.ids() == before


def test_fresh_state_adopts_what_runs(spine, demo_image):
    first_commit(spine, demo_image, 2)
    spine.start()
    spine.converge()
    before = spine.ids()
    spine.daemon.stop()
    state = spine.daemon.directory / "state"
    state.rename(spine.daemon.directory / "lost")
    spine.start()
    spine.converge()
    assert spine.ids() == before


def check_world(spine, count):
    """Exactly so many tasks of one content, nothing twice, nothing left over."""
    containers = spine.containers(running=False)
    assert all(one["State"] == "running" for one in containers)
    assert len({one["Labels"][LABEL_TASK] for one in containers}) == len(containers) == count
    assert len({one["Labels"][LABEL_DIGEST] for one in containers}) == 1


@pytest.mark.long
def test_killed_at_any_moment_it_always_converges(spine, demo_image):
    """SIGKILL at 50 random moments of rollouts: within the time that davit needs to come up and begin one here."""
    rng = random.Random(20)
    first_commit(spine, demo_image, 3)
    began = time.monotonic()
    spine.start()
    span = max(0.35, 2 * (time.monotonic() - began))
    spine.converge()
    kills = 0
    message = 0
    while kills < 50:
        message += 1
        spine.repo.commit(f"web: {message}", {"web.json": definition(demo_image, f"text-{message}")})
        for _ in range(5):
            time.sleep(rng.uniform(0, span))
            spine.daemon.kill()
            kills += 1
            spine.daemon.start()
        wait_for(lambda: spine.daemon.run("status").returncode == 0, 40, "the daemon answers")
        spine.converge()
        wait_for(lambda: check_world(spine, 3) is None, 20, "three tasks and nothing else")
        assert spine.texts() == [f"text-{message}"] * 3


def test_engine_restart_and_outage(spine, demo_image):
    first_commit(spine, demo_image, 2)
    spine.start()
    spine.converge()
    spine.engine.kill_dockerd()
    wait_for(lambda: "local" in spine.daemon.run("status").stdout, 10, "status speaks of the instance")
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.seen()
    spine.engine.restart_dockerd()
    spine.converge(timeout=90)
    wait_for(lambda: spine.texts() == ["two"] * 2, 30, "the new tasks answer")


def test_source_that_vanishes_changes_nothing(spine, demo_image):
    first_commit(spine, demo_image, 2)
    spine.start()
    spine.converge()
    before = spine.ids()
    away = spine.repo.directory.with_name("away")
    spine.repo.directory.rename(away)
    wait_for(lambda: "ok" not in str(spine.daemon.json("status")["source"].get("ok", "")).lower()
             and spine.daemon.json("status")["source"]["ok"] is False, 20, "status says that the source is gone")
    time.sleep(1)
    assert spine.ids() == before
    away.rename(spine.repo.directory)
    wait_for(lambda: spine.daemon.json("status")["source"]["ok"] is True, 90, "the source is back")
    assert spine.ids() == before


def test_order_of_containers(spine, demo_image):
    """init has to succeed before app is created; app is stopped before what it depends on."""
    web = definition(demo_image)
    web["containerDefinitions"][0]["dependsOn"] = [
        {"containerName": "init", "condition": "SUCCESS"}, {"containerName": "proxy", "condition": "START"},
    ]
    shell = {"image": demo_image, "memory": 16, "entryPoint": ["/bin/sh", "-c"], "stopTimeout": 1}
    web["containerDefinitions"] += [
        {"name": "init", "essential": False, "command": ["sleep 0.5"], **shell},
        {"name": "proxy", "command": ["trap 'exit 0' TERM; while :; do sleep 0.1; done"], **shell},
    ]
    spine.repo.commit("web: three containers", {"web.json": web, "service.json": service(1)})
    spine.start()
    spine.converge()
    states = {}
    for one in spine.containers(running=False):
        name = one["Labels"]["com.amazonaws.ecs.container-name"]
        states[name] = spine.engine.api.get(f"/containers/{one['Id']}/json")
    assert states["init"]["State"]["FinishedAt"] <= states["app"]["Created"]
    assert states["proxy"]["State"]["StartedAt"] <= states["app"]["Created"]


def test_stop_leaves_containers_running(spine, demo_image):
    first_commit(spine, demo_image)
    spine.start()
    spine.converge()
    before = spine.ids()
    assert spine.daemon.stop() == 0
    assert spine.ids() == before


def test_two_instances_the_first_that_has_room(davit, repo, docker, second_docker, demo_image):
    """A static port allows one task on each engine."""
    instances = [
        {"name": "one", "endpoint": f"unix://{docker.socket}"},
        {"name": "two", "endpoint": f"unix://{second_docker.socket}"},
    ]
    spine = Spine(davit, repo, docker, instances=instances)
    spine.repo.commit("web: static port", {
        "web.json": definition(demo_image, portMappings=[{"containerPort": 80, "hostPort": 8080}]),
        "service.json": service(2, minimum=50, maximum=100),
    })
    spine.start()
    spine.converge()
    assert len(docker.api.containers(**{LABEL_OWNER: OWNER})) == 1
    assert len(second_docker.api.containers(**{LABEL_OWNER: OWNER})) == 1


def test_signals(spine, demo_image):
    first_commit(spine, demo_image)
    spine.start()
    spine.converge()
    spine.daemon.process.send_signal(signal.SIGHUP)
    assert spine.daemon.run("status").returncode == 0


def test_a_start_without_standard_input(spine, demo_image):
    """As of a script with `<&-`: what is opened first gets the number, and libuv does not close it."""
    first_commit(spine, demo_image)
    command = spine.daemon.command
    spine.daemon.command = lambda *arguments: ["sh", "-c", 'exec "$@" <&-', "sh", *map(str, command(*arguments))]
    spine.start()
    spine.daemon.command = command
    spine.converge()
    assert spine.daemon.stop() == 0
