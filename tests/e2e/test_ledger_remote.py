"""The ledger is pushed to a remote, and a state directory that was lost goes on from there."""

import os
import shutil
import subprocess
from base64 import b64decode

import pytest
from support.davit import wait_for
from support.events import EngineEvents
from support.git_servers import PASSWORD, USER, Redirect
from support.repo import Repo
from support.spine import CRASHES, LABEL_OWNER, OWNER, Spine, definition, service

REF = f"refs/davit/here/{OWNER}/state"
LEDGER = {"push": True, "host": "here", "interval": "1s"}


def git(repository, *arguments):
    done = subprocess.run(["git", "--git-dir", str(repository), *arguments], capture_output=True, text=True)
    return done.stdout.strip()


def state(spine):
    return spine.daemon.directory / "state"


def is_pushed(spine, remote):
    """Whether the remote has all of it, and davit knows."""
    here = git(state(spine) / "ledger.git", "rev-parse", "refs/davit/state")
    return here and here == git(remote, "rev-parse", REF) and ledger_of(spine)["ok"]


def history(spine, name="default/web"):
    return spine.daemon.json("history", name)["deployments"]


def ledger_of(spine):
    return [one for one in spine.daemon.json("status")["notifications"] if one["name"].startswith("ledger ")][0]


@pytest.fixture(params=["https", "ssh", "path"])
def story(request, davit, repo, docker, root, tmp_path):
    """A daemon whose source the ledger is pushed into; the repository there."""
    remote = root / "infra.git"
    repo.commit("manifests", {"service.json": service(2)})
    if request.param == "https":
        password = tmp_path / "password"
        password.write_text(PASSWORD + "\n")
        server = request.getfixturevalue("https")
        source = {"origin": server.url("infra.git"), "username": USER, "passwordFile": str(password), "caFile": str(server.ca)}
    elif request.param == "ssh":
        server = request.getfixturevalue("ssh")
        source = {"origin": server.url(remote), "keyFile": str(server.key), "knownHostsFile": str(server.known_hosts)}
    else:
        source = {"origin": str(remote)}
    return Spine(davit, repo, docker, source={"branch": "main", "poll": "1s", **source}, ledger=LEDGER), remote


def deploy(spine, remote, image, text, **container):
    spine.repo.commit(text, {"web.json": definition(image, text, **container)})
    spine.repo.git("push", "--quiet", "--force", str(remote), "main")


def ended(spine, number, outcome):
    def reached():
        found = history(spine)
        return len(found) == number and found[0]["state"] == outcome
    wait_for(reached, 60, lambda: f"{number} deployments, the last {outcome}")


def test_history_outlives_the_state_directory(story, demo_image):
    spine, remote = story
    deploy(spine, remote, demo_image, "one")
    spine.start()
    for number, text in enumerate(("one", "two", "three"), 1):
        deploy(spine, remote, demo_image, text)
        ended(spine, number, "COMPLETED")
    deploy(spine, remote, demo_image, "bad", **CRASHES)
    ended(spine, 4, "FAILED")
    # A task that was on its way then still comes and goes.
    wait_for(lambda: len(spine.ids()) == 2 and not spine.daemon.json("get", "services")["services"][0]["actions"], 30, "it is quiet")
    # What is told is not yet saved, and what is saved not yet pushed.
    wait_for(lambda: "FAILED" in git(remote, "log", "--format=%B", REF) and is_pushed(spine, remote), 30, "the ledger is pushed")
    before, containers = history(spine), spine.ids()
    assert ledger_of(spine)["ok"]
    spine.daemon.stop()
    log = git(remote, "log", "--format=%B", REF)
    assert "COMPLETED" in log and "FAILED" in log and before[0]["id"] in log
    shutil.rmtree(state(spine))
    with EngineEvents(spine.engine.socket, LABEL_OWNER, OWNER) as events:
        spine.start()
        spine.seen()
        wait_for(lambda: spine.daemon.json("status")["ready"], 30, "davit is ready")
        assert spine.daemon.run("wait", "default/web", "--timeout", "20s").returncode != 0  # what failed is not tried again
        assert events.moments == []
    assert history(spine) == before
    assert spine.ids() == containers
    deploy(spine, remote, demo_image, "four")
    ended(spine, 5, "COMPLETED")
    wait_for(lambda: is_pushed(spine, remote), 30, "it is pushed on")
    assert PASSWORD not in spine.daemon.log_text()


