"""Remotes over https and ssh, by real servers, and all that can be wrong with them: a clear status, nothing changes,
and the next good fetch recovers."""

import contextlib
import json
import os
import subprocess
import time
from base64 import b64decode, b64encode

import pytest

from support.davit import wait_for
from support.git_servers import PASSWORD, USER, Mute, Proxy, Redirect
from support.spine import Spine, definition, service


class Story:
    """One service, rolled out from a remote, and what becomes of it. `others` are services of the same definition
    that want no task."""

    def __init__(self, davit, repo, docker, image, root, others=0, **source):
        self.repo, self.image, self.root, self.count = repo, image, root, 0
        self.spine = Spine(davit, repo, docker, source={"branch": "main", "poll": "1s", **source})
        idle = [json.dumps(service(0, name=f"idle-{i}")) for i in range(others)]
        self.commit({"service.json": service(1), **({"idle.yaml": "\n---\n".join(idle)} if others else {})})
        self.spine.start()
        self.spine.converge()
        self.is_as_wanted()

    def commit(self, files=None):
        self.count += 1
        web = definition(self.image, f"text-{self.count}")
        self.repo.commit(f"commit {self.count}", {"web.json": web, **(files or {})})
        self.push()

    def push(self):
        self.repo.git("push", "--quiet", "--force", str(self.root / "infra.git"), "main")

    def is_as_wanted(self):
        assert self.spine.texts() == [f"text-{self.count}"]

    def source(self):
        return self.spine.daemon.json("status")["source"]

    def outage(self, begin, end, *words):
        """While it lasts status says why, and what runs stays; afterwards what was pushed meanwhile is rolled out."""
        before = self.spine.ids()
        begin()
        wait_for(lambda: not self.source()["ok"] and all(word in self.source().get("message", "") for word in words), 20,
                 lambda: f"{words} in the status: {self.source()}")
        self.commit()  # not before: a fetch that had begun could bring it
        assert self.spine.daemon.run("reconcile").returncode == 0
        text = self.spine.daemon.run("status").stdout
        assert all(word in text for word in words), text
        assert self.spine.ids() == before
        end()
        self.spine.converge()
        self.is_as_wanted()
        log = self.spine.daemon.log_text()
        assert PASSWORD not in log and PASSWORD not in text


def test_https(davit, repo, docker, demo_image, root, https, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    story = Story(davit, repo, docker, demo_image, root, origin=https.url("infra.git"), username=USER,
                  passwordFile=str(password), caFile=str(https.ca))
    story.outage(lambda: password.write_text("wrong\n"), lambda: password.write_text(PASSWORD + "\n"),
                 f'refuses user "{USER}"', str(password))
    story.outage(password.unlink, lambda: password.write_text(PASSWORD + "\n"), str(password), "No such file")

    def expire(days):
        https.stop()
        https.certify(days)
        https.start()

    story.outage(lambda: expire(-1), lambda: expire(2), "certificate", "expired")

    authority = https.ca.read_text()
    story.outage(lambda: subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=another", "-keyout",
                                         tmp_path / "another.key", "-out", https.ca], check=True, capture_output=True),
                 lambda: https.ca.write_text(authority), "(caFile) has not its authority")
    story.outage(https.stop, https.start, "Connection refused")


def test_a_secret_in_the_address_is_warned_of(davit, repo, docker):
    spine = Spine(davit, repo, docker, source={"origin": f"https://{USER}:{PASSWORD}@127.0.0.1:9/infra.git"})
    spine.start()
    log = spine.daemon.log_text()
    assert "there is a secret in the address" in log and "passwordFile" in log and PASSWORD not in log


