"""Deployments that fail, and the ways back."""

import json
import re

from support.davit import wait_for
from support.spine import CRASHES, Spine, definition, service


def test_retry_deploys_what_failed_for_a_cause_outside_of_git(davit, repo, docker, demo_image, tmp_path):
    """The secret is missing, then it is there: no commit is needed, and what ran is replaced."""
    spine = Spine(davit, repo, docker, secrets={"directory": str(tmp_path)})
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(1, healthy_seconds=1)})
    spine.start()
    spine.converge()
    process = spine.daemon.run("retry", "default/web")
    assert process.returncode == 2 and "default/web has not failed, it is steady: there is nothing to retry" in process.stderr
    repo.commit("web: a secret", {"web.json": definition(
        demo_image, "two", secrets=[{"name": "PASSWORD", "valueFrom": "db"}])})
    spine.seen()
    process = spine.wait()
    assert process.returncode == 1 and "or the same by davit retry default/web" in process.stderr
    assert "or the same by davit retry default/web" in spine.daemon.run("status").stdout
    assert spine.texts() == ["one"]
    (tmp_path / "db").write_text("secret\n")
    (tmp_path / "db").chmod(0o600)
    spine.daemon.kill()  # what is known bad is so in a later life
    spine.start()
    wait_for(lambda: "steady" in spine.daemon.run("status").stdout or "failed" in spine.daemon.run("status").stdout, 20, "the ledger is read")
    assert spine.wait().returncode == 1
    process = spine.daemon.run("retry", "default/web")
    assert process.returncode == 0, process.stderr
    spine.converge()
    assert spine.texts() == ["two"]
    assert spine.daemon.run("history", "default/web").stdout.count("FAILED") == 1


def test_bounds_that_let_nothing_happen_are_told_with_a_remedy(spine, demo_image):
    """At 100 and 100 percent no task may start and none may stop: what ran runs, and other bounds apply at once."""
    spine.repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(1, maximum=100)})
    spine.start()
    spine.converge()
    before = spine.ids()
    spine.repo.commit("web: two", {"web.json": definition(demo_image, "two")})
    spine.seen()
    remedy = "lower minimumHealthyPercent or raise maximumPercent of its deploymentConfiguration"
    wait_for(lambda: remedy in spine.daemon.run("status").stdout, 20, "status has the remedy")
    assert spine.ids() == before and spine.wait(timeout=1).returncode == 3
    spine.repo.commit("web: bounds", {"service.json": service(1, maximum=200)})
    spine.seen()
    spine.converge()
    assert spine.texts() == ["two"] and remedy not in spine.daemon.run("status").stdout


def status_of(spine):
    return json.loads(spine.daemon.run("status", "-o", "json").stdout)["services"][0]


def breaker(**members):
    return {"minimumHealthyPercent": 100, "maximumPercent": 200,
            "deploymentCircuitBreaker": {"enable": True, "rollback": False, **members}}


def test_the_threshold_is_of_the_manifest_and_applies_at_once(spine, demo_image):
    """Without a breaker a deployment goes on; with one that takes a single failure it ends, and no task was touched."""
    web = definition(demo_image)
    crashes = definition(demo_image, **CRASHES)
    spine.repo.commit("web: first", {"web.json": web, "service.json": service(2, deploymentConfiguration=breaker())})
    spine.start()
    spine.converge()
    before = spine.ids()
    never = service(2, deploymentConfiguration=breaker(enable=False))
    spine.repo.commit("web: crashes", {"web.json": crashes, "service.json": never})
    spine.seen()
    wait_for(lambda: status_of(spine)["deployment"]["failedTasks"] >= 5, 60, "more failures than the usual threshold")
    assert spine.wait(timeout=1).returncode == 3
    once = service(2, deploymentConfiguration=breaker(thresholdConfiguration={"type": "COUNT", "value": 1}))
    spine.repo.commit("web: give up", {"service.json": once})
    spine.seen()
    assert spine.wait(timeout=20).returncode == 1
    wait_for(lambda: spine.ids() == before, 20, "what crashes is gone")


def test_a_failed_service_names_its_logs(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker, stoppedTaskRetention="1h")
    crashes = {**CRASHES, "command": "echo no such table; exit 7"}
    spine.repo.commit("web: crashes", {"web.json": definition(demo_image, **crashes), "service.json": service(1)})
    spine.start()
    spine.seen()
    failure = spine.wait().stderr
    logs = re.search(r"davit (logs default/web -t [0-9a-f]{12}) says why; other content is tried", failure)
    assert logs and "no such table" in spine.daemon.run(*logs[1].split()).stdout, failure


def test_a_failed_deployment_is_rolled_back_whole_and_stays_so_over_a_kill(spine, demo_image):
    """Two tasks, of which one gives way to the new content; that crashes, and the old content has two again.

    Through kill -9, a lost task and a restart; then a revert restarts nothing, and other content deploys.
    """
    def rolling(**members):
        return service(2, deploymentConfiguration={
            **breaker(rollback=True, **members), "minimumHealthyPercent": 50, "maximumPercent": 100})

    spine.repo.commit("web: first", {"web.json": definition(demo_image), "service.json": rolling()})
    spine.start()
    spine.converge()
    spine.repo.commit("web: crashes", {"web.json": definition(demo_image, "two", **CRASHES)})
    spine.seen()
    # Of all deployments: the next failure may end this one before it is looked at.
    wait_for(lambda: any(one["failedTasks"] >= 2 for one in spine.daemon.json("history", "default/web")["deployments"]), 60,
             "the new content crashes")
    spine.daemon.kill()
    spine.start()
    wait_for(lambda: status_of(spine)["state"] == "rolled back", 60, "it is rolled back")
    assert spine.texts() == ["one"] * 2
    assert spine.wait(timeout=10).returncode == 1
    status = spine.daemon.run("status").stdout
    assert "rolled back to web:1 (" in status and "Rolled back to web:1, commit " in status
    assert "because web:2, commit " in status and "exited with code 7" in status
    spine.daemon.kill()
    victim = spine.containers()[0]["Id"]
    spine.engine.api.delete(f"/containers/{victim}", force="true")
    spine.start()
    wait_for(lambda: spine.texts() == ["one"] * 2 and victim not in spine.ids(), 30, "a later life heals it")
    wait_for(lambda: status_of(spine)["healthy"] == 2, 30, "both are healthy")
    before = spine.ids()
    spine.repo.revert()
    spine.converge()
    assert spine.ids() == before
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "three")})
    spine.converge()
    assert spine.texts() == ["three"] * 2
