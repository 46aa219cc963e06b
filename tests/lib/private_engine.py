"""A container engine for tests: a network namespace, a cgroup and a directory of its own, removed without a trace.

Everything is found again by the engine's name alone, davit-test-OWNER-START-RANDOM: the network namespace and the
cgroup are called so, and its files are in /tmp under it. So an engine can be torn down by another process than the one
that started it, and one whose owner was killed is swept away when the next one starts.
"""

import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from engine_api import PATIENCE_SECONDS, EngineApi, answers, missing_tools

PREFIX = "davit-test-"
DOCKER_TOOLS = ("dockerd", "containerd", "runc", "ip", "nsenter", "iptables", "busybox")
PODMAN_TOOLS = ("podman", "runc", "ip", "nsenter", "iptables", "busybox")
START_SECONDS = 180
CLONE_NEWNET = 0x40000000
LISTENS = "01"  # in /proc/net/unix; who connects has other states

CONTAINERD_CONFIG = """version = 2
root = "{directory}/containerd"
state = "{directory}/containerd-run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{directory}/containerd.sock"
"""

# Where the engine itself runs in a container its limits are already the highest it may set.
PODMAN_CONFIG = """[containers]
default_ulimits = []
cgroups = "enabled"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class EngineUnavailable(Exception):
    """This machine cannot run the engine; the text is the reason."""


def start_time(pid):
    """When a process was started, in clock ticks since boot, or None if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


class PrivateEngine:
    """What the engines share. Use PrivateDocker or PrivatePodman; start() and stop(), or with."""

    tools = ()

    def __init__(self, owner=None, name=None):
        owner = owner or os.getpid()
        self.name = name or f"{PREFIX}{owner}-{start_time(owner)}-{secrets.token_hex(2)}"
        self.directory = Path("/tmp") / self.name
        self.socket = self.directory / "engine.sock"
        self.api = EngineApi(self.socket)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Starts the engine and waits until it answers."""
        reason = missing_tools(*self.tools)
        if reason:
            raise EngineUnavailable(reason)
        sweep()
        self.directory.mkdir(mode=0o700)
        try:
            subprocess.run(["ip", "netns", "add", self.name], check=True)
            subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
            self.start_engine()
        except BaseException:
            tear_down(self.name)
            raise

    def stop(self):
        """Kills the engine with its containers and removes all its traces."""
        tear_down(self.name)

    def is_asked(self):
        """Whether somebody is connected to its socket, or is gone with a request that the engine is still at."""
        for process in (self.process.pid, "self"):  # a connection is of the network of whoever made it
            sockets = Path(f"/proc/{process}/net/unix").read_text().splitlines()
            if any(line.split()[5] != LISTENS and line.endswith(f" {self.socket}") for line in sockets):
                return True
        return False

    def inside(self, *command):
        """The command line that runs command in the engine's network. (ip netns exec would hide the cgroups.)"""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *map(str, command)]

    def within(self, make_socket):
        """A socket that make_socket() makes inside the engine's network."""
        result = []

        def enter_and_make():
            try:
                with open(f"/run/netns/{self.name}") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result.append(make_socket())
            except OSError as error:
                result.append(error)

        # The namespace belongs to the thread; a socket keeps the one it was made in.
        thread = threading.Thread(target=enter_and_make)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    def connect(self, host, port, timeout=PATIENCE_SECONDS):
        """A TCP connection from inside the engine's network."""
        return self.within(lambda: socket.create_connection((host, port), timeout))

    def http_get(self, host, port, path="/", timeout=PATIENCE_SECONDS):
        """(status, body) of an HTTP GET from inside the engine's network."""
        with self.connect(host, port, timeout) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        if not answer:
            # Docker's proxy of a published port takes connections before the container does.
            raise ConnectionError(f"{host}:{port} closed the connection")
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def spawn(self, name, *command, environment=None):
        """Starts a daemon of the engine in its network, its output in NAME.log."""
        with open(self.directory / f"{name}.log", "ab") as log:
            return subprocess.Popen(
                self.inside(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(environment or {})}, cwd="/",
            )

    def log_tail(self, name):
        lines = (self.directory / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])

    def wait_until(self, ready, process):
        """Waits for ready(); False if the process ended before, or took too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if ready():
                return True
            time.sleep(0.05)
        return False


class PrivateDocker(PrivateEngine):
    """dockerd with a containerd of its own."""

    tools = DOCKER_TOOLS

    def start_engine(self):
        (self.directory / "containerd.toml").write_text(CONTAINERD_CONFIG.format(directory=self.directory))
        (self.directory / "daemon.json").write_text("{}\n")
        self.containerd = self.spawn("containerd", "containerd", "--config", self.directory / "containerd.toml")
        if not self.wait_until((self.directory / "containerd.sock").exists, self.containerd):
            raise EngineUnavailable(f"containerd did not start: {self.log_tail('containerd')}")
        for driver in ("overlay2", "vfs"):
            self.start_dockerd(driver)
            if self.wait_until(lambda: answers(self.socket), self.dockerd):
                return
            self.kill_dockerd()
        raise EngineUnavailable(f"dockerd did not start: {self.log_tail('dockerd')}")

    @property
    def process(self):
        return self.dockerd

    def start_dockerd(self, driver):
        self.driver = driver
        self.dockerd = self.spawn(
            "dockerd", "dockerd", "--host", f"unix://{self.socket}", "--config-file", self.directory / "daemon.json",
            "--containerd", self.directory / "containerd.sock", "--data-root", self.directory / "data",
            "--exec-root", self.directory / "exec", "--pidfile", self.directory / "dockerd.pid",
            "--storage-driver", driver, "--cgroup-parent", f"/{self.name}",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--log-level", "warn",
        )

    def kill_dockerd(self):
        """As a crash would: containers go on running."""
        self.dockerd.kill()
        self.dockerd.wait()
        (self.directory / "dockerd.pid").unlink(missing_ok=True)

    def restart_dockerd(self):
        """Kills dockerd and starts it again on the same data."""
        self.kill_dockerd()
        self.start_dockerd(self.driver)
        if not self.wait_until(lambda: answers(self.socket), self.dockerd):
            raise EngineUnavailable(f"dockerd did not start again: {self.log_tail('dockerd')}")


class PrivatePodman(PrivateEngine):
    """podman's Docker-compatible API."""

    tools = PODMAN_TOOLS

    def start_engine(self):
        (self.directory / "containers.conf").write_text(PODMAN_CONFIG)
        self.podman = self.spawn(
            "podman", "podman", "--root", self.directory / "data", "--runroot", self.directory / "run",
            "--tmpdir", self.directory / "tmp", "--storage-driver", "vfs",
            "system", "service", "--time=0", f"unix://{self.socket}",
            environment={"CONTAINERS_CONF": str(self.directory / "containers.conf")},
        )
        if not self.wait_until(lambda: answers(self.socket), self.podman):
            raise EngineUnavailable(f"podman did not start: {self.log_tail('podman')}")

    @property
    def process(self):
        return self.podman

    def stop(self):
        # podman puts containers into a cgroup of its own choice, which is only removed with them.
        if answers(self.socket, PATIENCE_SECONDS):
            self.api.clean()
        super().stop()


