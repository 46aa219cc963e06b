"""What davit takes on a real dockerd of our own, beside the same calls sent straight to its API."""

import concurrent.futures
import http.client
import json
import os
import shutil
import subprocess
import threading
import time

from engine_api import UnixConnection
from figure import show
from private_engine import PrivateDocker
from support.davit import Davit
from support.repo import Repo
from support.spine import LABEL_OWNER, OWNER, Spine, service

IMAGE = "davit-demo:latest"
TASKS = 10
ROUNDS = 3
CONCURRENCIES = (1, 2, 4, 10)
REPLACEMENTS = 20
IDLE_TASKS = 100
IDLE_SECONDS = 60
LEAVE_AT_ONCE = "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"


def definition(message, family="web"):
    return {"kind": "TaskDefinition", "family": family, "containerDefinitions": [{
        "name": "app", "image": IMAGE, "memory": 16, "stopTimeout": 1, "entryPoint": ["/bin/sh", "-c"],
        "command": [LEAVE_AT_ONCE], "environment": [{"name": "VERSION", "value": message}]}]}


class Events:
    """The engine's events as they come, stamped by the engine itself (seconds)."""

    def __init__(self, engine):
        self.items, self.changed = [], threading.Condition()
        self.connection = UnixConnection(engine.socket, timeout=None)
        self.connection.request("GET", "/events?filters=" + '{"type":["container"]}'.replace('"', "%22"))
        self.answer = self.connection.getresponse()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.answer:
                with self.changed:
                    self.items.append(json.loads(line))
                    self.changed.notify_all()
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return  # the engine is gone

    def after(self, begin, action, count=1, timeout=120):
        """The time of the count-th event of a kind after the first `begin` events."""
        def times():
            return [one["timeNano"] / 1e9 for one in self.items[begin:] if one["Action"] == action]

        with self.changed:
            if not self.changed.wait_for(lambda: len(times()) >= count, timeout):
                raise TimeoutError(f"{len(times())} of {count} times {action}")
            return times()[count - 1]


class Scene:
    """An engine, a repository with services on it, and the daemon."""

    def __init__(self, build, work, engine, services):
        self.engine, self.repo, self.version = engine, Repo(work / "repo"), 0
        self.repo.commit("first", {"web.json": definition("0"), **services})
        binary = build / "src/daemon/davit"
        self.spine = Spine(lambda config, on: Davit(binary, work / "davit", config, on), self.repo, engine,
                           logLevel="warning")
        self.spine.start()
        self.spine.converge(300)
        self.events = Events(engine)

    @property
    def pid(self):
        return self.spine.daemon.process.pid

    def settle(self):
        """Until the engine has been silent for a second."""
        known = -1
        while known != len(self.events.items):
            known = len(self.events.items)
            time.sleep(1)

    def commit(self):
        """Prepares the next version as a commit beside main, so that only the move of the branch is timed."""
        self.version += 1
        self.repo.git("checkout", "--quiet", "--detach")
        return self.repo.commit(f"version {self.version}", {"web.json": definition(str(self.version))})


class Docker(PrivateDocker):
    def start(self):
        super().start()
        self.api.import_image(IMAGE)


class Raw:
    """The calls of a rollout, with nothing around them; a kept connection a thread, as davit has."""

    def __init__(self, engine):
        self.engine, self.kept, self.count = engine, threading.local(), 0

    def call(self, method, path, body=None):
        if not hasattr(self.kept, "connection"):
            self.kept.connection = UnixConnection(self.engine.socket, timeout=60)
        self.kept.connection.request(method, path, json.dumps(body) if body else None,
                                     {"Content-Type": "application/json"} if body else {})
        answer = self.kept.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text else None

    def like(self, container):
        """What to create for another of a container of davit's, but without its labels: that one is not davit's."""
        found = self.engine.api.get(f"/containers/{container['Id']}/json")
        config = {key: found["Config"][key] for key in ("Image", "Entrypoint", "Cmd", "Env")}
        return {**config, "Labels": {"bench": "raw"}, "StopTimeout": 1, "HostConfig": found["HostConfig"]}

    def begin(self, body):
        created = self.call("POST", "/containers/create", body)["Id"]
        self.call("POST", f"/containers/{created}/start")
        return created

    def end(self, container):
        self.call("POST", f"/containers/{container}/stop?t=1")
        self.call("DELETE", f"/containers/{container}")

    def rollout(self, old, body, concurrency):
        """Replaces the old ones, each by a new one first; returns the new ones."""
        def replace(one):
            new = self.begin(body)
            self.end(one)
            return new

        with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
            return list(pool.map(replace, old))


