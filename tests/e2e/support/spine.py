"""A repository with one service, and a daemon on it: what most end-to-end tests start from."""

import datetime
import time

from .davit import PATIENCE, wait_for

OWNER = "e2e"
LABEL_OWNER = "davit.owner"
LABEL_TASK = "davit.task"
LABEL_DIGEST = "davit.digest"


# Of a definition: its container exits at once, and its health check has no answer by then, so that it counts as healthy on
# no machine, however late the engine tells of the exit.
CRASHES = {"command": "exit 7", "healthCheck": {"command": ["CMD-SHELL", "exit 1"], "interval": 300}}


def definition(image, message="one", command=None, family="web", **container):
    """A task definition of one container that serves `message` on port 80."""
    serve = f"mkdir -p /www && echo {message} > /www/index.html && exec httpd -f -p 80 -h /www"
    return {
        "kind": "TaskDefinition",
        "family": family,
        "containerDefinitions": [{
            "name": "app", "image": image, "memory": 32, "stopTimeout": 1,
            "entryPoint": ["/bin/sh", "-c"], "command": [command or serve],
            "portMappings": [{"containerPort": 80}],
            **container,
        }],
    }


def gated(task, path):
    """The task definition, whose first container is healthy from when the file `path` exists and not before, however
    slow the machine is."""
    container = task["containerDefinitions"][0]
    container["healthCheck"] = {"command": ["CMD-SHELL", f"test -e /gate/{path.name}"], "interval": 5, "retries": 10,
                                "startPeriod": 300}
    container["mountPoints"] = [{"sourceVolume": "gate", "containerPath": "/gate"}]
    task["volumes"] = [{"name": "gate", "host": {"sourcePath": str(path.parent)}}]
    return task


def service(count=2, name="web", family="web", minimum=100, maximum=200, healthy_seconds=0, **more):
    return {
        "kind": "Service", "serviceName": name, "taskDefinition": family, "desiredCount": count,
        "deploymentConfiguration": {"minimumHealthyPercent": minimum, "maximumPercent": maximum},
        "davit": {"minimumHealthySeconds": healthy_seconds},
        **more,
    }


def engine_seconds(text):
    """Of the engine's "2026-11-22T17:00:00.123456789Z", since the epoch."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + float(f"0.{fraction or 0}")


class Spine:
    """The daemon, its repository and its engine."""

    def __init__(self, davit, repo, engine, endpoint=None, **config):
        self.repo, self.engine = repo, engine
        self.directory_config = {
            "source": {"origin": str(repo.directory), "branch": "main"},
            "owner": OWNER,
            "stoppedTaskRetention": "0s",
            "logLevel": "debug",
            "instances": [{"name": "local", "endpoint": f"unix://{endpoint or engine.socket}"}],
            **config,
        }
        self.daemon = davit(self.directory_config, engine)
        self.daemon.configure({
            **self.directory_config,
            "stateDirectory": str(self.daemon.directory / "state"),
            "socket": str(self.daemon.directory / "davit.sock"),
        })
        self.daemon.environment["DAVIT_SOCKET"] = str(self.daemon.directory / "davit.sock")

    def start(self):
        self.daemon.start()
        wait_for(lambda: self.daemon.run("status").returncode == 0, 40, "the daemon answers")

    def begin(self, image):
        """Commits the service web, starts the daemon and waits until it runs."""
        self.repo.commit("web", {"web.json": definition(image), "service.json": service(2)})
        self.start()
        self.converge()

    def state(self, name="web"):
        """What `davit get services` says of a service."""
        return next(one["state"] for one in self.daemon.json("get", "services")["services"] if one["name"] == name)

    def seen(self, commit=None):
        """davit has looked at the commit, whatever came of it."""
        commit = commit or self.repo.head()
        wait_for(lambda: commit in self.daemon.run("status", "-o", "json").stdout, 40, f"davit sees {commit}")

    def at_rest(self, count):
        """So many containers are all that is left, and nothing is under way: a task that was on its way when its
        deployment failed still comes and goes."""
        wait_for(lambda: len(self.containers(running=False)) == count
                 and not any(one["actions"] for one in self.daemon.json("get", "services")["services"]), 40, f"{count} are left")

    def wait(self, *targets, timeout=60):
        timeout *= PATIENCE
        return self.daemon.run("wait", *targets, "--timeout", f"{timeout}s", timeout=timeout + 60)

    def converge(self, timeout=60):
        """Waits until the head commit runs."""
        self.seen()
        process = self.wait(timeout=timeout)
        assert process.returncode == 0, f"davit wait: {process.returncode}\n{process.stdout}{process.stderr}"

    def containers(self, running=True):
        found = self.engine.api.containers(**{LABEL_OWNER: OWNER})
        return [one for one in found if not running or one["State"] == "running"]

    def ids(self):
        return sorted(one["Id"] for one in self.containers())

    def tasks(self):
        return sorted(one["Labels"][LABEL_TASK] for one in self.containers())

    def texts(self):
        """What each running task answers over HTTP on its published port; who runs may need a moment to listen."""
        deadline = time.monotonic() + 20 * PATIENCE
        while True:
            # Not those of IPv6: a receiver of the test may have the same number on 127.0.0.1.
            ports = [p["PublicPort"] for one in self.containers() for p in one["Ports"] if "PublicPort" in p and p.get("IP") != "::"]
            texts = [self.text(port) for port in sorted(set(ports))]
            if "" not in texts or time.monotonic() > deadline:
                return texts
            time.sleep(0.1)

    def text(self, port):
        """What answers on a port; "": nothing does yet, though the port is published."""
        try:
            return self.engine.http_get("127.0.0.1", port, timeout=20)[1].decode().strip()
        except OSError:
            return ""