def test_what_somebody_else_wrote_stays(davit, repo, docker, demo_image, root):
    remote = root / "infra.git"
    spine = Spine(davit, repo, docker, source={"origin": str(remote), "branch": "main"}, ledger=LEDGER)
    repo.commit("manifests", {"service.json": service(1)})
    deploy(spine, remote, demo_image, "one")
    spine.start()
    ended(spine, 1, "COMPLETED")
    wait_for(lambda: is_pushed(spine, remote), 30, "the ledger is pushed")
    foreign = git(remote, "rev-parse", "main")
    git(remote, "update-ref", REF, foreign)
    deploy(spine, remote, demo_image, "two")
    ended(spine, 2, "COMPLETED")
    wait_for(lambda: not ledger_of(spine)["ok"], 30, "it says so")
    assert "somebody else wrote" in ledger_of(spine)["message"] and "ledger.host" in ledger_of(spine)["message"]
    assert "somebody else wrote" in spine.daemon.run("status").stdout
    assert git(remote, "rev-parse", REF) == foreign
    spine.daemon.stop()
    shutil.rmtree(state(spine))  # and it is no ledger either
    before = spine.ids()
    spine.start()
    spine.converge()
    assert "it is no ledger" in spine.daemon.log_text()
    assert spine.ids() == before
    assert [one["rebuilt"] for one in history(spine)] == [True]
    git(remote, "update-ref", "-d", REF)
    wait_for(lambda: is_pushed(spine, remote), 30, "it is pushed again")
    assert ledger_of(spine)["ok"]


def test_a_remote_that_is_gone_delays_nothing(davit, repo, docker, demo_image, tmp_path):
    remote = tmp_path / "ledgers.git"
    spine = Spine(davit, repo, docker, ledger={**LEDGER, "remote": str(remote)})
    repo.commit("manifests", {"service.json": service(1), "web.json": definition(demo_image, "one")})
    spine.start()
    spine.converge()
    wait_for(lambda: not ledger_of(spine)["ok"], 30, "it says so")
    repo.commit("two", {"web.json": definition(demo_image, "two")})
    spine.converge()
    assert spine.daemon.log_text().count("it is not pushed") == 1
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    wait_for(lambda: is_pushed(spine, remote), 60, "it is pushed")
    assert ledger_of(spine)["ok"]


@pytest.fixture
def over_https(davit, repo, docker, demo_image, root, https, tmp_path):
    """A daemon with a local source, whose ledger was pushed to a server; the repository there, its daemon not yet started."""
    remote, password = root / "ledgers.git", tmp_path / "password"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    git(remote, "config", "http.receivepack", "true")
    password.write_text(PASSWORD)
    spine = Spine(davit, repo, docker, ledger={**LEDGER, "remote": https.url("ledgers.git"), "username": USER,
                                               "passwordFile": str(password), "caFile": str(https.ca)})
    repo.commit("manifests", {"service.json": service(1), "web.json": definition(demo_image, "one")})
    return spine, remote


def hook(remote, name, script):
    path = remote / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_ref_that_the_remote_protects(over_https, demo_image):
    spine, remote = over_https
    refusing = hook(remote, "update", 'exit 1')
    spine.start()
    spine.converge()
    wait_for(lambda: not ledger_of(spine)["ok"], 30, "it says so")
    assert f"refuses a push to {REF}: hook declined" in ledger_of(spine)["message"]
    refusing.unlink()
    wait_for(lambda: is_pushed(spine, remote), 60, "it is pushed")
    moved = git(remote, "rev-parse", REF)
    git(remote, "update-ref", REF, git(remote, "rev-list", "--max-parents=0", REF))  # by somebody who went back
    spine.repo.commit("two", {"web.json": definition(demo_image, "two")})
    spine.converge()
    wait_for(lambda: is_pushed(spine, remote), 60, "it is pushed on")
    assert git(remote, "merge-base", moved, REF) == moved and ledger_of(spine)["ok"]


def test_killed_while_it_pushes(over_https, tmp_path):
    spine, remote = over_https
    begun = tmp_path / "begun"
    slow = hook(remote, "pre-receive", f"touch {begun}; sleep 5")
    spine.start()
    wait_for(begun.exists, 60, "a push is under way")
    spine.daemon.kill()
    slow.unlink()
    spine.start()
    wait_for(lambda: is_pushed(spine, remote), 60, "it is pushed")
    spine.converge()
    wait_for(lambda: is_pushed(spine, remote) and ledger_of(spine)["ok"], 60, "and goes on")
    assert git(remote, "fsck", "--strict") == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_password_follows_no_redirect_of_a_push(davit, repo, docker, demo_image, tmp_path, host):
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    server = Redirect(docker, tmp_path / "redirect", host)
    server.start()
    spine = Spine(davit, repo, docker, ledger={**LEDGER, "remote": f"http://127.0.0.1:{server.port}/ledgers.git", "username": USER,
                                               "passwordFile": str(password)})
    repo.commit("manifests", {"service.json": service(1), "web.json": definition(demo_image, "one")})
    spine.start()
    spine.converge()
    wait_for(lambda: "name that address in ledger.remote" in ledger_of(spine).get("message", ""), 30, "status says what to do")
    server.stop()
    assert f"eve:{host}" not in ledger_of(spine)["message"] + spine.daemon.log_text()
    assert {b64decode(headers["Authorization"].split()[1]).decode() for headers in server.seen(0)} == {f"{USER}:{PASSWORD}"}
    assert any("git-receive-pack" in line for line in server.notes.read_text().splitlines())
    assert server.seen(1) == []