def rolling(build, work):
    """Ten tasks go to a new version, each started before an old one stops."""
    with Docker() as engine:
        scene = Scene(build, work, engine, {"service.json": service(TASKS)})
        raw = Raw(engine)
        body = raw.like(scene.spine.containers()[0])
        own, floors = [], {concurrency: [] for concurrency in CONCURRENCIES}
        for _ in range(ROUNDS):
            own.append(time_davit(scene))
            for concurrency, times in floors.items():
                times.append(time_raw(scene, raw, body, concurrency))
        best = min(floors, key=lambda concurrency: sorted(floors[concurrency])[ROUNDS // 2])
        show(f"rolling_{TASKS}", "s", own, 1.15, "ratio", floor=floors[best], floor_concurrency=best)
        scene.spine.daemon.kill()
        engine.api.clean()
        compare_with_compose(engine, work, own)


def time_davit(scene):
    commit = scene.commit()
    scene.settle()
    known, began = len(scene.events.items), time.time()
    scene.repo.git("update-ref", "refs/heads/main", commit)
    ended = scene.events.after(known, "destroy", TASKS)
    return max(ended, scene.events.after(known, "start", TASKS)) - began


def time_raw(scene, raw, body, concurrency):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        old = list(pool.map(raw.begin, [body] * TASKS))
    scene.settle()
    known, began = len(scene.events.items), time.time()
    new = raw.rollout(old, body, concurrency)
    took = scene.events.after(known, "destroy", TASKS) - began
    for container in new:
        raw.end(container)
    return took


def compare_with_compose(engine, work, own):
    """The same ten containers made anew by docker-compose; it stops the old ones before it starts new ones."""
    if not shutil.which("docker-compose"):
        return
    file = work / "docker-compose.yml"
    environment = {**os.environ, "DOCKER_HOST": f"unix://{engine.socket}", "COMPOSE_PROJECT_NAME": "bench"}
    times = []
    for version in range(ROUNDS + 1):
        file.write_text(json.dumps({"version": "2.4", "services": {"web": {
            "image": IMAGE, "entrypoint": ["/bin/sh", "-c"], "command": [LEAVE_AT_ONCE.replace("$", "$$")],
            "mem_limit": "16m", "stop_grace_period": "1s", "network_mode": "bridge", "scale": TASKS,
            "environment": {"VERSION": str(version)}}}}))
        began = time.time()
        subprocess.run(["docker-compose", "-f", file, "up", "-d"], env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.time() - began)
    show(f"rolling_{TASKS}_compose", "s", own, 1, "ratio", peer=times[1:])


def replace(build, work):
    """A container that somebody removed by force: until its replacement has started."""
    with Docker() as engine:
        scene = Scene(build, work, engine, {"service.json": service(TASKS)})
        raw = Raw(engine)
        body = raw.like(scene.spine.containers()[0])
        whole, own, floor = [], [], []
        for _ in range(REPLACEMENTS):
            scene.settle()
            victim = scene.spine.containers()[0]["Id"]
            known, began = len(scene.events.items), time.time()
            engine.api.delete(f"/containers/{victim}", force=1)
            started = scene.events.after(known, "start")
            whole.append((started - began) * 1000)
            own.append((started - scene.events.after(known, "destroy")) * 1000)
            scene.settle()
            known, began = len(scene.events.items), time.time()
            other = raw.begin(body)
            floor.append((scene.events.after(known, "start") - began) * 1000)
            raw.end(other)
        show("replace_after_destroy", "ms", own, floor=floor)
        show("replace_after_request", "ms", whole, floor=floor)
        scene.spine.daemon.kill()


def status(pid, field):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def switches(pid):
    tasks = os.listdir(f"/proc/{pid}/task")
    return sum(status(f"{pid}/task/{task}", "voluntary_ctxt_switches") for task in tasks)


def cpu_ms(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def idle(build, work):
    """A daemon with a hundred tasks and nothing to do."""
    with Docker() as engine:
        services = {f"service-{i}.json": service(TASKS, name=f"web-{i}") for i in range(IDLE_TASKS // TASKS)}
        scene = Scene(build, work, engine, services)
        scene.settle()
        time.sleep(5)
        pid, minutes = scene.pid, IDLE_SECONDS / 60
        woken, used = switches(pid), cpu_ms(pid)
        time.sleep(IDLE_SECONDS)
        show("idle_wakeups", "1/min", [(switches(pid) - woken) / minutes])
        show("idle_cpu", "ms/min", [(cpu_ms(pid) - used) / minutes])
        show("idle_rss", "MiB", [status(pid, "VmRSS:") / 1024], 10, "max")
        show("idle_rss_private", "MiB", [status(pid, "RssAnon:") / 1024])
        assert len(engine.api.containers(**{LABEL_OWNER.replace(".", "__"): OWNER})) == IDLE_TASKS
        if os.environ.get("DAVIT_BENCH_SMAPS"):
            shutil.copy(f"/proc/{pid}/smaps", os.environ["DAVIT_BENCH_SMAPS"])
        scene.spine.daemon.kill()


BENCHES = {"rolling": rolling, "replace": replace, "idle": idle}
