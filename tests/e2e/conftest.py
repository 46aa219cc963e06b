"""Fixtures of the end-to-end tests.

Several workers (pytest-xdist) run them at the same time. Each worker starts engines of its own, one of each kind that it
needs, and empties them after each test.
"""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from private_engine import EngineUnavailable, PrivateDocker, PrivatePodman  # noqa: E402

from support.davit import Davit, built_binary  # noqa: E402
from support.git_servers import HTTP_BACKEND, Https, Ssh  # noqa: E402
from support.proxy import RecordingProxy  # noqa: E402
from support.receivers import Receiver  # noqa: E402
from support.repo import Repo  # noqa: E402
from support.sampler import EngineSampler  # noqa: E402
from support.spine import Spine  # noqa: E402

DEMO_IMAGE = "davit-demo:latest"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes so long that it should begin first")
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, stop_worker)


def stop_worker(*_):
    # As an exception it unwinds through the fixtures, which take down what they have set up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pytest.exit("terminated", returncode=3)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that share a fixture of their file stay on one worker. What takes longest begins first."""
    for item in items:
        shared = shared_fixtures(item)
        if shared:
            item.add_marker(pytest.mark.xdist_group("-".join([item.path.stem, *shared])))
    items.sort(key=lambda item: not (item.get_closest_marker("xdist_group") or item.get_closest_marker("long")))


def shared_fixtures(item):
    """The module's fixtures that a test uses, each with its parameter."""
    definitions = item._fixtureinfo.name2fixturedefs
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return [f"{name}-{parameters.get(name, '')}".rstrip("-") for name in item.fixturenames
            if name in definitions and definitions[name][-1].scope == "module"]


def session_engine(kind):
    """Starts an engine for the session, with the demo image in it; skips with the reason if that cannot be."""
    try:
        engine = kind()
        engine.start()
    except EngineUnavailable as error:
        pytest.skip(str(error))
    try:
        engine.api.import_image(DEMO_IMAGE)
        engine.kept_images = engine.api.images()
        yield engine
    finally:
        engine.stop()


def emptied(engine, daemons):
    """Daemons end first, or they would put back what is removed; and what the engine was asked for last has to be there
    before its cleaning. The deadline is for who of the test is still connected."""
    empty(engine)
    yield engine
    for daemon in daemons:
        daemon.kill()
    deadline = time.monotonic() + 60
    while engine.is_asked() and time.monotonic() < deadline:
        time.sleep(0.02)
    empty(engine)


def empty(engine):
    """Leaves the demo image alone."""
    engine.api.clean()
    engine.api.remove_images(engine.kept_images)


@pytest.fixture(scope="session")
def docker_session():
    yield from session_engine(PrivateDocker)


@pytest.fixture(scope="session")
def second_docker_session():
    yield from session_engine(PrivateDocker)


@pytest.fixture(scope="session")
def podman_session():
    yield from session_engine(PrivatePodman)


@pytest.fixture
def docker(docker_session, daemons):
    """A Docker engine of our own (.socket, .api, .inside(), .http_get()), empty but for the demo image."""
    yield from emptied(docker_session, daemons)


@pytest.fixture
def second_docker(second_docker_session, daemons):
    """Another Docker engine, in another network, for tests with more than one container instance."""
    yield from emptied(second_docker_session, daemons)


@pytest.fixture
def podman(podman_session, daemons):
    """The same for podman."""
    yield from emptied(podman_session, daemons)


@pytest.fixture(params=["docker", "podman"])
def engine(request):
    """Runs the test on each kind of engine."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def demo_image():
    """An image with busybox that serves /www on port 80; engine.api.import_image() makes others."""
    return DEMO_IMAGE


@pytest.fixture
def repo(tmp_path):
    """An empty git repository on branch main."""
    return Repo(tmp_path / "repo")


@pytest.fixture
def root(tmp_path, repo):
    """Where the servers find repositories: infra.git, that repo.push() pushes into."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "root" / "infra.git"], check=True)
    return tmp_path / "root"


@pytest.fixture
def https(docker, tmp_path, root):
    if not shutil.which("lighttpd", path="/usr/sbin:/usr/bin") or not shutil.which(HTTP_BACKEND):
        pytest.skip("lighttpd or git http-backend is not installed")
    server = Https(docker, tmp_path / "https", root)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def ssh(docker, tmp_path):
    if not shutil.which("/usr/sbin/sshd"):
        pytest.skip("sshd is not installed")
    server = Ssh(docker, tmp_path / "ssh")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def daemons():
    """What davit(...) of this test has made."""
    return []


@pytest.fixture
def davit(tmp_path, daemons):
    """davit(config, engine) makes a daemon with its own directory, not yet started; it is killed after the test."""
    binary = built_binary()
    if not binary:
        pytest.skip("davit is not built")

    def make(config, engine=None, environment=None):
        daemon = Davit(binary, tmp_path / f"davit-{len(daemons)}", config, engine, environment)
        daemons.append(daemon)
        return daemon

    yield make
    for daemon in daemons:
        daemon.kill()
        # Shown only if the test has failed.
        print(f"--- {daemon.log}\n{daemon.log_text()[-8000:]}")


@pytest.fixture
def spine(davit, repo, docker):
    """A daemon, not yet started, with its repository and one engine."""
    return Spine(davit, repo, docker)


@pytest.fixture
def versions(docker):
    """Two images of the same program that differ."""
    names = ["davit-version-one:1", "davit-version-two:1"]
    for name in names:
        docker.api.import_image(name, files={"/version": name})
    return names


@pytest.fixture
def sampler():
    """sampler(engine) starts to watch an engine."""
    started = []

    def start(engine):
        started.append(EngineSampler(engine.socket).__enter__())
        return started[-1]

    yield start
    for one in started:
        one.__exit__()


@pytest.fixture
def proxy():
    """proxy(engine) starts a recording proxy to an engine; its .path is the socket to connect to."""
    started = []

    def start(engine):
        path = engine.directory / f"proxy-{len(started)}.sock"
        started.append(RecordingProxy(path, engine.socket).__enter__())
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def receiver(docker):
    """receiver(kind, ...) listens in the engine's network."""
    started = []

    def start(kind, **options):
        started.append(Receiver(docker, kind, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