def test_a_repository_of_another_user_is_not_written_to(davit, repo, docker, demo_image, tmp_path):
    remote = tmp_path / "ledgers.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    os.chown(remote, 12345, 12345)
    spine = Spine(davit, repo, docker, ledger={**LEDGER, "remote": f"file://{remote}"})
    repo.commit("manifests", {"service.json": service(1), "web.json": definition(demo_image, "one")})
    spine.start()
    spine.converge()
    wait_for(lambda: not ledger_of(spine)["ok"], 30, "it says so")
    assert f"{remote} belongs to user 12345" in ledger_of(spine)["message"]
    assert not list((remote / "objects" / "pack").iterdir())
    os.chown(remote, os.geteuid(), os.getegid())
    wait_for(lambda: is_pushed(spine, remote), 60, "it is pushed")


def test_an_interval_of_nothing_is_no_busy_loop(davit, repo, docker, demo_image, tmp_path):
    remote, tries = tmp_path / "ledgers.git", tmp_path / "tries"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    hook(remote, "update", f"date +%s >> {tries}; exit 1")  # git(1) asks it, on this machine too
    spine = Spine(davit, repo, docker, ledger={**LEDGER, "remote": str(remote), "interval": "0s"})
    repo.commit("manifests", {"service.json": service(1), "web.json": definition(demo_image, "one")})
    spine.start()
    spine.converge()
    wait_for(lambda: tries.exists() and len(tries.read_text().splitlines()) >= 3, 60, "it is tried three times")
    moments = [int(line) for line in tries.read_text().splitlines()]
    assert moments[1] - moments[0] >= 1 and moments[2] - moments[1] >= 3  # after 2 s, then after 4
    assert f"refuses a push to {REF}: hook declined" in ledger_of(spine)["message"]


def test_several_sources_have_one_ledger(davit, docker, demo_image, tmp_path):
    """Their remote is said; a source that left the configuration is known after the loss as well."""
    repos = {name: Repo(tmp_path / name) for name in ("infra", "shop")}
    remote = tmp_path / "ledgers.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    repos["infra"].commit("api", {"cluster.json": {"kind": "Cluster", "clusterName": "shared"},
                                  "api.json": definition(demo_image, "one", family="api"),
                                  "service.json": service(1, name="api", family="api", cluster="shared")})
    repos["shop"].commit("web", {"web.json": definition(demo_image, "one"), "service.json": service(1, cluster="shared")})
    sources = [{"name": name, "origin": str(one.directory)} for name, one in repos.items()]
    spine = Spine(davit, repos["infra"], docker, source=None, ledger={**LEDGER, "remote": str(remote)})

    def configure(sources):
        config = {**spine.directory_config, "sources": sources, "stateDirectory": str(state(spine)),
                  "socket": str(spine.daemon.directory / "davit.sock")}
        spine.daemon.configure({key: value for key, value in config.items() if value is not None})

    configure(sources)
    spine.start()
    for one in repos.values():
        spine.seen(one.head())
    assert spine.wait().returncode == 0
    # What is told is not yet saved, and what is saved not yet pushed.
    ends = [f"{history(spine, name)[0]['id']} COMPLETED" for name in ("shared/api", "shared/web")]
    wait_for(lambda: all(end in git(remote, "log", "--format=%B", REF) for end in ends) and is_pushed(spine, remote), 30,
             "the ledger is pushed")
    tree = git(remote, "ls-tree", "-r", "--name-only", REF).splitlines()
    assert "sources/infra.json" in tree and "sources/shop.json" in tree
    wanted, containers = history(spine, "shared/web"), spine.ids()
    spine.daemon.stop()
    shutil.rmtree(state(spine))
    configure(sources[:1])
    spine.start()
    spine.seen(repos["infra"].head())
    assert history(spine, "shared/web") == wanted
    shop = next(one for one in spine.daemon.json("status")["sources"] if one["name"] == "shop")
    assert shop["deployed"] == repos["shop"].head()  # what `davit approve` takes, to have it removed
    assert spine.ids() == containers
