"""GPUs: an instance without any is told apart, and the engine is asked for the very one that was chosen. The engine here
has no driver for it and says so."""

import json

from engine_api import EngineError
from support.davit import wait_for
from support.spine import definition, service


def test_only_where_there_is_one(spine, demo_image):
    gpu = [{"type": "GPU", "value": "1"}]
    spine.repo.commit("web", {"web.json": definition(demo_image, resourceRequirements=gpu), "service.json": service(1)})
    spine.start()
    lacks = "local: has insufficient GPU resource available (0 free, 1 needed)"
    wait_for(lambda: lacks in spine.daemon.run("status").stdout, 20, "the reason is told")
    assert not spine.containers(running=False)

    spine.repo.commit("its GPUs", {"cluster.json": {"clusterName": "default", "davit": {"containerInstances": [
        {"name": "local", "gpus": ["GPU-0badcafe"]}]}}})
    seen = []

    def requested():
        for one in spine.containers(running=False):
            try:
                inspected = spine.engine.api.get(f"/containers/{one['Id']}/json")
            except EngineError:
                continue  # there is no such device: davit has removed it and tries anew
            seen.extend(inspected["HostConfig"]["DeviceRequests"] or [])
        return seen

    wait_for(requested, 30, "the engine is asked for it")
    assert seen[0]["Driver"] == "nvidia" and seen[0]["DeviceIDs"] == ["GPU-0badcafe"]
    assert seen[0]["Capabilities"] == [["gpu"]] and not seen[0].get("Count")
    found = json.loads(spine.daemon.run("get", "instances", "-o", "json").stdout)["instances"][0]
    assert found["clusters"]["default"]["gpus"] == ["GPU-0badcafe"]
