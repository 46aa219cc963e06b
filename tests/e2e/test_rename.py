"""A commit gives a service another name: nothing restarts, over kill -9, and what is started anew has the new name."""

from support.davit import wait_for
from support.spine import definition, service


def lives(spine):
    """When each running container was started, by the engine: neither touched nor made anew."""
    found = (spine.engine.api.get(f"/containers/{one['Id']}/json") for one in spine.containers())
    return {one["Id"]: one["State"]["StartedAt"] for one in found}


def named(spine):
    return sorted(one["Labels"]["davit.service"] for one in spine.containers())


def services(spine):
    return {one["name"]: one for one in spine.daemon.json("get", "services")["services"]}


def rename(count=2, name="shop", **more):
    return {"service.json": service(count, name=name, **more)}


def first(spine, image, **files):
    spine.repo.commit("web", {"web.json": definition(image), "service.json": service(2), **files})
    spine.start()
    spine.converge()


def test_nothing_restarts_until_there_is_new_content(spine, demo_image):
    first(spine, demo_image)
    before = lives(spine)
    spine.repo.git("checkout", "--quiet", "-b", "next")
    spine.repo.commit("web is shop", rename())
    for revisions in (["next"], ["main", "next"]):  # against what runs, and without a daemon
        process = spine.daemon.run("diff", "--repo", spine.repo.directory, *revisions)
        assert "default/shop: has a new name, nothing restarts\n  renamed from web: its tasks go on" in process.stdout
        assert "removed" not in process.stdout and process.returncode == 1, process.stdout
    spine.repo.git("checkout", "--quiet", "main")
    spine.repo.git("merge", "--quiet", "next")
    spine.converge()
    assert lives(spine) == before and named(spine) == ["web", "web"]
    [(name, found)] = services(spine).items()
    assert name == "shop" and found["state"] == "steady" and found["earlierName"] == {"name": "web", "tasks": 2}
    assert "2 tasks are called web until they are replaced" in spine.daemon.run("status").stdout
    assert "renamed it from web: 2 tasks go on" in spine.daemon.run("events", "shop").stdout
    assert {one["service"] for one in spine.daemon.json("get", "tasks")["tasks"]} == {"shop"}
    spine.daemon.kill()
    spine.start()
    spine.converge()
    assert lives(spine) == before and list(services(spine)) == ["shop"]
    spine.repo.commit("shop: second", {"web.json": definition(demo_image, "two")})
    spine.converge()
    assert named(spine) == ["shop", "shop"] and spine.texts() == ["two"] * 2
    assert all("/davit-default-shop-app-" in one["Names"][0] for one in spine.containers())
    assert "earlierName" not in services(spine)["shop"]


def test_while_davit_is_down_and_back_again(spine, demo_image):
    first(spine, demo_image)
    before = lives(spine)
    spine.daemon.kill()
    spine.repo.commit("web is shop, of three", rename(3))
    spine.start()
    spine.converge()
    after = lives(spine)
    assert before.items() <= after.items() and len(after) == 3 and named(spine) == ["shop", "web", "web"]
    spine.daemon.kill()
    spine.repo.revert()
    spine.start()
    spine.converge()
    assert len(lives(spine)) == 2 and lives(spine).items() <= after.items() and list(services(spine)) == ["web"]


def test_most_services_and_a_name_that_is_used_again(spine, demo_image):
    """It is no removal to the deletion budget; and the old name has tasks of its own."""
    several = {"more.json": {"services": [service(1, name=f"s{i}") for i in range(4)]}}
    first(spine, demo_image, **several)
    before = lives(spine)
    renamed = [service(1, name=f"r{i}") for i in range(4)]
    spine.repo.commit("s are r, web is shop", {"more.json": {"services": renamed}, **rename()})
    spine.converge()
    assert lives(spine) == before
    assert sorted(services(spine)) == ["r0", "r1", "r2", "r3", "shop"]
    spine.repo.commit("another web", {"another.json": service(1, name="web")})
    spine.converge()
    assert before.items() <= lives(spine).items() and len(lives(spine)) == len(before) + 1
    spine.repo.commit("no other web", {"another.json": None})
    wait_for(lambda: lives(spine) == before, 30, "only the other web is gone")


def test_other_content_is_another_service(spine, demo_image):
    first(spine, demo_image)
    before = spine.ids()
    spine.repo.commit("web is shop, and other", {"web.json": definition(demo_image, "two"), **rename()})
    spine.converge()
    wait_for(lambda: not set(before) & set(spine.ids()), 30, "the old ones are gone")
    assert named(spine) == ["shop", "shop"] and list(services(spine)) == ["shop"]
