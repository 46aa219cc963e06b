"""Webhooks: a remote that is asked every ten minutes is looked at when a signed request says so, and at nobody else's word."""

import hashlib
import hmac
import http.client
import json
import subprocess
import time

import pytest

from support.davit import wait_for
from support.git_servers import PASSWORD, USER
from support.repo import Repo
from support.spine import Spine, definition, service

SECRET = "correct horse battery"
PORT = 8321


def say(engine, body, secret=SECRET):
    """As GitHub does it, by the public name that a proxy passes on; returns status and answer."""
    signature = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    connection = http.client.HTTPConnection("davit.example.org")
    connection.sock = engine.connect("127.0.0.1", PORT)
    connection.request("POST", "/v1/webhook", body, {
        "Content-Type": "application/json", "X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={signature}"})
    answer = connection.getresponse()
    status, text = answer.status, answer.read()
    connection.close()
    return status, json.loads(text)


class Forge:
    """A remote, a daemon that follows it, and what the forge says to the daemon."""

    def __init__(self, davit, repo, docker, image, https, root, directory):
        self.repo, self.image, self.root, self.https, self.count = repo, image, root, https, 0
        password, self.secret = directory / "password", directory / "webhook-secret"
        password.write_text(PASSWORD)
        self.secret.write_text(SECRET + "\n")
        self.spine = Spine(
            davit, repo, docker, webhook={"listen": f"0.0.0.0:{PORT}", "secretFile": str(self.secret)},
            source={"origin": https.url("infra.git"), "branch": "main", "poll": "10m", "username": USER,
                    "passwordFile": str(password), "caFile": str(https.ca)},
        )
        self.push({"service.json": service(1)})
        self.spine.start()
        self.spine.converge()

    def push(self, files=None):
        self.count += 1
        web = definition(self.image, f"text-{self.count}")
        self.repo.commit(f"commit {self.count}", {"web.json": web, **(files or {})})
        self.repo.git("push", "--quiet", str(self.root / "infra.git"), "main")

    def say(self, branch="main", secret=SECRET, body=None):
        return say(self.spine.engine, body or json.dumps({"ref": f"refs/heads/{branch}"}), secret)

    def runs(self):
        return self.spine.texts() == [f"text-{self.count}"]

    def webhooks(self):
        return self.spine.daemon.json("status")["source"]["webhooks"]


@pytest.fixture
def forge(davit, repo, docker, demo_image, https, root, tmp_path):  # noqa: F811
    return Forge(davit, repo, docker, demo_image, https, root, tmp_path)


def test_a_push_and_its_webhook(forge):
    assert forge.webhooks() == {"heard": 0, "refused": 0}
    forge.push()
    status, answer = forge.say()
    assert (status, answer["look"]) == (202, True)
    forge.spine.converge()
    assert forge.runs()
    assert f"webhook {answer['id']}: the source is looked at" in forge.spine.daemon.log_text()
    news = forge.webhooks()
    assert (news["heard"], news["refused"]) == (1, 0) and news["heardAt"]


def test_a_wrong_signature_leads_to_nothing(forge):
    before = forge.spine.ids()
    forge.https.requests()
    forge.push()
    assert forge.say(secret="correct horse batterz")[0] == 401
    assert forge.say(branch="other")[0] == 200
    time.sleep(3)  # davit must not look
    assert forge.https.requests() == [] and forge.spine.ids() == before
    news = forge.webhooks()
    assert (news["heard"], news["refused"]) == (1, 1)
    text = forge.spine.daemon.run("status").stdout
    assert "1 refused" in text and "X-Hub-Signature-256 is wrong" in text
    forge.secret.write_text("another " + SECRET + "\n")
    assert forge.say()[0] == 401
    assert forge.say(secret="another " + SECRET)[0] == 202
    forge.spine.converge()
    assert forge.runs()
    log = forge.spine.daemon.log_text()
    assert SECRET not in log and SECRET not in text


def test_a_burst(forge):
    """Fifty webhooks are one look a second, and what was pushed before the last one is rolled out."""
    forge.https.requests()
    began = time.monotonic()
    assert all(forge.say()[0] == 202 for _ in range(49))
    forge.push()
    assert forge.say()[0] == 202
    seconds = time.monotonic() - began
    forge.spine.converge()
    wait_for(forge.runs, 20, "the last push is rolled out")
    wait_for(lambda: forge.webhooks()["heard"] == 50, 20, "all were heard")
    seen = [one[0] for one in forge.https.requests()]
    assert 1 <= seen.count("GET") <= 2 + seconds and seen.count("POST") == 1, seen


