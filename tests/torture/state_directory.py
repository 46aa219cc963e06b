"""The daemon's state directory on a disk (tmpfs) with room for n pages, for growing n until that is enough.

Never a crash: a daemon that cannot start says where and why, one that runs goes on, and room is all it takes to come up.
"""

import ctypes
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("e2e", "lib")]

from results import SKIPPED  # noqa: E402
from support.davit import Davit, wait_for  # noqa: E402
from support.repo import IDENTITY, Repo  # noqa: E402
from support.spine import definition, service  # noqa: E402

ROOMS = [*range(24), 32, 48, 64]
FULL = r"No space left|disk full|is damaged"
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000


def private_mounts():
    """Whatever is mounted from here on is gone with this process; False without the right to that."""
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.unshare(CLONE_NEWNS) == 0 and libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) == 0


def fill(disk, pages):
    with open(disk / "filler", "wb") as filler:
        free = os.fstatvfs(filler.fileno())
        os.posix_fallocate(filler.fileno(), 0, (free.f_bavail - pages) * free.f_bsize)


def has_ended(daemon):
    return daemon.process.poll() is not None


def is_deployed(daemon, commit):
    process = daemon.run("status", "-o", "json")
    return process.returncode == 0 and commit in process.stdout and '"ok": true' in process.stdout


def has_ledger(state):
    git = ["git", "-C", str(state / "ledger.git")]
    listed = subprocess.run([*git, "ls-tree", "-r", "--name-only", "refs/davit/state"], capture_output=True, text=True)
    return "families/" in listed.stdout


def is_sound(daemon):
    log = daemon.log_text()
    assert "Sanitizer" not in log and "runtime error" not in log and "Assertion" not in log, log


def comes_up(daemon, state, commit, ends):
    """Starts it again, once, if it could not start: that ends at any moment after it said why."""
    if has_ended(daemon):
        log = daemon.log_text()
        ends.append(daemon.process.returncode)
        if len(ends) > 1 or ends[0] <= 0 or str(state) not in log or not re.search(FULL, log):
            sys.exit(f"ended with {ends}\n{log}")
        daemon.start()
    return is_deployed(daemon, commit) and has_ledger(state)


def torture(binary, top, disk, repo, pages):
    """Returns whether there was room enough."""
    directory, state, commit = top / str(pages), disk / str(pages), repo.head()
    daemon = Davit(binary, directory, {
        "source": {"origin": str(repo.directory), "branch": "main"},
        "owner": "torture", "stateDirectory": str(state), "socket": str(directory / "s"),
        "instances": [{"name": "local", "endpoint": f"unix://{top}/nobody"}],
    })
    daemon.environment["DAVIT_SOCKET"] = str(directory / "s")
    fill(disk, pages)
    with daemon:
        daemon.start()
        wait_for(lambda: has_ended(daemon) or re.search(FULL, daemon.log_text())
                 or (is_deployed(daemon, commit) and has_ledger(state)), 60, f"{pages} pages: an outcome")
        (disk / "filler").unlink()
        ends = []
        wait_for(lambda: comes_up(daemon, state, commit, ends), 90, f"{pages} pages: it comes up with room")
        enough = not re.search(FULL, daemon.log_text())
        assert daemon.stop() == 0, daemon.log_text()
        is_sound(daemon)
    subprocess.run(["git", "-C", state / "ledger.git", "fsck", "--strict", "--no-dangling"], check=True,
                   env={**os.environ, **IDENTITY})
    print(f"{pages} pages: {'enough' if enough else 'too little'}", flush=True)
    return enough


def main():
    if not private_mounts():
        print("a mount namespace of its own needs root")
        return SKIPPED
    binary = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        top, disk = Path(name), Path(name) / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], check=True)
        repo = Repo(top / "repo")
        repo.commit("web", {"web.json": definition("demo"), "service.json": service(1)})
        try:
            enough = [pages for pages in ROOMS if torture(binary, top, disk, repo, pages)]
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)
        assert enough and enough[0] > 0, enough
    return 0


if __name__ == "__main__":
    sys.exit(main())
