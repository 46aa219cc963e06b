"""What is left alone: suspended by davit suspend, over a restart of davit, or by git; and what davit.prune keeps."""

import time

from support.davit import wait_for
from support.spine import definition, service


def test_by_hand_and_over_a_restart(spine, demo_image):
    spine.begin(demo_image)
    process = spine.daemon.run("suspend", "default/web")
    assert process.returncode == 0 and "davit resume default/web" in process.stderr
    victim, left = spine.ids()
    spine.engine.api.delete(f"/containers/{victim}", force="true")
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.seen()
    process = spine.wait("default/web", timeout=20)  # it does not hang
    assert process.returncode == 1 and "suspended by davit suspend, since 20" in process.stderr
    assert "suspended by davit suspend, since 20" in spine.daemon.run("status").stdout
    spine.daemon.stop()
    spine.start()
    spine.seen()
    time.sleep(2)
    assert spine.ids() == [left] and spine.state() == "suspended"
    assert spine.daemon.run("resume", "default/web").returncode == 0
    spine.converge()
    assert spine.texts() == ["two"] * 2
    process = spine.daemon.run("resume", "default/web")
    assert process.returncode != 0 and "service default/web is not suspended" in process.stderr


def test_a_cluster(spine, demo_image):
    spine.begin(demo_image)
    before = spine.ids()
    assert spine.daemon.run("suspend", "default").returncode == 0
    spine.repo.commit("more, and another", {"service.json": service(4), "other.json": service(1, name="other")})
    spine.seen()
    wait_for(lambda: spine.state("other") == "suspended", 20, "the new service is suspended too")
    time.sleep(1)
    assert spine.ids() == before
    assert spine.daemon.run("resume", "default").returncode == 0
    spine.converge()
    assert len(spine.ids()) == 5 and set(before) <= set(spine.ids())


def test_by_git(spine, demo_image):
    spine.begin(demo_image)
    before = spine.ids()
    suspended = {"davit": {"minimumHealthySeconds": 0, "suspend": True}}
    files = {"web.json": definition(demo_image, "two"), "service.json": service(1, **suspended)}
    spine.repo.commit("web: suspended, and changed", files)
    spine.seen()
    wait_for(lambda: spine.state() == "suspended", 20, "it is suspended")
    assert "suspended by git" in spine.daemon.run("status").stdout
    process = spine.daemon.run("resume", "default/web")
    assert process.returncode != 0 and "take davit.suspend out of service.json" in process.stderr
    time.sleep(1)
    assert spine.ids() == before
    spine.repo.commit("web: goes on", {"service.json": service(1)})
    spine.converge()
    assert spine.texts() == ["two"]


def test_tasks_that_outlive_their_manifest(spine, demo_image):
    kept = service(2, **{"davit": {"minimumHealthySeconds": 0, "prune": "disabled"}})
    spine.repo.commit("web", {"web.json": definition(demo_image), "service.json": kept})
    spine.start()
    spine.converge()
    before = spine.ids()
    spine.repo.commit("web: gone", {"service.json": None})
    spine.converge()  # it has arrived: nothing is to be done
    spine.daemon.stop()
    spine.start()
    spine.converge()
    assert spine.ids() == before and spine.state() == "left"
    wait_for(lambda: "davit.prune: disabled leaves its tasks" in spine.daemon.run("status").stdout, 20, "why it is left")
    spine.repo.commit("web: back", {"service.json": kept})
    spine.converge()
    assert spine.ids() == before
    spine.repo.commit("web: no longer kept", {"service.json": service(2)})
    spine.converge()
    spine.repo.commit("web: gone for good", {"service.json": None})
    spine.seen()
    wait_for(lambda: not spine.containers(running=False), 30, "every container is gone")


def test_a_count_that_git_does_not_own(spine, demo_image):
    absent = service(0)
    del absent["desiredCount"]
    spine.repo.commit("web", {"web.json": definition(demo_image), "service.json": service(3)})
    spine.start()
    spine.converge()
    before = spine.ids()
    spine.repo.commit("web: its count is not ours", {"service.json": absent})
    spine.converge()
    spine.daemon.stop()
    spine.start()
    spine.converge()
    assert spine.ids() == before
    assert spine.daemon.run("diff").returncode == 0
    spine.repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.converge()
    assert spine.texts() == ["two"] * 3
