"""Images of a registry that wants a login: docker-registry with htpasswd, in the engine's own network."""

import base64
import json
import subprocess
import sys
import time

import pytest

from support.davit import wait_for
from support.registry import HOST, call, push, running
from support.spine import Spine, definition, service

USER, PASSWORD = "puller", "r3g1stry-c4nary"
IMAGE = f"{HOST}/private/app:1"
LOGIN = "auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}\n"


def hashed(password):
    """bcrypt, by the C library; the crypt module is gone from newer Pythons."""
    python = "import crypt,sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH)))"
    for interpreter in ("/usr/bin/python3", sys.executable):
        process = subprocess.run([interpreter, "-W", "ignore", "-c", python, password], capture_output=True, text=True)
        if process.returncode == 0:
            return process.stdout.strip()
    pytest.skip("no Python with the crypt module makes a bcrypt hash")


@pytest.fixture
def registry(docker, tmp_path, demo_image):
    (tmp_path / "htpasswd").write_text(f"{USER}:{hashed(PASSWORD)}\n")
    with running(docker, tmp_path, LOGIN.format(root=tmp_path)):
        push(docker, demo_image, IMAGE, (USER, PASSWORD))
        yield
    call(docker, "DELETE", f"/images/{IMAGE}?force=1")


def commit(spine, **container):
    spine.repo.commit("first", {"web.json": definition(IMAGE, **container), "service.json": service(1)})


def secret(tmp_path, password):
    directory = tmp_path / "secrets"
    directory.mkdir()
    (directory / "registry").write_text(json.dumps({"username": USER, "password": password}))
    (directory / "registry").chmod(0o600)
    return {"secrets": {"directory": str(directory)}, "dockerConfig": str(tmp_path / "none.json")}


CREDENTIALS = {"repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:r:1:secret:registry-AbC123"}}


def test_a_login_of_the_task_definition(davit, repo, docker, registry, tmp_path):
    spine = Spine(davit, repo, docker, **secret(tmp_path, PASSWORD))
    commit(spine, **CREDENTIALS)
    spine.start()
    spine.converge()
    assert spine.texts() == ["one"]
    assert PASSWORD not in spine.daemon.log_text()


def test_a_wrong_password_is_told_and_not_shown(davit, repo, docker, registry, tmp_path):
    spine = Spine(davit, repo, docker, **secret(tmp_path, "wrong-" + PASSWORD))
    commit(spine, **CREDENTIALS)
    spine.start()
    spine.seen()
    told = spine.wait("default/web").stderr
    assert "CannotPullContainerError" in told and "tried again in" not in told, told
    events = spine.daemon.run("events").stdout
    assert PASSWORD not in told
    assert PASSWORD not in events and PASSWORD not in spine.daemon.log_text()
    state = str(spine.daemon.directory / "state")
    assert subprocess.run(["grep", "-rl", PASSWORD, state], capture_output=True, text=True).stdout == ""


def test_a_login_of_dockers_own_file(davit, repo, docker, registry, tmp_path):
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config = tmp_path / "docker.json"
    config.write_text(json.dumps({"auths": {HOST: {"auth": auth}}}))
    spine = Spine(davit, repo, docker, dockerConfig=str(config))
    commit(spine)
    spine.start()
    spine.converge()
    assert spine.texts() == ["one"]


def test_a_registry_that_is_away_for_a_moment_fails_no_task(davit, repo, docker, demo_image, tmp_path):
    with running(docker, tmp_path):
        push(docker, demo_image, IMAGE)
    spine = Spine(davit, repo, docker)
    commit(spine)
    spine.start()
    spine.seen()

    def failure():
        action, = spine.daemon.json("status")["services"][0]["actions"]
        return action["progress"]["failure"]

    wait_for(lambda: "tried again in" in failure(), 60, "a pull has failed")
    away = time.monotonic()
    with running(docker, tmp_path):
        in_time = time.monotonic() - away < 6  # of the 12.7 s of the tries, and the first may not be the one that was seen
        spine.converge()
    call(docker, "DELETE", f"/images/{IMAGE}?force=1")
    assert spine.texts() == ["one"]
    if in_time:
        assert "CannotPullContainerError" not in spine.daemon.run("events").stdout


def test_a_helper_that_is_not_run_is_named(davit, repo, docker, registry, tmp_path):
    config = tmp_path / "docker.json"
    config.write_text(json.dumps({"credHelpers": {HOST: "vault"}}))
    spine = Spine(davit, repo, docker, dockerConfig=str(config))
    commit(spine)
    spine.start()
    spine.seen()
    wait_for(lambda: "credential helper vault" in spine.daemon.run("events").stdout, 60, "the reason is told")
