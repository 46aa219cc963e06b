"""The spine on podman's compatible API."""

import pytest

from support.davit import wait_for
from support.spine import Spine, definition, service


@pytest.fixture
def spine(davit, repo, podman, demo_image):
    one = Spine(davit, repo, podman)
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(2)})
    one.start()
    one.converge()
    return one


def test_a_commit_becomes_tasks_and_the_next_replaces_them(spine, demo_image):
    assert spine.texts() == ["one"] * 2
    before = spine.tasks()
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.converge()
    assert spine.texts() == ["two"] * 2
    assert not set(before) & set(spine.tasks())


def test_drift_is_healed(spine):
    victim = spine.ids()[0]
    spine.engine.api.delete(f"/containers/{victim}", force="true")
    wait_for(lambda: len(spine.ids()) == 2 and victim not in spine.ids(), 20, "the task is replaced")


def test_a_restart_changes_nothing(spine):
    before = spine.ids()
    assert spine.daemon.stop() == 0
    assert spine.ids() == before
    spine.start()
    spine.converge()
    assert spine.ids() == before


def test_removal(spine):
    spine.repo.commit("web: gone", {"service.json": None})
    spine.seen()
    wait_for(lambda: not spine.containers(running=False), 30, "every container is gone")
