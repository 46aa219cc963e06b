"""Registries over TLS: who signs them, how davit logs in, and where a login does not go."""

import base64
import json
import time

import pytest

from support.repo import IDENTITY
from support.tls_registry import Authority, TlsRegistry, TlsServer, TokenService
from test_registry import hashed
from test_update_images import manifest

USER, PASSWORD = "puller", "r3g1stry-c4nary"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Asking:
    """davit update-images on a repository that names one image."""

    def __init__(self, davit, repo, tmp_path):
        self.repo, self.davit, self.config = repo, davit({}, None, IDENTITY), tmp_path / "docker.json"
        self.config.write_text("{}")

    def image(self, image):
        self.repo.commit("first", {"web.yaml": manifest(f"{image}:1.0.0", "{semver: 1.x}")})

    def log_in(self, host, password=PASSWORD):
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.config.write_text(json.dumps({"auths": {host: {"auth": auth}}}))

    def updates(self, *arguments, **environment):
        self.run(0, *arguments, **environment)
        assert ":1.1.0 " in self.repo.git("show", "HEAD:web.yaml")

    def refused(self, *arguments, words):
        head = self.repo.head()
        said = self.run(1, *arguments)
        assert words in said and self.repo.head() == head, said
        return said

    def run(self, status, *arguments):
        process = self.davit.run("update-images", "--repo", self.repo.directory, "--docker-config", self.config, *arguments,
                                 timeout=300)
        said = process.stdout + process.stderr
        assert process.returncode == status and PASSWORD not in said and LOGIN.split()[1] not in said, said
        return said


@pytest.fixture
def asking(davit, repo, tmp_path):
    return Asking(davit, repo, tmp_path)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def registry(tmp_path, authority):
    registry = TlsRegistry(tmp_path, authority).start()
    for tag in ("1.0.0", "1.1.0"):
        registry.push(tag)
    yield registry
    registry.stop()


@pytest.fixture
def server(authority):
    servers = []

    def start(handle, **options):
        servers.append(TlsServer(authority, handle, **options))
        return servers[-1]

    yield start
    for one in servers:
        one.stop()


def test_who_signs_it(asking, registry, authority, tmp_path):
    asking.image(registry.image)
    asking.refused(words="certificate")
    stranger = Authority(tmp_path, "stranger")
    asking.refused("--ca", stranger.file, words="certificate")
    asking.refused("--ca", tmp_path / "absent.pem", words="absent.pem")
    registry.start(days=-1)
    asking.refused("--ca", authority.file, words="expired")
    registry.start(address="192.0.2.1")
    asking.refused("--ca", authority.file, words="certificate")
    registry.start()
    certificates = tmp_path / "certs.d" / registry.host
    certificates.mkdir(parents=True)
    (certificates / "ca.crt").write_text(authority.file.read_text())
    asking.updates("--certs", certificates.parent, "--ca", stranger.file)  # that of the host comes first
    asking.repo.git("reset", "--quiet", "--hard", "HEAD~1")  # a commit that took it out again would be heeded
    asking.updates("--ca", authority.file)


