"""An engine that answers nonsense: status says so, nothing spins or grows, and it goes on where the engine does."""

import contextlib
import os
import re
import signal
import time

import pytest

from support.davit import wait_for
from support.fake_engine import FakeEngine, watch_memory
from support.spine import Spine, definition, service
from support.standing import lives

MODES = {
    "garbage": "",
    "nonsense": "JSON",
    "wrong": "",
    "half": "",
    "close": "",
    "silent": "",
    "endless": "LIMIT_ENGINE_REPLY_BYTES",
}


@pytest.fixture
def fake(docker):
    engine = FakeEngine(docker.directory / "fake.sock", docker.socket)
    with engine:
        yield engine


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextlib.contextmanager
def frozen(docker):
    """Stops the engine's daemon in its tracks: the kernel takes connections for it, and nobody answers."""
    pid = int((docker.directory / "dockerd.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def trouble(spine):
    instance = spine.daemon.json("status")["instances"][0]
    return instance.get("message") if not instance["connected"] else None


@pytest.mark.long
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "silent"])
def test_engine_that_turns_bad(davit, repo, docker, demo_image, fake, mode):
    spine = Spine(davit, repo, docker, endpoint=fake.path)
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(2)})
    spine.start()
    spine.converge()
    before = spine.ids()
    fake.become(mode)
    began, cpu = time.monotonic(), cpu_seconds(spine.daemon.process)
    # The first word is of the connection that ended; what the engine answers since then has to show as well.
    wait_for(lambda: re.search(MODES[mode], trouble(spine) or "") and trouble(spine), 15, f"status tells of {mode}")
    repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    spine.seen()
    assert watch_memory(spine.daemon.process, 2) < 160
    assert fake.rate(began) < 10
    assert cpu_seconds(spine.daemon.process) - cpu < 0.5 * (time.monotonic() - began)
    assert lives(spine.daemon) and spine.ids() == before
    print(mode, trouble(spine), fake.rate(began))
    fake.become("proxy")
    spine.converge(60)
    assert spine.texts() == ["two"] * 2


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_engine_that_is_bad_from_the_start(davit, repo, docker, demo_image, fake, mode):
    """Silence has a deadline of 30 s before davit speaks of it; until then status says that it is not connected."""
    fake.become(mode)
    spine = Spine(davit, repo, docker, endpoint=fake.path)
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(1)})
    began = time.monotonic()
    spine.start()
    wait_for(lambda: re.search(MODES[mode], trouble(spine) or ""), 20, f"status tells of {mode}")
    status = spine.daemon.run("status").stdout
    assert re.search(r"instance +local: \S+", status), status
    time.sleep(1)
    assert fake.rate(began) < 10 and lives(spine.daemon)
    fake.become("proxy")
    spine.converge(60)
    assert spine.texts() == ["one"]


def test_engine_that_falls_silent_later(davit, repo, docker, demo_image):
    """Its connections stand, the event stream too: the deadline of the next listing tells, here an asked-for one."""
    spine = Spine(davit, repo, docker)
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(2)})
    spine.start()
    spine.converge()
    with frozen(docker):
        spine.daemon.run("reconcile")
        wait_for(lambda: trouble(spine), 45, "status tells of the silence")
        repo.commit("web: second", {"web.json": definition(demo_image, "two")})
        spine.seen()
        cpu = cpu_seconds(spine.daemon.process)
        time.sleep(2)
        assert cpu_seconds(spine.daemon.process) - cpu < 0.5 and lives(spine.daemon)
        print(trouble(spine))
    spine.converge(90)
    assert spine.texts() == ["two"] * 2
