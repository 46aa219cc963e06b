"""Tasks with a network of their own: mode awsvpc, and the pause container that owns it."""

import pytest

from support.davit import wait_for
from support.spine import LABEL_TASK, Spine, definition, service

LABEL_CONTAINER = "com.amazonaws.ecs.container-name"
PAUSE = "~internal~ecs~pause"
LOCALHOST = {"command": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/"], "interval": 5, "timeout": 2, "retries": 3}


@pytest.fixture
def spine(davit, repo, docker, demo_image):
    """Two tasks as Fargate takes them: a server, and a neighbour that is healthy when it reaches it on localhost."""
    one = Spine(davit, repo, docker)
    task = definition(demo_image)
    task.update(networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512")
    task["containerDefinitions"].append({
        "name": "neighbour", "image": demo_image, "stopTimeout": 1, "entryPoint": ["/bin/sleep", "100000"],
        "healthCheck": LOCALHOST,
    })
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
    one.repo.commit("web: first", {"web.json": task, "service.json": service(2, networkConfiguration=network)})
    one.start()
    one.converge(timeout=90)
    return one


def pauses(spine):
    return [one for one in spine.containers() if one["Labels"][LABEL_CONTAINER] == PAUSE]


def addresses(spine):
    return {task["address"] for task in spine.daemon.json("get", "tasks")["tasks"] if task["status"] == "RUNNING"}


def test_two_tasks_have_two_addresses_and_share_localhost_inside(spine):
    assert len(pauses(spine)) == 2 and len(spine.containers()) == 6
    assert len(addresses(spine)) == 2
    for address in addresses(spine):
        assert spine.engine.http_get(address, 80)[1].decode().strip() == "one"
    assert not any("PublicPort" in port for one in spine.containers() for port in one["Ports"])
    tasks = spine.daemon.json("get", "tasks")["tasks"]
    assert all({one["name"] for one in task["containers"]} == {"app", "neighbour"} for task in tasks)
    assert all(task["health"] == "UNKNOWN" and task["healthy"] for task in tasks)  # app has no check
    assert next(iter(addresses(spine))) in spine.daemon.run("get", "tasks", "-o", "wide").stdout


def test_a_restart_of_davit_restarts_nothing(spine):
    before = spine.ids()
    spine.daemon.stop()
    spine.start()
    spine.converge()
    assert spine.ids() == before


def test_a_task_whose_pause_container_dies_is_replaced(spine):
    victim = pauses(spine)[0]
    spine.engine.api.post(f"/containers/{victim['Id']}/kill")
    task = victim["Labels"][LABEL_TASK]
    wait_for(lambda: task not in spine.tasks(), 60, "the task is gone")
    spine.converge(timeout=90)
    assert len(addresses(spine)) == 2 and len(pauses(spine)) == 2


def test_all_of_it_goes_with_the_service(spine):
    spine.repo.commit("no web", {"service.json": None})
    wait_for(lambda: not spine.containers(running=False), 90, "nothing is left")
