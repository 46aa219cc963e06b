"""davit rollback --hold: back at once and without a commit; the engine says what runs."""

import threading
import time

import pytest

from support.davit import wait_for
from support.registry import HOST, call, push, running
from support.spine import Spine, definition, service


def commit(spine, image, message, count=2, **members):
    return spine.repo.commit(f"web: {message}", {"web.json": definition(image, message),
                                                 "service.json": service(count, **members)})


def hold(spine, *arguments):
    process = spine.daemon.run("rollback", "default/web", "--hold", *arguments)
    assert process.returncode == 0, process.stderr
    return process.stderr


def status(spine):
    return spine.daemon.run("status").stdout


def held(spine, *texts):
    """It has arrived, and the engine runs what it says."""
    wait_for(lambda: "  held at web:" in status(spine) and spine.texts() == list(texts), 60, "it is held")


@pytest.fixture
def spine(davit, repo, docker, demo_image):
    """web:1 and then web:2 have completed."""
    spine = Spine(davit, repo, docker)
    commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    commit(spine, demo_image, "two")
    spine.converge()
    assert spine.texts() == ["two", "two"]
    return spine


def test_back_and_on(spine, demo_image):
    bad = spine.repo.head()
    assert "default/web goes back to web:1 (commit " in hold(spine)
    held(spine, "one", "one")
    before = spine.ids()
    said = status(spine)
    assert "held at web:1 (" in said and "by davit rollback --hold since 20" in said
    assert f"commit {bad[:12]} is not applied until the content changes, or by davit retry default/web" in said
    process = spine.wait("default/web")
    assert process.returncode == 1 and "default/web is held: by davit rollback --hold since" in process.stderr
    assert "has gone back to web:1" in hold(spine) and spine.ids() == before
    assert spine.repo.head() == bad  # no commit was made

    other = definition(demo_image, "other", family="other")
    spine.repo.commit("another service", {"other.json": other, "other-service.json": service(1, "other", "other")})
    spine.seen()
    assert spine.wait("default/other").returncode == 0
    assert set(before) < set(spine.ids()) and "held at web:1" in status(spine)
    before = spine.ids()

    spine.daemon.kill()
    spine.start()
    wait_for(lambda: "held at web:1" in status(spine), 60, "a later life holds it")
    assert spine.ids() == before

    commit(spine, demo_image, "three")
    spine.converge()
    assert sorted(spine.texts()) == ["other", "three", "three"]
    assert "held" not in status(spine)


def test_killed_in_between(spine):
    """What was answered is on disk, however little of it has begun; and it is there once."""
    for delay in (0, 0.005, 0.02, 0.1, 0.5):
        answers = []
        asked = threading.Thread(target=lambda: answers.append(spine.daemon.run("rollback", "default/web", "--hold")))
        asked.start()
        time.sleep(delay)
        spine.daemon.kill()
        asked.join()
        spine.start()
        if answers[0].returncode:
            hold(spine)
        held(spine, "one", "one")
        states = [(one["revision"], one["state"]) for one in spine.daemon.json("history", "default/web")["deployments"]]
        assert states[:2] == [(1, "COMPLETED"), (2, "FAILED")]
        assert spine.daemon.run("retry", "default/web").returncode == 0
        spine.converge()
        assert spine.texts() == ["two", "two"]


def test_what_is_under_way_ends(davit, repo, docker, demo_image):
    """It would go on for ever: it runs, and is never healthy. The old tasks serve all the time."""
    spine = Spine(davit, repo, docker)
    commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    before = spine.ids()
    sick = definition(demo_image, "sick", healthCheck={"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 10})
    spine.repo.commit("web: sick", {"web.json": sick})
    wait_for(lambda: len(spine.ids()) > 2, 60, "new tasks run")
    hold(spine)
    wait_for(lambda: spine.ids() == before, 60, "only the old ones are left")
    held(spine, "one", "one")
    assert spine.ids() == before


def test_retry_lets_go(spine):
    hold(spine)
    held(spine, "one", "one")
    assert spine.daemon.run("retry", "default/web").returncode == 0
    spine.converge()
    assert spine.texts() == ["two", "two"]


def test_a_revert_restarts_nothing(spine):
    hold(spine)
    held(spine, "one", "one")
    before = spine.ids()
    spine.repo.revert()
    spine.converge()
    assert spine.ids() == before


def test_where_to(spine, demo_image):
    first = spine.repo.head("HEAD~1")
    commit(spine, demo_image, "three")
    spine.converge()
    for to in ("9", "HEAD~1", "web:3"):
        process = spine.daemon.run("rollback", "default/web", "--hold", "--to", to)
        assert process.returncode == 2 and '"davit rollback default/web --to ' in process.stderr, process.stderr
    hold(spine, "--to", first[:10])
    held(spine, "one", "one")
    hold(spine, "--to", "web:2")
    held(spine, "two", "two")


def test_refusals(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker)
    commit(spine, demo_image, "one", 1)
    spine.start()
    spine.converge()
    process = spine.daemon.run("rollback", "default/web", "--hold")
    assert process.returncode == 2 and "there is nothing that default/web could go back to" in process.stderr
    process = spine.daemon.run("rollback", "default/none", "--hold")
    assert process.returncode == 2 and "none" in process.stderr
    process = spine.daemon.run("rollback", "default/web", "--hold", "--push")
    assert process.returncode == 2 and "--push" in process.stderr
    commit(spine, demo_image, "two", 1)
    spine.converge()
    before = spine.ids()
    spine.daemon.run("suspend", "default/web")
    process = spine.daemon.run("rollback", "default/web", "--hold")
    assert process.returncode == 2 and '"davit resume" it first' in process.stderr
    assert spine.ids() == before


def test_a_daemon_service(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker)
    daemon = {"kind": "Service", "serviceName": "web", "taskDefinition": "web", "schedulingStrategy": "DAEMON",
              "davit": {"minimumHealthySeconds": 0}}
    spine.repo.commit("one", {"web.json": definition(demo_image, "one"), "service.json": daemon})
    spine.start()
    spine.converge()
    spine.repo.commit("two", {"web.json": definition(demo_image, "two")})
    spine.converge()
    hold(spine)
    held(spine, "one")


def test_it_goes_back_to_the_images_that_it_had(davit, repo, docker, tmp_path):
    """The same tag of another day: what was redeployed is taken back to the image of before."""
    image, names = f"{HOST}/shop/web:1", ["davit-version-one:1", "davit-version-two:1"]
    for name in names:
        docker.api.import_image(name, files={"/version": name})

    def images():
        return {docker.api.get(f"/containers/{one}/json")["Config"]["Image"] for one in spine.ids()}

    with running(docker, tmp_path):
        push(docker, names[0], image)
        spine = Spine(davit, repo, docker)
        commit(spine, image, "one")
        spine.start()
        spine.converge()
        first = images()
        push(docker, names[1], image)
        assert spine.daemon.run("redeploy", "default/web").returncode == 0
        wait_for(lambda: len(spine.ids()) == 2 and not images() & first, 60, "every task is replaced")
        spine.converge()
        assert "default/web goes back to the images of web:1 (commit " in hold(spine)
        wait_for(lambda: len(spine.ids()) == 2 and images() == first, 60, "it is back")
    call(docker, "DELETE", f"/images/{image}?force=1")
