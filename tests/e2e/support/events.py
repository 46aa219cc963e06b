"""What happened to an engine's containers, in the engine's own order: nothing is missed, however busy the machine is."""

import json
import socket
import threading
import time
import urllib.parse

from engine_api import UnixConnection

STATES = {"create": "created", "start": "running", "die": "exited"}


class EngineEvents:
    """Follows the events of a Docker engine that has no containers yet. moments holds (ns since 1970, {id: (state,
    health)}), one for every change."""

    def __init__(self, path, label, value):
        self.label, self.value, self.moments = label, value, []
        self.connection = UnixConnection(path, timeout=None)
        # dockerd answers an instant before it begins to listen: what comes in between is asked for by its time.
        now = time.time_ns()
        since = f"{now // 10**9}.{now % 10**9:09d}"
        query = urllib.parse.urlencode({"since": since, "filters": json.dumps({"type": ["container"]})})
        self.connection.request("GET", f"/events?{query}")
        self.stream = self.connection.getresponse()
        self.thread = threading.Thread(target=self.follow, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.connection.close()

    def follow(self):
        containers = {}
        for line in self.stream:
            event = json.loads(line)
            if event["Actor"]["Attributes"].get(self.label) == self.value and self.apply(event, containers):
                self.moments.append((event["timeNano"], dict(containers)))

    @staticmethod
    def apply(event, containers):
        """Whether the event changes anything."""
        action, identifier = event["Action"], event["Actor"]["ID"]
        if action in STATES:
            containers[identifier] = (STATES[action], "none")
        elif action.startswith("health_status: ") and identifier in containers:
            containers[identifier] = (containers[identifier][0], action.removeprefix("health_status: "))
        elif action == "destroy":
            containers.pop(identifier, None)
        else:
            return False
        return True

    def counts(self, predicate, since):
        """How many containers predicate(state, health) held for, at since (ns) and after every change from then on."""
        first = max((i for i, (time, _) in enumerate(self.moments) if time <= since), default=0)
        return [sum(predicate(*one) for one in containers.values()) for _, containers in self.moments[first:]]