def test_a_password_that_others_may_read_is_warned_of(davit, repo, docker, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    password.chmod(0o640)
    spine = Spine(davit, repo, docker, source={"origin": "https://127.0.0.1:9/infra.git", "passwordFile": str(password)})
    warning = f"passwordFile {password} may be read by others (mode 0644): chmod 600 {password}"
    spine.start()
    assert "may be read by others" not in spine.daemon.log_text(), "root's group"
    spine.daemon.stop()
    password.chmod(0o644)
    spine.start()
    assert warning in spine.daemon.log_text() and PASSWORD not in spine.daemon.log_text()
    spine.daemon.stop()
    password.chmod(0o600)
    os.chown(password, 12345, 0)
    spine.start()
    assert f"passwordFile {password} belongs to another user" in spine.daemon.log_text()


def test_an_authority_that_nobody_knows(davit, repo, docker, https):
    spine = Spine(davit, repo, docker, source={"origin": https.url("infra.git")})
    spine.start()
    wait_for(lambda: "set caFile to the authority" in spine.daemon.run("status").stdout, 20, "status says what to do")


def test_a_repository_that_the_remote_does_not_show(davit, repo, docker, https, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    spine = Spine(davit, repo, docker, source={"origin": https.url("infar.git"), "username": USER, "caFile": str(https.ca),
                                               "passwordFile": str(password)})
    spine.start()
    words = f'the address may be wrong, or user "{USER}" with the password of {password} may not see it'
    wait_for(lambda: words in spine.daemon.run("status").stdout, 20, "status says what to do")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_password_follows_no_redirect(davit, repo, docker, tmp_path, host):
    """To another port, and to another name: the password goes to the address that was configured."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    server = Redirect(docker, tmp_path / "redirect", host)
    server.start()
    spine = Spine(davit, repo, docker, source={"origin": f"http://127.0.0.1:{server.port}/infra.git", "username": USER,
                                               "passwordFile": str(password)})
    spine.start()
    wait_for(lambda: "name that address in source.origin" in spine.daemon.run("status").stdout, 20, "status says what to do")
    text = spine.daemon.run("status").stdout
    server.stop()
    assert "redirect" in text and host in text
    assert f"eve:{host}" not in text + spine.daemon.log_text()
    assert {b64decode(headers["Authorization"].split()[1]).decode() for headers in server.seen(0)} == {f"{USER}:{PASSWORD}"}
    assert server.seen(1) == []


def test_https_through_a_proxy(davit, repo, docker, demo_image, root, https, tmp_path):
    """All goes through it, and its login is nobody else's business."""
    password, login, proxy = tmp_path / "password", tmp_path / "login", Proxy(docker, tmp_path / "proxy")
    password.write_text(PASSWORD)
    login.write_text(Proxy.LOGIN + "\n")
    proxy.start()
    story = Story(davit, repo, docker, demo_image, root, origin=https.url("infra.git"), username=USER, proxy=proxy.url,
                  passwordFile=str(password), caFile=str(https.ca), proxyLoginFile=str(login))
    place = f"localhost:{https.port}"
    assert {where for where, _ in proxy.seen()} == {place} and (place, True) in proxy.seen()
    story.outage(proxy.stop, proxy.start, "proxy", proxy.url, "Connection refused")
    story.outage(lambda: login.write_text("surfer:wr0ng\n"), lambda: login.write_text(Proxy.LOGIN), proxy.url, "refuses", str(login))
    shown = story.spine.daemon.log_text() + story.spine.daemon.run("status", "-o", "json").stdout
    for secret in ("surfer", "p@ss", "p%40ss", "wr0ng", b64encode(Proxy.LOGIN.encode()).decode()):
        assert secret not in shown
    proxy.stop()


def test_https_slow_loris(davit, repo, docker, demo_image, root, https, tmp_path):
    """A server that takes the connection and says nothing."""
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    story = Story(davit, repo, docker, demo_image, root, origin=https.url("infra.git"), username=USER,
                  passwordFile=str(password), caFile=str(https.ca), fetchTimeout="3s")
    mute = Mute(docker, tmp_path / "mute", https.port)

    def fall_silent():
        https.stop()
        mute.start()

    def speak():
        mute.stop()
        https.start()

    story.outage(fall_silent, speak, "took longer than 3000 ms")


def test_https_server_killed_in_the_middle_of_a_fetch(davit, repo, docker, demo_image, root, https, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    story = Story(davit, repo, docker, demo_image, root, origin=https.url("infra.git"), username=USER,
                  passwordFile=str(password), caFile=str(https.ca), fetchTimeout="10m")
    state = story.spine.daemon.directory / "state"

    def arriving():
        sizes = []
        for directory, _, files in os.walk(state):
            for name in files:
                with contextlib.suppress(FileNotFoundError):  # it comes and goes
                    sizes += [os.stat(os.path.join(directory, name)).st_size] if name.startswith("pack_git2_") else []
        return any(size > 100_000 for size in sizes)

    def die_while_it_sends():
        https.stop()
        https.throttle(50)  # a minute in which it can be seen
        https.start()
        (repo.directory / "large.bin").write_bytes(os.urandom(3_000_000))
        story.commit()
        wait_for(arriving, 20, "a pack arrives")
        https.stop()

    def serve():
        https.throttle(0)
        https.start()

    story.outage(die_while_it_sends, serve, "cannot")


@pytest.mark.parametrize("services", [1, 100, 1000])
def test_requests(davit, repo, docker, demo_image, root, https, tmp_path, services):
    """One request for a poll that finds nothing new; two, one fetch, for a commit; no child stays."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    story = Story(davit, repo, docker, demo_image, root, others=services - 1, origin=https.url("infra.git"), username=USER,
                  poll="10m", passwordFile=str(password), caFile=str(https.ca))
    poll, fetch = ("GET", "/git/infra.git/info/refs", "200"), ("POST", "/git/infra.git/git-upload-pack", "200")
    assert https.requests() == [poll, fetch]
    assert story.spine.daemon.run("reconcile").returncode == 0
    assert story.spine.wait().returncode == 0
    assert https.requests() == [poll]
    story.commit()
    assert story.spine.daemon.run("reconcile").returncode == 0
    story.spine.converge()
    story.is_as_wanted()
    assert https.requests() == [poll, fetch]
    deployed = story.spine.daemon.json("status")["services"]
    assert [one["deployment"]["commit"]["oid"] for one in deployed] == [repo.head()] * services
    children = subprocess.run(["pgrep", "-P", str(story.spine.daemon.process.pid)], capture_output=True, text=True).stdout
    assert children == ""


def test_a_fetch_over_the_limit(davit, repo, docker, demo_image, root, https, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    story = Story(davit, repo, docker, demo_image, root, origin=https.url("infra.git"), username=USER, fetchMebibytes=1,
                  passwordFile=str(password), caFile=str(https.ca))
    good = repo.head()
    large = repo.directory / "large.bin"

    def grow():
        subprocess.run(["dd", "if=/dev/urandom", f"of={large}", "bs=1M", "count=3", "status=none"], check=True)
        story.commit()

    def shrink():
        repo.git("reset", "--quiet", "--hard", good)
        story.commit()

    story.outage(grow, shrink, "larger than 1048576 bytes")
    assert story.spine.daemon.run("reconcile").returncode == 0
    assert story.spine.wait().returncode == 0
    https.requests()
    grow()
    wait_for(lambda: not story.source()["ok"], 20, "it is refused")
    methods = []

    def looked_at_thrice():
        methods.extend(method for method, _, _ in https.requests())
        return methods[methods.index("POST"):].count("GET") >= 3

    wait_for(looked_at_thrice, 60, "it is looked at again and again")
    assert not story.source()["ok"] and methods.count("POST") == 1  # but fetched once


def test_a_slow_fetch_goes_on_and_a_trickle_does_not(davit, repo, docker, demo_image, root, https, tmp_path):
    """Three megabytes at 300 kB/s take longer than fetchStallTimeout; at 4 kB/s they do not get on."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    story = Story(davit, repo, docker, demo_image, root, origin=https.url("infra.git"), username=USER, fetchTimeout="10m",
                  fetchStallTimeout="4s", passwordFile=str(password), caFile=str(https.ca))

    def throttle(kbytes_per_second):
        https.stop()
        https.throttle(kbytes_per_second)
        https.start()

    def commit_noise():
        (repo.directory / "large.bin").write_bytes(os.urandom(3_000_000))
        story.commit()

    throttle(300)
    commit_noise()
    began = time.monotonic()
    story.spine.converge()
    story.is_as_wanted()
    assert time.monotonic() - began > 6

    def trickle():
        throttle(4)
        commit_noise()

    story.outage(trickle, lambda: throttle(0), "less than 65536 bytes in 4000 ms")


def test_ssh(davit, repo, docker, demo_image, root, ssh):
    story = Story(davit, repo, docker, demo_image, root, origin=ssh.url(root / "infra.git"), keyFile=str(ssh.key),
                  knownHostsFile=str(ssh.known_hosts))
    story.outage(lambda: ssh.know("stranger"), lambda: ssh.know("host"), "Host key verification failed",
                 "another key than knownHostsFile says")
    story.outage(lambda: ssh.known_hosts.write_text(""), lambda: ssh.know("host"), "Host key verification failed",
                 "knownHostsFile has no entry for the host")
    story.outage(lambda: ssh.key.chmod(0o644), lambda: ssh.key.chmod(0o600), "may be read by others (mode 0644)", "chmod 600")
    story.outage(ssh.known_hosts.unlink, lambda: ssh.know("host"), "knownHostsFile", "No such file")
    key = ssh.key.read_text()
    other = (ssh.directory / "stranger").read_text()
    story.outage(lambda: ssh.key.write_text(other), lambda: ssh.key.write_text(key), "Permission denied", "keyFile")
    story.outage(ssh.stop, ssh.start, "Connection refused")


def test_a_secret_is_in_no_process_list(davit, repo, docker, demo_image, root, https, tmp_path):
    """While a fetch hangs, its arguments and environment can be read."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    https.stop()
    mute = Mute(docker, tmp_path / "mute", https.port)
    mute.start()
    spine = Spine(davit, repo, docker, source={
        "origin": https.url("infra.git"), "username": USER, "passwordFile": str(password), "caFile": str(https.ca),
        "fetchTimeout": "10m"})
    spine.start()

    def helper():
        found = subprocess.run(["pgrep", "-P", str(spine.daemon.process.pid)], capture_output=True, text=True).stdout
        return found.split()

    wait_for(helper, 20, "the fetch is under way")
    for name in ("cmdline", "environ"):
        with open(f"/proc/{helper()[0]}/{name}", encoding="utf-8", errors="replace") as file:
            assert PASSWORD not in file.read()
    [pid] = helper()
    spine.daemon.kill()
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 20, "the helper ends with its davit, before its own deadline")
    mute.stop()
