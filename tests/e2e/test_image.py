"""What a tag means is asked for once for a deployment, and all of its tasks are made of that."""

import json

import pytest

from support.davit import wait_for
from support.registry import HOST, call, push, running
from support.spine import Spine, definition, service

IMAGE = f"{HOST}/shop/web:1"


@pytest.fixture
def registry(docker, tmp_path, versions):
    with running(docker, tmp_path) as process:
        push(docker, versions[0], IMAGE)
        yield process
    call(docker, "DELETE", f"/images/{IMAGE}?force=1")


def commit(spine, count, message="one"):
    spine.repo.commit(f"{count} of {message}", {"web.json": definition(IMAGE, message), "service.json": service(count)})


def images(spine):
    """What the running tasks were created of, by the engine."""
    return {spine.engine.api.get(f"/containers/{one['Id']}/json")["Config"]["Image"] for one in spine.containers()}


def test_a_tag_that_moves_changes_nothing_of_a_deployment(davit, repo, docker, registry, versions):
    spine = Spine(davit, repo, docker)
    commit(spine, 2)
    spine.start()
    spine.converge()
    first = images(spine)
    assert len(first) == 1 and first.pop().startswith(f"{HOST}/shop/web@sha256:")
    first = images(spine)
    before = spine.ids()
    push(docker, versions[1], IMAGE)
    commit(spine, 4)  # scaled out, no deployment
    spine.converge()
    assert len(spine.ids()) == 4 and set(before) <= set(spine.ids())
    assert images(spine) == first
    spine.daemon.stop()
    spine.start()
    docker.api.delete(f"/containers/{spine.ids()[0]}", force=1)
    wait_for(lambda: len(spine.ids()) == 4, 60, "it heals")
    spine.converge()  # davit knows of it as well
    assert images(spine) == first
    tasks = json.loads(spine.daemon.run("get", "tasks", "-o", "json").stdout)["tasks"]
    shown = {one["containers"][0]["image"] + "@" + one["containers"][0]["imageDigest"].split(":")[0] for one in tasks}
    assert shown == {IMAGE + "@sha256"}

    commit(spine, 4, "two")  # the next deployment asks anew
    spine.converge()
    second = images(spine)
    assert len(second) == 1 and second != first

    spine.repo.revert()  # and so does a revert to what is gone
    spine.converge()
    assert images(spine) == second


def test_a_registry_that_is_down(davit, repo, docker, registry, versions):
    spine = Spine(davit, repo, docker)
    commit(spine, 2)
    spine.start()
    spine.converge()
    first = images(spine)
    registry.terminate()
    registry.wait()
    commit(spine, 2, "two")
    spine.converge()
    assert spine.texts() == ["two", "two"] and images(spine) == first
    assert "; the copy of instance local is used" in spine.daemon.run("events").stdout


def test_an_image_that_was_built_there_asks_nobody(davit, repo, docker, proxy, demo_image):
    between = proxy(docker)
    spine = Spine(davit, repo, docker, endpoint=between.path)
    spine.repo.commit("first", {"web.json": definition(demo_image), "service.json": service(2)})
    spine.start()
    spine.converge()
    assert images(spine) == {demo_image}
    assert not [one for one in between.requests if "/images/create" in one.path]


def test_redeploy_takes_the_new_one(davit, repo, docker, registry, versions):
    spine = Spine(davit, repo, docker)
    commit(spine, 2)
    spine.start()
    spine.converge()
    first, before = images(spine), spine.ids()
    push(docker, versions[1], IMAGE)
    process = spine.daemon.run("redeploy", "default/web")
    assert process.returncode == 0 and "is deployed anew" in process.stderr, process.stderr
    wait_for(lambda: len(spine.ids()) == 2 and not set(spine.ids()) & set(before), 60, "every task is replaced")
    second = images(spine)
    assert len(second) == 1 and second != first
    spine.converge()
    after = spine.ids()

    spine.daemon.stop()  # once is enough, for a later life too
    spine.start()
    spine.converge()
    assert spine.ids() == after

    push(docker, versions[0], IMAGE)
    forced = service(2)
    forced["davit"]["forceNewDeployment"] = "again"
    spine.repo.commit("by git", {"service.json": forced})
    spine.converge()
    assert images(spine) == first and not set(spine.ids()) & set(after)
    assert spine.daemon.run("redeploy", "default/none").returncode != 0


def test_an_order_is_no_state(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker)
    spine.repo.commit("ECS's", {"web.json": definition(demo_image), "service.json": service(1, forceNewDeployment=True)})
    process = spine.daemon.run("validate", str(spine.repo.directory))
    assert process.returncode != 0
    assert "davit.forceNewDeployment" in process.stdout + process.stderr
    assert "davit redeploy CLUSTER/SERVICE" in process.stdout + process.stderr
