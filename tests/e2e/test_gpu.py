"""GPUs: an instance without any is told apart, and the engine is asked for the very one that was chosen. The engine here
has no driver for it and says so."""

import json

import pytest

from support.davit import wait_for
from support.proxy import RecordingProxy
from support.spine import Spine, definition, service


class Listener(RecordingProxy):
    """Keeps all that davit says: the engine has what it refuses for no longer than an instant."""

    said = b""

    def pump(self, source, target, reader):
        if reader:
            feed = reader.feed

            def listen(data):
                self.said += data
                feed(data)

            reader.feed = listen
        super().pump(source, target, reader)

    def requested(self):
        """The devices of every container that was asked for."""
        found = []
        for part in self.said.split(b"\r\n\r\n"):
            try:
                body = json.JSONDecoder().raw_decode(part.decode(errors="replace"))[0]
                found += body["HostConfig"]["DeviceRequests"]
            except (ValueError, LookupError, TypeError):
                continue
        return found


@pytest.fixture
def engine(docker):
    with Listener(docker.directory / "listener.sock", docker.socket) as listener:
        yield listener


def test_only_where_there_is_one(davit, repo, docker, engine, demo_image):
    spine = Spine(davit, repo, docker, endpoint=engine.path)
    gpu = [{"type": "GPU", "value": "1"}]
    spine.repo.commit("web", {"web.json": definition(demo_image, resourceRequirements=gpu), "service.json": service(1)})
    spine.start()
    lacks = "local: has insufficient GPU resource available (0 free, 1 needed)"
    wait_for(lambda: lacks in spine.daemon.run("status").stdout, 20, "the reason is told")
    assert not spine.containers(running=False)

    spine.repo.commit("its GPUs", {"cluster.json": {"clusterName": "default", "davit": {"containerInstances": [
        {"name": "local", "gpus": ["GPU-0badcafe"]}]}}})
    seen = wait_for(engine.requested, 30, "the engine is asked for it")
    assert seen[0]["Driver"] == "nvidia" and seen[0]["DeviceIDs"] == ["GPU-0badcafe"]
    assert seen[0]["Capabilities"] == [["gpu"]] and not seen[0].get("Count")
    found = json.loads(spine.daemon.run("get", "instances", "-o", "json").stdout)["instances"][0]
    assert found["clusters"]["default"]["gpus"] == ["GPU-0badcafe"]