def test_basic(asking, registry, authority, tmp_path):
    (tmp_path / "htpasswd").write_text(f"{USER}:{hashed(PASSWORD)}\n")
    registry.start({"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}})
    asking.image(registry.image)
    asking.refused("--ca", authority.file, words="wants a login")
    asking.log_in(registry.host, "wrong")
    asking.refused("--ca", authority.file, words="refuses the login")
    asking.log_in(registry.host)
    asking.updates("--ca", authority.file)


def test_a_token_of_another_host(asking, registry, authority, tmp_path):
    """As Docker has it: the realm is where the registry says, and gets the login that is the registry's."""
    service = TokenService(tmp_path, authority, f"{USER}:{PASSWORD}")
    registry.start(service.auth())
    asking.image(registry.image)
    asking.refused("--ca", authority.file, words="wants a login")
    asking.log_in(registry.host, "wrong")
    asking.refused("--ca", authority.file, words="its token service refuses the login")
    asking.log_in(registry.host)
    asking.updates("--ca", authority.file)
    assert all("scope=repository%3Ashop%2Fweb%3Apull" in path and not path.endswith("push") for path, _ in service.seen)
    service.stop()


def test_a_realm_that_gets_no_login(asking, authority, server):
    """One by plain HTTP, and one that a registry names which itself is asked by plain HTTP."""
    plain = server(lambda *_: (200, {}, b'{"token": "x"}'), plain=True)
    realm = server(lambda *_: (200, {}, b'{"token": "x"}'))

    def wants(where):
        return lambda *_: (401, {"WWW-Authenticate": f'Bearer realm="{where}/token"'}, b"")

    registry = server(wants(f"http://{plain.host}"))
    asking.image(f"{registry.host}/a/b")
    asking.log_in(registry.host)
    asking.refused("--ca", authority.file, words="by plain HTTP: that is not done")
    registry = server(wants(f"https://{realm.host}"), plain=True)
    asking.image(f"{registry.host}/a/b")
    asking.log_in(registry.host)
    asking.refused("--ca", authority.file, "--insecure-registry", registry.host, words="a login is not sent to")
    assert not plain.seen and not realm.seen and not registry.logins()


def test_where_blobs_are_stored_no_login_goes(asking, authority, server):
    store = server(lambda *_: (200, {}, b'{"tags": ["1.0.0", "1.1.0"]}'))
    plain = server(lambda *_: (200, {}, b'{"tags": ["1.0.0", "1.1.0"]}'), plain=True)
    place = [f"https://{store.host}/tags"]

    def handle(_method, path, headers):
        if headers.get("Authorization") != LOGIN:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        return 307, {"Location": place[0]}, b""

    registry = server(handle)
    asking.image(f"{registry.host}/a/b")
    asking.log_in(registry.host)
    asking.updates("--ca", authority.file)
    assert len(store.seen) == 1 and not store.logins() and registry.logins() == [LOGIN]
    place[0] = f"http://{plain.host}/tags"
    asking.image(f"{registry.host}/a/b")
    asking.refused("--ca", authority.file, words="from https to plain HTTP")
    assert not plain.seen


def test_one_that_is_busy_is_asked_again(asking, authority, server):
    times = []

    def handle(*_):
        times.append(time.monotonic())
        return (429, {"Retry-After": "2"}, b"") if len(times) == 1 else (200, {}, b'{"tags": ["1.0.0", "1.1.0"]}')

    registry = server(handle)
    asking.image(f"{registry.host}/a/b")
    asking.updates("--ca", authority.file)
    assert len(times) == 2 and times[1] - times[0] >= 2


@pytest.mark.long
def test_slow_loris(asking, authority, server):
    """A byte a second, for ever: given up after LIMIT_REGISTRY_CALL_MS, and not asked again."""
    def trickle():
        while True:
            time.sleep(1)
            yield b" "

    registry = server(lambda *_: (200, {}, trickle()))
    asking.image(f"{registry.host}/a/b")
    begin = time.monotonic()
    asking.refused("--ca", authority.file, words="a/b of ")
    assert len(registry.seen) == 1 and time.monotonic() - begin < 250


def test_what_is_no_json_or_without_end(asking, authority, server):
    body = []
    registry = server(lambda *_: (200, {"Content-Type": "application/json"}, body[0]))
    asking.image(f"{registry.host}/a/b")
    for body[:] in ([b"<html>"], [b'{"tags": 5}'], [b"\xff\xfe"], [b"[" * 100000]):
        asking.refused("--ca", authority.file, words="list of tags is none")
    body[:] = [b" " * (9 << 20)]
    asking.refused("--ca", authority.file, words="LIMIT_REGISTRY_REPLY_BYTES")
