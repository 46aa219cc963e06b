"""From a push to the first engine call, stage by stage: see the mode push of bench_runtime.c."""

import hashlib
import hmac
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time

from figure import print_table, show
from on_sim import SIZES, git, make_origin
from support.git_servers import PASSWORD, USER, Https, Ssh

PUSHES = 18
SECRET = "the secret of the bench"
STAGES = ("webhook", "spawn", "fetch", "load", "plan", "save")


class Here:
    """This machine's own loopback, where e2e has the network of an engine."""

    @staticmethod
    def inside(*line):
        return list(map(str, line))

    @staticmethod
    def connect(host, port, timeout=10):
        return socket.create_connection((host, port), timeout)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def post_webhook(path):
    """As GitHub does it; returns when it was sent. The answer is read and has to be 202."""
    body = json.dumps({"ref": "refs/heads/main"}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    sent = time.monotonic() * 1000
    connection.request("POST", "/v1/webhook", body, {
        "Content-Type": "application/json", "X-GitHub-Event": "push", "X-Hub-Signature-256": signature})
    status = connection.getresponse().status
    connection.close()
    if status != 202:
        raise RuntimeError(f"the webhook is answered with {status}")
    return sent


class OverHttps:
    """lighttpd and git http-backend, with a password."""

    def __init__(self, work, root, access):
        self.server = Https(Here, work / "lighttpd", root, free_port())
        self.url = self.server.url("infra.git")
        for name, text in (("user", USER), ("password", PASSWORD)):
            (access / name).write_text(text + "\n")
        shutil.copy(self.server.ca, access / "ca.pem")
        self.git_url = self.url.replace("://", f"://{USER}@")
        askpass = work / "askpass"
        askpass.write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
        askpass.chmod(0o700)
        self.git_environment = {"GIT_SSL_CAINFO": str(self.server.ca), "GIT_ASKPASS": str(askpass)}


class OverSsh:
    """sshd, with a key."""

    def __init__(self, work, root, access):
        self.server = Ssh(Here, work / "sshd", free_port())
        self.url = self.git_url = self.server.url(root / "infra.git")
        for name, file in (("key", self.server.key), ("known_hosts", self.server.known_hosts)):
            shutil.copy(file, access / name)
        self.git_environment = {
            "GIT_SSH_COMMAND": f"ssh -F none -i {access}/key -o IdentitiesOnly=yes -o UserKnownHostsFile={access}/known_hosts"}


class Clone:
    """What git itself takes for the same fetch, with the same credentials."""

    def __init__(self, work, way):
        self.repo, self.url = work / "floor.git", way.git_url
        self.environment = {**os.environ, **way.git_environment, "GIT_TERMINAL_PROMPT": "0"}
        subprocess.run(["git", "init", "--quiet", "--bare", self.repo], check=True)
        self.fetch()

    def fetch(self):
        began = time.monotonic()
        subprocess.run(["git", "-c", "credential.helper=", "-c", "gc.auto=0", "fetch", "--quiet", self.url,
                        "+main:refs/heads/main"], cwd=self.repo, env=self.environment, check=True)
        return (time.monotonic() - began) * 1000


class Daemon:
    """The production runtime on the simulated engine, following the server."""

    def __init__(self, build, work, url, access):
        self.state = work / "state"
        (access / "webhook-secret").write_text(SECRET + "\n")
        self.process = subprocess.Popen(
            [build / "tests/bench/bench-runtime", "push", url, self.state, access],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("bench-runtime has ended")
        return json.loads(line)

    def push(self, oid):
        """The stages of one push in ms, and all of it."""
        self.process.stdin.write(oid + "\n")
        self.process.stdin.flush()
        sent = post_webhook(self.state / "webhook.sock")
        at = self.read()
        marks = [sent, *(at[name] for name in ("heard_ms", "fetch_began_ms", "fetched_ms", "known_ms", "planned_ms", "called_ms"))]
        return [later - before for before, later in zip(marks, marks[1:])] + [marks[-1] - sent]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def push(build, work):
    """A push over https or ssh and its webhook; the floor is `git fetch` of the same commit just before."""
    for name, program, way in (("https", "lighttpd", OverHttps), ("ssh", "sshd", OverSsh)):
        if not shutil.which(program, path="/usr/sbin:/usr/bin"):
            print(f"tests/bench/run: push over {name} is left out: there is no {program}", file=sys.stderr)
            continue
        for services in SIZES:
            directory = work / f"{name}-{services}"
            directory.mkdir()
            push_among(build, directory, services, (name, way))


def push_among(build, work, services, over):
    name, way = over
    root, access = work / "served", work / "access"
    root.mkdir()
    access.mkdir()
    commits = make_origin(root / "infra.git", services, PUSHES)
    way = way(work, root, access)
    server = way.server
    server.start()
    try:
        clone, rows, floor = Clone(work, way), [], []
        daemon = Daemon(build, work, way.url, access)
        for oid in commits:
            git(root / "infra.git", "update-ref", "refs/heads/main", oid)
            floor.append(clone.fetch())
            rows.append(daemon.push(oid))
        daemon.end()
    finally:
        server.stop()
    stages = dict(zip((*STAGES, "all"), zip(*rows)))
    for stage, values in stages.items():
        show(f"push_{name}_to_engine_{services}, {stage}", "ms", values,
             **({"floor": floor} if stage in ("fetch", "all") else {}))
    own = [row[-1] - row[2] for row in rows]  # all but the fetch itself
    show(f"push_{name}_to_engine_{services}, besides the fetch", "ms", own, 50, "p50")
    print_table(f"push over {name}, of {services}", {**stages, "besides the fetch": own, "git fetch (floor)": floor})


BENCHES = {"push": push}