def cgroup_directories(name):
    """Every directory of the engine's cgroup in every hierarchy, deepest first."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind = line.split()[:3]
        if kind in ("cgroup", "cgroup2"):
            for directory, _, _ in os.walk(Path(mount) / name, topdown=False):
                yield Path(directory)


def processes(name):
    """The ids of the engine's processes: those in its cgroup, in its network namespace, or rooted in its images."""
    found = set()
    for directory in cgroup_directories(name):
        try:
            found |= set((directory / "cgroup.procs").read_text().split())
        except OSError:
            continue
    listed = subprocess.run(["ip", "netns", "pids", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found |= set(listed.stdout.split())
    found |= {path.name for path in Path("/proc").glob("[0-9]*") if rooted_in(path, name)}
    return {int(pid) for pid in found} - {0, os.getpid()}


def rooted_in(process, name):
    """Whether the root file system of a process is one of the engine's."""
    try:
        mounts = (process / "mountinfo").read_text().splitlines()
    except OSError:
        return False
    return any(line.split()[4] == "/" and f"/tmp/{name}/" in line for line in mounts)


def kill_all(name):
    """Kills until nothing is left; what was killed may just have started something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (pids := processes(name)) and time.monotonic() < deadline:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                continue
        time.sleep(0.02)


def unmount_all(directory):
    """Unmounts what is mounted below the directory, the innermost first."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{directory}/")), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", mount], stderr=subprocess.DEVNULL)


def tear_down(name):
    """Removes an engine, whatever state it is in."""
    directory = Path("/tmp") / name
    kill_all(name)
    unmount_all(directory)
    for cgroup in list(cgroup_directories(name)):
        try:
            cgroup.rmdir()
        except OSError:
            continue
    if Path(f"/run/netns/{name}").exists():
        subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)
    shutil.rmtree(directory, ignore_errors=True)


def sweep():
    """Tears down the engines whose owner is gone."""
    for path in [*Path("/run/netns").glob(f"{PREFIX}*"), *Path("/tmp").glob(f"{PREFIX}*")]:
        match = re.fullmatch(rf"{PREFIX}(\d+)-(\d+)-[0-9a-f]+", path.name)
        if match and start_time(match.group(1)) != match.group(2):
            tear_down(path.name)
