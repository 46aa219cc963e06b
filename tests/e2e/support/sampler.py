"""Watches an engine's containers from outside, to hold davit to its bounds."""

import http.client
import json
import re
import threading
import time
from dataclasses import dataclass

from engine_api import UnixConnection

from .davit import PATIENCE

PERIOD_SECONDS = 0.05
DEADLINE_SECONDS = 20 * PATIENCE  # an engine on a busy disk answers late, which is no fault of anybody's


@dataclass(frozen=True)
class Container:
    """A container at one moment. health is healthy, unhealthy, starting, or none without a health check."""

    id: str
    name: str
    image: str
    state: str
    health: str
    labels: tuple

    def label(self, name):
        return dict(self.labels).get(name)

    @property
    def running(self):
        return self.state == "running"

    @property
    def serving(self):
        """Runs, and does not fail or still wait for a health check."""
        return self.running and self.health in ("none", "healthy")


@dataclass(frozen=True)
class Sample:
    """All containers from one moment (time.monotonic) until the next sample."""

    time: float
    containers: tuple


def container(item):
    health = re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", item.get("Status", ""))
    return Container(
        item["Id"], (item["Names"] or ["/"])[0].lstrip("/"), item["Image"], item["State"],
        health.group(1) if health else "none", tuple(sorted((item["Labels"] or {}).items())),
    )


class EngineSampler:
    """Lists the containers every 50 ms, straight from the engine, and keeps each listing that differs from the last.

    A listing is not atomic in time for the caller: what lives shorter than the period may be missed.
    """

    def __init__(self, socket):
        self.socket, self.samples, self.count, self.errors = str(socket), [], 0, []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.sample_until_end, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def sample_until_end(self):
        connection = UnixConnection(self.socket, timeout=DEADLINE_SECONDS)
        due = time.monotonic()
        while not self.ending.wait(max(0, due - time.monotonic())):
            due = max(due + PERIOD_SECONDS, time.monotonic())
            try:
                self.take(connection)
            except (OSError, http.client.HTTPException, ValueError) as error:
                # An engine that restarts is part of some tests; what was not seen is known from errors.
                self.errors.append((time.monotonic(), error))
                connection.close()
        connection.close()

    def take(self, connection):
        connection.request("GET", "/containers/json?all=1")
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise ValueError(f"{answer.status}: {text.decode(errors='replace')}")
        containers = tuple(sorted(map(container, json.loads(text)), key=lambda c: c.id))
        self.count += 1
        if not self.samples or self.samples[-1].containers != containers:
            self.samples.append(Sample(time.monotonic(), containers))

    def now(self):
        """The containers of the last sample."""
        return self.samples[-1].containers if self.samples else ()

    def counts(self, predicate, since=0.0):
        """[(time, number of containers for which predicate holds)] since a time, with the sample in force at it."""
        samples = list(self.samples)
        first = max((i for i, sample in enumerate(samples) if sample.time <= since), default=0)
        return [(sample.time, sum(map(predicate, sample.containers))) for sample in samples[first:]]

    def lowest(self, predicate, since=0.0):
        return min(count for _, count in self.counts(predicate, since))

    def highest(self, predicate, since=0.0):
        return max(count for _, count in self.counts(predicate, since))

    def wait(self, condition, timeout=20):
        """Waits until condition(containers) holds and returns the time of the sample it was first seen in."""
        timeout *= PATIENCE
        begin, deadline = len(self.samples) - 1, time.monotonic() + timeout
        while time.monotonic() < deadline:
            for sample in self.samples[max(begin, 0):]:
                if condition(sample.containers):
                    return sample.time
            begin = len(self.samples) - 1
            time.sleep(PERIOD_SECONDS / 2)
        states = "".join(f"\n  {c.name} {c.state} {c.health}" for c in self.now())
        raise AssertionError(f"not seen within {timeout} s; the containers are{states or ' none'}")
