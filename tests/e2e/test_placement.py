"""Tasks on several instances: where they go, read from the engines."""

import signal

import pytest

from support.davit import wait_for
from support.spine import LABEL_OWNER, LABEL_TASK, OWNER, Spine, definition, service


@pytest.fixture(scope="session")
def third_docker_session():
    from conftest import session_engine
    from private_engine import PrivateDocker
    yield from session_engine(PrivateDocker)


@pytest.fixture
def third_docker(third_docker_session, daemons):
    from conftest import emptied
    yield from emptied(third_docker_session, daemons)


def cluster(*instances):
    return {"kind": "Cluster", "clusterName": "default", "davit": {"containerInstances": list(instances)}}


class Fleet(Spine):
    """A daemon with instances "one", "two" ..."""

    def __init__(self, davit, repo, *engines, **config):
        self.engines = dict(zip(("one", "two", "three"), engines))
        super().__init__(davit, repo, engines[0], instances=[
            {"name": name, "endpoint": f"unix://{engine.socket}"} for name, engine in self.engines.items()
        ], **config)

    def on(self, name, running=True):
        """The tasks that an engine runs."""
        found = self.engines[name].api.containers(**{LABEL_OWNER: OWNER})
        return sorted(one["Labels"][LABEL_TASK] for one in found if not running or one["State"] == "running")

    def counts(self):
        return tuple(len(self.on(name)) for name in self.engines)


@pytest.fixture
def two(davit, repo, docker, second_docker):
    return Fleet(davit, repo, docker, second_docker)


@pytest.fixture
def three(davit, repo, docker, second_docker, third_docker):
    return Fleet(davit, repo, docker, second_docker, third_docker)


def waiting(fleet):
    answer = fleet.daemon.run("get", "services", "-o", "json").stdout
    return answer if "was unable to place a task" in answer else ""


def test_spread_over_zones_then_over_instances(three, demo_image):
    three.repo.commit("web", {
        "cluster.json": cluster(
            {"name": "one", "attributes": {"ecs.availability-zone": "a"}},
            {"name": "two", "attributes": {"ecs.availability-zone": "a"}},
            {"name": "three", "attributes": {"ecs.availability-zone": "b"}},
        ),
        "web.json": definition(demo_image), "service.json": service(4),
    })
    three.start()
    three.converge()
    assert three.counts() == (1, 1, 2)
    three.repo.commit("web: fewer", {"service.json": service(3)})
    three.converge()
    assert three.counts() == (1, 1, 1)  # zones have two each: the instance with most loses one


def test_binpack_fills_one(two, demo_image):
    two.repo.commit("web", {
        "web.json": definition(demo_image),
        "service.json": service(3, placementStrategy=[{"type": "binpack", "field": "memory"}]),
    })
    two.start()
    two.converge()
    assert sorted(two.counts()) == [0, 3]


def test_distinct_instance_leaves_the_third_task_waiting(two, demo_image):
    two.repo.commit("web", {
        "web.json": definition(demo_image),
        "service.json": service(3, placementConstraints=[{"type": "distinctInstance"}]),
    })
    two.start()
    two.seen()
    wait_for(lambda: two.counts() == (1, 1) and waiting(two), 30, "two tasks run and a third finds no place")
    assert "one: does not satisfy distinctInstance" in waiting(two)
    two.repo.commit("web: two of them", {
        "service.json": service(2, placementConstraints=[{"type": "distinctInstance"}]),
    })
    two.converge()
    assert two.counts() == (1, 1)


