"""Images of a registry that wants a login: docker-registry with htpasswd, in the engine's own network."""

import base64
import http.client
import json
import shutil
import subprocess
import sys

import pytest

from engine_api import UnixConnection
from support.davit import wait_for
from support.spine import Spine, definition, service

USER, PASSWORD = "puller", "r3g1stry-c4nary"
HOST = "127.0.0.1:5055"
IMAGE = f"{HOST}/private/app:1"
CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {root}/data}}}}
http: {{addr: "{host}"}}
auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}
"""


def hashed(password):
    """bcrypt, by the C library; the crypt module is gone from newer Pythons."""
    python = "import crypt,sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH)))"
    for interpreter in ("/usr/bin/python3", sys.executable):
        process = subprocess.run([interpreter, "-W", "ignore", "-c", python, password], capture_output=True, text=True)
        if process.returncode == 0:
            return process.stdout.strip()
    pytest.skip("no Python with the crypt module makes a bcrypt hash")


def call(engine, method, path, login=None):
    """A request to the engine, with a registry's login; returns status and text."""
    connection = UnixConnection(engine.socket, 60)
    headers = {}
    if login:
        body = json.dumps({"username": login[0], "password": login[1], "serveraddress": HOST}).encode()
        headers["X-Registry-Auth"] = base64.urlsafe_b64encode(body).decode()
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def registry(docker, tmp_path, demo_image):
    if not shutil.which("docker-registry"):
        pytest.skip("docker-registry is not installed")
    (tmp_path / "htpasswd").write_text(f"{USER}:{hashed(PASSWORD)}\n")
    (tmp_path / "registry.yml").write_text(CONFIG.format(root=tmp_path, host=HOST))
    with open(tmp_path / "registry.log", "wb") as log:
        process = subprocess.Popen(docker.inside("docker-registry", "serve", str(tmp_path / "registry.yml")),
                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        host, port = HOST.split(":")
        wait_for(lambda: process.poll() is not None or answers(docker, host, int(port)), 30, "the registry answers")
        assert process.poll() is None, (tmp_path / "registry.log").read_text()
        repository, _, tag = IMAGE.rpartition(":")
        assert call(docker, "POST", f"/images/{demo_image}/tag?repo={repository}&tag={tag}")[0] == 201
        text = call(docker, "POST", f"/images/{repository}/push?tag={tag}", (USER, PASSWORD))[1]
        assert '"error"' not in text, text
        call(docker, "DELETE", f"/images/{IMAGE}?force=1")
        yield
    finally:
        process.terminate()
        process.wait()
        call(docker, "DELETE", f"/images/{IMAGE}?force=1")


def answers(engine, host, port):
    try:
        return engine.http_get(host, port, "/v2/")[0] in (200, 401)
    except (OSError, http.client.HTTPException):
        return False


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
    wait_for(lambda: "CannotPullContainerError" in spine.daemon.run("events").stdout, 60, "the reason is told")
    events = spine.daemon.run("events").stdout
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


def test_a_helper_that_is_not_run_is_named(davit, repo, docker, registry, tmp_path):
    config = tmp_path / "docker.json"
    config.write_text(json.dumps({"credHelpers": {HOST: "vault"}}))
    spine = Spine(davit, repo, docker, dockerConfig=str(config))
    commit(spine)
    spine.start()
    spine.seen()
    wait_for(lambda: "credential helper vault" in spine.daemon.run("events").stdout, 60, "the reason is told")
