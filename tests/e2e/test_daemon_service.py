"""DAEMON services: one task on every instance, read from the engines."""

import re

from support.davit import wait_for
from support.events import EngineEvents
from support.spine import LABEL_TASK, definition, service
from test_placement import Fleet, cluster, third_docker, third_docker_session, three, two  # noqa: F401

LABEL_SERVICE = "davit.service"


# What ends at once has no answer of its check by then: it counts as healthy on no machine, however late its end is told.
CRASHES_UNLESS_READY = {"healthCheck": {"command": ["CMD-SHELL", "test -e /ready"], "interval": 5}}


def agent(**members):
    return {"kind": "Service", "serviceName": "agent", "taskDefinition": "agent", "schedulingStrategy": "DAEMON",
            "davit": {"minimumHealthySeconds": 1}, **members}


def running(fleet, name):
    """How many tasks of a service each engine runs."""
    return tuple(
        sum(one["State"] == "running" for one in engine.api.containers(**{LABEL_SERVICE: name}))
        for engine in fleet.engines.values()
    )


def turns(events):
    """When another container ran than before, ns; what has ended may be removed much later."""
    running = [(time, {one for one, (state, _) in containers.items() if state == "running"}) for time, containers in events.moments]
    return [time for i, (time, found) in enumerate(running) if found != (running[i - 1][1] if i else set())]


def ends(events):
    """When each of the containers that are followed ended, ns."""
    return [time for time, containers in events.moments if any(state == "exited" for state, _ in containers.values())]


def test_one_on_every_instance_and_one_after_the_other(three, demo_image):
    three.repo.commit("agent", {
        "agent.json": definition(demo_image, family="agent"),
        "service.json": agent(deploymentConfiguration={"minimumHealthyPercent": 50}),
    })
    three.start()
    three.converge()
    assert three.counts() == (1, 1, 1)
    before = [three.on(name) for name in three.engines]
    [shown] = three.daemon.json("get", "services")["services"]
    assert (shown["schedulingStrategy"], shown["desiredCount"], shown["running"]) == ("DAEMON", 3, 3)
    followers = [EngineEvents(engine.socket, LABEL_SERVICE, "agent") for engine in three.engines.values()]
    with followers[0], followers[1], followers[2]:
        three.repo.commit("agent: changed", {"agent.json": definition(demo_image, "two", family="agent")})
        three.converge()
    assert three.counts() == (1, 1, 1)
    assert all(three.on(name) != old for name, old in zip(three.engines, before))
    # lower is 2: the second goes when the first has its successor
    moments = sorted((time, n) for n, follower in enumerate(followers) for time in turns(follower))
    order = [n for _, n in moments]
    assert sorted(n for i, n in enumerate(order) if i == 0 or order[i - 1] != n) == [0, 1, 2]


def test_last_to_stop_on_draining(two, demo_image):
    two.repo.commit("both", {
        "cluster.json": cluster({"name": "one"}, {"name": "two"}),
        "agent.json": definition(demo_image, family="agent"), "agent-service.json": agent(),
        "web.json": definition(demo_image), "service.json": service(2),
    })
    two.start()
    two.converge()
    assert running(two, "agent") == (1, 1) and running(two, "web") == (1, 1)
    path = two.engines["two"].socket
    with EngineEvents(path, LABEL_SERVICE, "agent") as agents, EngineEvents(path, LABEL_SERVICE, "web") as webs:
        two.repo.commit("drain", {"cluster.json": cluster({"name": "one"}, {"name": "two", "status": "DRAINING"})})
        two.converge()
        assert running(two, "agent") == (1, 0) and running(two, "web") == (2, 0)
        wait_for(lambda: ends(agents) and ends(webs), 20, "the engine has told of it")
    assert max(ends(webs)) < min(ends(agents))
    two.repo.commit("active", {"cluster.json": cluster({"name": "one"}, {"name": "two"})})
    two.converge()
    assert running(two, "agent") == (1, 1)


def test_a_count_is_refused(two, demo_image):
    two.repo.commit("agent", {
        "agent.json": definition(demo_image, family="agent"), "service.json": agent(desiredCount=2),
    })
    checked = two.daemon.run("validate", two.repo.directory)
    assert checked.returncode != 0
    assert "service.json:" in checked.stdout + checked.stderr
    assert "remove desiredCount" in checked.stdout + checked.stderr


def test_what_fails_on_one_instance_holds_up_no_other(two, demo_image):
    """On instance two the image has no /ready: its task ends at once, again and again."""
    command = "[ -e /ready ] && exec httpd -f -p 80 -h /www; exit 3"
    two.engines["one"].api.import_image("agent:1", {"/www/index.html": "x", "/ready": ""})
    two.engines["two"].api.import_image("agent:1", {"/www/index.html": "x"})
    two.repo.commit("agent", {
        "agent.json": definition("agent:1", family="agent", command=command, **CRASHES_UNLESS_READY),
        "service.json": agent(deploymentConfiguration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}}),
    })
    two.start()

    def waiting():
        return two.daemon.json("status")["services"][0].get("waiting", "")

    # The pauses grow with the number, which may have grown on by the time of a look.
    wait_for(lambda: re.search(r"container instance two: tasks failed ([4-9]|\d\d+) times in a row", waiting()), 40, waiting)
    wait_for(lambda: len(two.on("one")) == 1, 20, "it runs on the other")
    for _ in range(2):
        [task] = two.on("one")
        for container in two.engines["one"].api.containers(**{LABEL_TASK: task}):
            two.engines["one"].api.delete(f"/containers/{container['Id']}", force=1)
        wait_for(lambda: two.on("one") not in ([], [task]), 20, waiting)
    assert two.counts()[0] == 1
    # no create may be under way when the engine is cleaned for the next test
    two.repo.commit("no agent", {"service.json": None})
    wait_for(lambda: not two.on("one") and not two.on("two"), 30, "all are gone")