def is_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_slow_clients_keep_no_webhook_out(forge):
    head = b"POST /v1/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    slow = []
    for count in range(1, 6):
        for _ in range(60):  # which send headers and no body, more than there are places
            slow.append(forge.spine.engine.connect("127.0.0.1", PORT))
            slow[-1].sendall(head)
        assert forge.say()[0] == 202
        assert is_open(slow[-1]), "they were there; after LIMIT_WEBHOOK_REQUEST_MS they go anyway"
        assert forge.webhooks()["heard"] == count
    for one in slow:
        one.close()


def test_two_repositories(davit, docker, https, root, tmp_path):
    """Each webhook is a look at the remote that it names, by whichever of its addresses; of no other."""
    password, secret = tmp_path / "password", tmp_path / "webhook-secret"
    password.write_text(PASSWORD)
    secret.write_text(SECRET)
    repos = {name: Repo(tmp_path / name) for name in ("infra", "shop")}
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", root / "shop.git"], check=True)

    def push(name, cluster):
        repos[name].commit(f"{name}: {cluster}", {"cluster.json": {"kind": "Cluster", "clusterName": cluster}})
        repos[name].git("push", "--quiet", str(root / f"{name}.git"), "main")
        return repos[name].head()

    spine = Spine(davit, repos["infra"], docker, source=None, webhook={"listen": f"0.0.0.0:{PORT}", "secretFile": str(secret)},
                  sources=[{"name": name, "origin": https.url(f"{name}.git"), "branch": "main", "poll": "10m", "username": USER,
                            "passwordFile": str(password), "caFile": str(https.ca)} for name in repos])
    del spine.directory_config["source"]
    spine.daemon.configure({**spine.directory_config, "stateDirectory": str(spine.daemon.directory / "state"),
                            "socket": str(spine.daemon.directory / "davit.sock")})
    first = [push(name, name) for name in repos]
    spine.start()
    for oid in first:
        spine.seen(oid)

    def asked(*expected, **repository):
        """Who is asked by git after a webhook that names the repository, and what the answer says. `expected` are the method
        and repository of requests that have to come."""
        https.requests()
        found = set()

        def have_come():
            found.update((method, path.split("/")[2]) for method, path, _ in https.requests())
            return set(expected) <= found

        status, answer = say(docker, json.dumps({"ref": "refs/heads/main", "repository": repository}))
        assert status == 202
        wait_for(have_come, 40, "the repository is looked at")
        time.sleep(3)  # davit must not look at the other
        have_come()
        return {name for _, name in found}, answer["message"]

    newest = push("shop", "shop-two")
    assert asked(("POST", "shop.git"), ssh_url="git@LOCALHOST:git/shop.git") == ({"shop.git"}, "looked at: shop")
    spine.seen(newest)
    newest = push("infra", "infra-two")
    assert asked(("POST", "infra.git"), clone_url="https://localhost/git/infra.git") == ({"infra.git"}, "looked at: infra")
    spine.seen(newest)
    assert asked(("GET", "infra.git"), ("GET", "shop.git"), clone_url="https://localhost/git/other.git") == (
        {"infra.git", "shop.git"}, "looked at: infra, shop; none is at localhost/git/other")
    assert "looked at: infra, shop; none is at localhost/git/other" in spine.daemon.log_text()


def test_a_secret_that_is_none(davit, docker, repo, tmp_path):
    """davit does not start with a secret that could be guessed, or that it cannot read."""
    secret = tmp_path / "webhook-secret"
    spine = Spine(davit, repo, docker, webhook={"listen": f"127.0.0.1:{PORT}", "secretFile": str(secret)})
    for text, word in ((None, "No such file"), ("short\n", "openssl rand -hex 32")):
        if text:
            secret.write_text(text)
        process = spine.daemon.run("daemon", "--config", str(spine.daemon.config))
        assert process.returncode == 2
        assert str(secret) in process.stderr and word in process.stderr and "short\n" not in process.stderr
