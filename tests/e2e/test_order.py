"""Order across services: who depends on another is deployed after it, and its old tasks run on meanwhile."""

import json

from support.davit import wait_for
from support.sampler import container
from support.spine import CRASHES, definition, engine_seconds, gated, service


def on(*names):
    return {"davit": {"minimumHealthySeconds": 0, "dependsOn": [{"service": name, "condition": "HEALTHY"} for name in names]}}


def started(spine, name):
    """When the tasks of a service were started, as the engine says."""
    found = [spine.engine.api.get(f"/containers/{one['Id']}/json") for one in spine.containers() if of(one) == name]
    return sorted(one["State"]["StartedAt"] for one in found)


def of(container):
    return container["Labels"]["davit.service"].rpartition("/")[2]


def ids_of(spine, name):
    return sorted(one["Id"] for one in spine.containers() if of(one) == name)


def two(image, message="one", seconds=3, **db):
    """api depends on db, which counts as healthy after some seconds."""
    return {
        "api.json": definition(image, message, family="api"), "db.json": definition(image, message, family="db", **db),
        "s-api.json": service(1, name="api", family="api", **on("db")),
        "s-db.json": service(2, name="db", family="db", healthy_seconds=seconds),
    }


def behind(gate, files):
    """db is healthy once `gate` exists, and not before."""
    gate.parent.mkdir(exist_ok=True)
    gated(files["db.json"], gate)
    return files


def look(spine, name):
    found = json.loads(spine.daemon.run("get", "services", "-o", "json").stdout)["services"]
    return next(one for one in found if one["name"] == name)


def waiting(spine, name):
    return look(spine, name).get("waiting") or ""


def healthy(spine, name):
    return look(spine, name)["healthy"]


def test_one_after_the_other(spine, demo_image, tmp_path):
    first, second = tmp_path / "gate" / "first", tmp_path / "gate" / "second"
    spine.repo.commit("both", behind(first, two(demo_image, seconds=0)))
    spine.start()
    wait_for(lambda: waiting(spine, "api").startswith("waits for service default/db: its deployment"), 20, "api waits")
    assert not ids_of(spine, "api")
    first.touch()
    spine.converge()
    assert started(spine, "api")[0] > started(spine, "db")[-1]
    before = ids_of(spine, "api")
    spine.repo.commit("both again", behind(second, two(demo_image, "two", seconds=0)))
    wait_for(lambda: waiting(spine, "api").startswith("waits for service default/db"), 20, "api waits again")
    assert ids_of(spine, "api") == before
    second.touch()
    spine.converge()
    assert started(spine, "api")[0] > started(spine, "db")[-1]
    assert spine.texts() == ["two"] * 3


def test_complete_asks_for_the_deployment_alone(spine, demo_image, tmp_path):
    """What was deployed and is sick by now keeps those waiting that want it HEALTHY, and not those that want it COMPLETE."""
    flag = tmp_path / "flag"
    flag.mkdir()
    (flag / "ok").touch()
    check = {"command": ["CMD-SHELL", "test -e /flag/ok"], "interval": 5, "retries": 1}
    db = definition(demo_image, family="db", healthCheck=check, mountPoints=[{"sourceVolume": "flag", "containerPath": "/flag"}])
    db["volumes"] = [{"name": "flag", "host": {"sourcePath": str(flag)}}]
    complete = {"davit": {"minimumHealthySeconds": 0, "dependsOn": [{"service": "db", "condition": "COMPLETE"}]}}

    def dependents(message):
        return {"api.json": definition(demo_image, message, family="api"), "web.json": definition(demo_image, message),
                "s-api.json": service(1, name="api", family="api", **complete), "s-web.json": service(1, **on("db"))}

    def healths():
        return [container(one).health for one in spine.containers() if of(one) == "db"]

    spine.repo.commit("all", {"db.json": db, "s-db.json": service(1, name="db", family="db"), **dependents("one")})
    spine.start()
    spine.converge()
    first = engine_seconds(min(started(spine, "api") + started(spine, "web")))
    assert first - engine_seconds(started(spine, "db")[0]) > check["interval"] - 1  # not before its first check
    api, web = ids_of(spine, "api"), ids_of(spine, "web")

    (flag / "ok").unlink()
    wait_for(lambda: "unhealthy" in healths(), 60, "it is sick")
    spine.repo.commit("both again", dependents("two"))
    wait_for(lambda: ids_of(spine, "api") and not set(ids_of(spine, "api")) & set(api), 60, "COMPLETE is enough for api")
    assert ids_of(spine, "web") == web and waiting(spine, "web").startswith("waits for service default/db")
    assert "healthy" not in healths()

    (flag / "ok").touch()
    wait_for(lambda: ids_of(spine, "web") and not set(ids_of(spine, "web")) & set(web), 60, "web waited for it to be well")
    spine.converge()


def test_a_failure_leaves_those_behind_it_untouched(spine, demo_image):
    spine.repo.commit("both", two(demo_image))
    spine.start()
    spine.converge()
    before = ids_of(spine, "api")
    spine.repo.commit("db crashes", two(demo_image, "two", **CRASHES))
    spine.seen()
    reason = "waits for service default/db: its deployment failed"
    wait_for(lambda: waiting(spine, "api") == reason, 60, "api waits for good")
    assert reason in spine.daemon.run("status").stdout
    process = spine.wait("default/api")  # it does not hang
    assert process.returncode == 1 and reason in process.stderr
    assert ids_of(spine, "api") == before
    victim = ids_of(spine, "db")[0]
    spine.repo.revert()
    spine.converge()
    assert ids_of(spine, "api") == before and victim in ids_of(spine, "db")


def test_healing_waits_for_nobody(spine, demo_image, tmp_path):
    gate = tmp_path / "gate" / "open"
    spine.repo.commit("both", behind(gate, two(demo_image, seconds=0)))
    gate.touch()
    spine.start()
    spine.converge()
    gate.unlink()
    for one in spine.containers():
        spine.engine.api.delete(f"/containers/{one['Id']}", force="true")
    wait_for(lambda: ids_of(spine, "api"), 20, "api is back")
    assert not healthy(spine, "db")
    gate.touch()
    spine.converge()


def test_a_circle_is_refused_with_its_place(spine, demo_image):
    files = two(demo_image)
    files["s-db.json"] = service(1, name="db", family="db", **on("api"))
    spine.repo.commit("circle", files)
    spine.start()
    spine.seen()
    status = spine.daemon.run("status").stdout
    assert "s-db.json:" in status and "default/api -> default/db -> default/api" in status
    assert not spine.containers(running=False)