def test_member_of_and_a_name_that_is_not_configured(two, demo_image):
    ssd = [{"type": "memberOf", "expression": "attribute:disk == ssd and attribute:ecs.os-type == linux"}]
    two.repo.commit("web", {
        "cluster.json": cluster({"name": "one", "attributes": {"disk": "hdd"}}, {"name": "four"}),
        "web.json": definition(demo_image), "service.json": service(2, placementConstraints=ssd),
    })
    two.start()
    two.seen()
    wait_for(lambda: waiting(two), 30, "the task finds no place")
    assert "one: does not satisfy memberOf attribute:disk == ssd" in waiting(two)
    assert "four: is not in the daemon's configuration" in waiting(two)
    assert two.counts() == (0, 0)
    two.repo.commit("cluster: two", {
        "cluster.json": cluster({"name": "one"}, {"name": "two", "attributes": {"disk": "ssd"}}),
    })
    two.converge()
    assert two.counts() == (0, 2)


def test_draining_moves_the_tasks_and_keeps_the_others(two, demo_image):
    two.repo.commit("web", {"web.json": definition(demo_image), "service.json": service(4)})
    two.start()
    two.converge()
    assert two.counts() == (2, 2)
    stay = two.on("one")
    two.repo.commit("two: DRAINING", {"cluster.json": cluster({"name": "one"}, {"name": "two", "status": "DRAINING"})})
    two.converge()  # it is not steady before
    assert two.counts() == (4, 0)
    assert set(stay) < set(two.on("one"))
    assert "DRAINING" in two.daemon.run("get", "instances", "two").stdout
    two.repo.commit("two: DRAINING, and a new web", {"web.json": definition(demo_image, "two")})
    two.converge()
    assert two.counts() == (4, 0)


def test_draining_of_the_only_instance_stops_nothing(two, demo_image):
    two.repo.commit("web", {
        "cluster.json": cluster({"name": "two"}),
        "web.json": definition(demo_image), "service.json": service(2),
    })
    two.start()
    two.converge()
    before = two.on("two")
    two.repo.commit("two: DRAINING", {"cluster.json": cluster({"name": "two", "status": "DRAINING"})})
    two.seen()
    wait_for(lambda: "two: is DRAINING" in waiting(two), 30, "it says why no task moves")
    assert two.on("two") == before and two.counts() == (0, 2)
    assert "moving" in two.daemon.run("status").stdout


def test_a_lost_instance_is_replaced_and_its_surplus_goes_when_it_is_back(
        davit, repo, docker, second_docker, third_docker, demo_image):
    three = Fleet(davit, repo, docker, second_docker, third_docker, lostInstanceAfter="5s")
    three.repo.commit("web", {"web.json": definition(demo_image), "service.json": service(3)})
    three.start()
    three.converge()
    assert three.counts() == (1, 1, 1)
    survivor = three.on("two")
    two = three.engines["two"].dockerd
    two.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: len(three.on("one") + three.on("three")) == 3, 90, "others do its work")
        status = three.daemon.run("status").stdout
        assert "1 task lost: instance two does not answer" in status
    finally:
        two.send_signal(signal.SIGCONT)
    wait_for(lambda: three.counts() == (1, 1, 1), 60, "the surplus is stopped")
    assert three.on("two") == survivor


def test_tasks_go_to_the_zone_that_has_fewer(two, demo_image):
    zones = [{"name": "one", "attributes": {"ecs.availability-zone": "a"}}]
    two.repo.commit("web", {
        "cluster.json": cluster(*zones), "web.json": definition(demo_image), "service.json": service(4),
    })
    two.start()
    two.converge()
    assert two.counts() == (4, 0)
    before = two.on("one")
    two.repo.commit("cluster: zone b", {
        "cluster.json": cluster(*zones, {"name": "two", "attributes": {"ecs.availability-zone": "b"}}),
    })
    wait_for(lambda: two.counts() == (2, 2), 30, "half of them run in zone b")
    assert set(two.on("one")) < set(before)
    two.converge()
    told = two.daemon.run("events").stdout
    for text in ("is not AZ balanced with 4 tasks in a, 0 tasks in b. AZ Rebalancing in progress.",
                 "has started 2 tasks in b to AZ Rebalance:", "is AZ balanced with 2 tasks in a, 2 tasks in b."):
        assert text in told
