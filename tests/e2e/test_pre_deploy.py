"""davit.preDeploy: a migration that must succeed before a deployment launches anything, read from the engine."""

import pytest

from support.davit import wait_for
from support.spine import Spine, definition, service


@pytest.fixture
def spine(davit, repo, docker):
    yield Spine(davit, repo, docker, stoppedTaskRetention="1h")


def web(image, message, migrate, gate=None):
    """The migration waits for the file `gate` to exist."""
    waits = f"until [ -e /gate/{gate.name} ]; do sleep 0.1; done; " if gate else ""
    migration = definition(image, command=waits + migrate, family="migrate", portMappings=[])
    if gate:
        migration["containerDefinitions"][0]["mountPoints"] = [{"sourceVolume": "gate", "containerPath": "/gate"}]
        migration["volumes"] = [{"name": "gate", "host": {"sourcePath": str(gate.parent)}}]
    return {
        "web.json": definition(image, message),
        "migrate.json": migration,
        "s-web.json": service(2, davit={"minimumHealthySeconds": 0, "preDeploy": ["migrate"]}),
    }


def listed(spine, of, running):
    """The engine lists a container an instant before it can be inspected."""
    return [one for one in spine.containers(running=running) if of(one["Labels"])]


def inspect(spine, of, running):
    return [spine.engine.api.get(f"/containers/{one['Id']}/json") for one in listed(spine, of, running)]


def is_migration(labels):
    return labels.get("davit.group") == "pre-deploy:web"


def migrations(spine):
    return inspect(spine, is_migration, False)


def served(spine):
    return inspect(spine, lambda labels: "davit.service" in labels, True)


def test_it_runs_before_and_once(spine, demo_image, tmp_path):
    gate = tmp_path / "gate" / "open"
    gate.parent.mkdir()
    spine.repo.commit("first", web(demo_image, "one", "exit 0", gate))
    spine.start()
    wait_for(lambda: listed(spine, is_migration, True), 30, "the migration runs")
    assert not served(spine)
    wait_for(lambda: "davit.preDeploy to succeed" in spine.daemon.run("status").stdout, 20, "status tells of it")
    told = spine.daemon.run("events").stdout
    assert "has started task " in told and " of davit.preDeploy migrate:1" in told
    gate.touch()
    spine.converge()
    first, = migrations(spine)
    assert first["State"]["ExitCode"] == 0
    assert all(one["State"]["StartedAt"] > first["State"]["FinishedAt"] for one in served(spine))
    spine.daemon.kill()
    spine.start()  # not once per restart
    spine.converge()
    assert [one["Id"] for one in migrations(spine)] == [first["Id"]]


def test_one_that_fails_stops_the_deployment(spine, demo_image):
    spine.repo.commit("first", web(demo_image, "one", "exit 0"))
    spine.start()
    spine.converge()
    before = sorted(one["Id"] for one in served(spine))
    spine.repo.commit("a bad migration", web(demo_image, "two", "exit 3"))
    spine.seen()
    wait_for(lambda: "exited with code 3" in spine.daemon.run("status").stdout, 30, "the failure is told")
    assert sorted(one["Id"] for one in served(spine)) == before
    assert spine.wait("default/web").returncode == 1
    spine.repo.commit("mended", web(demo_image, "two", "exit 0"))
    spine.converge()
    assert spine.texts() == ["two"] * 2
