"""docker-registry beside an engine, in its network namespace."""

import base64
import contextlib
import http.client
import json
import shutil
import subprocess

import pytest

from engine_api import UnixConnection

from .davit import wait_for

HOST = "127.0.0.1:5055"
CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {root}/data}}}}
http: {{addr: "{host}"}}
{more}"""


def call(engine, method, path, login=None):
    """A request to the engine, with a registry's login; returns status and text."""
    connection = UnixConnection(engine.socket)
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


def answers(engine, host, port):
    try:
        return engine.http_get(host, port, "/v2/")[0] in (200, 401)
    except (OSError, http.client.HTTPException):
        return False


def push(engine, source, reference, login=None):
    """The engine's image `source` becomes what `reference` means in the registry, and is not known by that here."""
    repository, _, tag = reference.rpartition(":")
    assert call(engine, "POST", f"/images/{source}/tag?repo={repository}&tag={tag}")[0] == 201
    text = call(engine, "POST", f"/images/{repository}/push?tag={tag}", login or ("nobody", "none"))[1]
    assert '"error"' not in text, text
    call(engine, "DELETE", f"/images/{reference}?force=1")


@contextlib.contextmanager
def running(engine, directory, more=""):
    """The registry as a process, which may be terminated; `more` of its configuration."""
    if not shutil.which("docker-registry"):
        pytest.skip("docker-registry is not installed")
    (directory / "registry.yml").write_text(CONFIG.format(root=directory, host=HOST, more=more))
    with open(directory / "registry.log", "wb") as log:
        process = subprocess.Popen(engine.inside("docker-registry", "serve", str(directory / "registry.yml")),
                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        host, port = HOST.split(":")
        wait_for(lambda: process.poll() is not None or answers(engine, host, int(port)), 30, "the registry answers")
        assert process.poll() is None, (directory / "registry.log").read_text()
        yield process
    finally:
        process.terminate()
        process.wait()
