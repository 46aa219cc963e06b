"""A daemon that runs for a whole file of tests: what each test breaks, it mends again."""

import contextlib
import os
from pathlib import Path

import pytest

from .davit import Davit, built_binary
from .repo import Repo
from .spine import Spine, definition, service

IMAGE = "davit-demo:latest"


def sanitizer_binary():
    """The davit of the developer's build (ASan and UBSan), or None."""
    build = os.environ.get("DAVIT_BUILD_DEV")
    found = Path(build) / "src/daemon/davit" if build else None
    return found if found and found.is_file() else None


def binary_of(kind):
    """The release build, or the one with sanitizers; skips with the reason where it is not built."""
    binary = built_binary() if kind == "release" else sanitizer_binary()
    if not binary:
        pytest.skip(f"davit is not built ({'DAVIT_BUILD' if kind == 'release' else 'DAVIT_BUILD_DEV'})")
    return binary


@contextlib.contextmanager
def standing_spine(directory, engine, binary, count=2, **config):
    """A started daemon on a repository with one service, converged."""
    daemons = []

    def make(settings, of, environment=None):
        daemons.append(Davit(binary, directory / "davit", settings, of, environment))
        return daemons[-1]

    spine = Spine(make, Repo(directory / "repo"), engine, **config)
    spine.repo.commit("web: first", {"web.json": definition(IMAGE), "service.json": service(count)})
    try:
        spine.start()
        spine.converge()
        yield spine
    finally:
        for daemon in daemons:
            daemon.kill()
            print(f"--- {daemon.log}\n{daemon.log_text()[-8000:]}")
        engine.api.clean()


def lives(daemon):
    """The daemon has not ended, and no sanitizer has spoken."""
    log = daemon.log_text()
    return daemon.process and daemon.process.poll() is None and "Sanitizer" not in log and "runtime error" not in log


def end(daemon):
    """Stops the daemon; a sanitizer makes its status non-zero if it leaked."""
    try:
        return daemon.stop()
    finally:
        daemon.kill()
