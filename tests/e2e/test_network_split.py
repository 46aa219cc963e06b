"""An instance beyond a network that breaks: its tasks run on, others do its work, and the surplus goes when it is back."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.davit import wait_for
from support.spine import definition, service
from test_placement import Fleet

RELAY = Path(__file__).parent / "support" / "relay.py"
PORT, NEAR, FAR = 2375, "10.213.77.1", "10.213.77.2"
LOST_AFTER_S = 10


def ip(engine, *command):
    subprocess.run(["ip", "-n", engine.name, *command], check=True)


class Cable:
    """A veth pair between the networks of two engines; davit is at the near end, the far engine's API at the other."""

    def __init__(self, near, far):
        self.near, self.far = near, far

    def __enter__(self):
        ip(self.near, "link", "add", "split", "type", "veth", "peer", "name", "split", "netns", self.far.name)
        for engine, address in ((self.near, NEAR), (self.far, FAR)):
            ip(engine, "address", "add", f"{address}/24", "dev", "split")
            ip(engine, "link", "set", "split", "up")
        self.relay = subprocess.Popen(self.far.inside(sys.executable, str(RELAY), str(PORT), str(self.far.socket), FAR))
        wait_for(self.is_plugged, 40, "the far engine can be reached")
        return self

    def is_plugged(self):
        try:
            self.near.connect(FAR, PORT).close()
        except OSError:
            return False
        return True

    def __exit__(self, *_):
        self.relay.kill()
        self.relay.wait()
        ip(self.near, "link", "delete", "split")
        for action in ("INPUT", "OUTPUT"):
            subprocess.run(self.far.inside("iptables", "--delete", action, *self.rule(action)), stderr=subprocess.DEVNULL)

    @staticmethod
    def rule(action):
        return ("--in-interface" if action == "INPUT" else "--out-interface", "split", "--jump", "DROP")

    def pull(self, how):
        """"link": the near end is told; "drop": packets vanish, both ways, and nobody is told."""
        if how == "link":
            ip(self.near, "link", "set", "split", "down")
        for action in ("INPUT", "OUTPUT") if how == "drop" else ():
            subprocess.run(self.far.inside("iptables", "--insert", action, *self.rule(action)), check=True)

    def plug(self, how):
        if how == "link":
            ip(self.near, "link", "set", "split", "up")
        for action in ("INPUT", "OUTPUT") if how == "drop" else ():
            subprocess.run(self.far.inside("iptables", "--delete", action, *self.rule(action)), check=True)


@pytest.mark.long
@pytest.mark.parametrize("how", ["link", "drop"])
def test_its_tasks_are_replaced_and_the_surplus_goes(davit, repo, docker, second_docker, demo_image, how):
    with Cable(docker, second_docker) as cable:
        two = Fleet(davit, repo, docker, second_docker, lostInstanceAfter=f"{LOST_AFTER_S}s")
        config = {**two.directory_config, "stateDirectory": str(two.daemon.directory / "state"),
                  "socket": str(two.daemon.directory / "davit.sock")}
        config["instances"][1]["endpoint"] = f"tcp://{FAR}:{PORT}"
        two.daemon.configure(config)
        two.repo.commit("web", {"web.json": definition(demo_image), "service.json": service(4)})
        two.start()
        two.converge()
        # New tasks are known from both engines: whatever delays what follows, it has answered since.
        heard = time.time()
        two.repo.commit("web: two", {"web.json": definition(demo_image, "two")})
        two.converge()
        assert two.counts() == (2, 2)
        near, far = two.on("one"), two.on("two")
        cable.pull(how)
        wait_for(lambda: "instance two does not answer" in two.daemon.run("status").stdout, 90, "it is missed")
        wait_for(lambda: len(two.on("one")) == 4, 90, "the other does its work")
        assert two.on("two") == far  # nobody could stop them
        created = [one["Created"] for one in docker.api.containers(**{"davit.service": "web"})
                   if one["Labels"]["davit.task"] not in near]
        assert len(created) == 2
        assert min(created) - heard > LOST_AFTER_S - 1, "not before it was silent for so long"
        assert set(near) < set(two.on("one"))

        cable.plug(how)
        wait_for(lambda: two.counts() == (2, 2), 120, "the surplus is stopped")
        assert two.on("two") == far  # the survivors stay, for they are older
        two.converge()
        assert set(two.on("one")) & set(near)
