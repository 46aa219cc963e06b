"""Tasks that crash after their deployment has completed, read from the engine and from the status."""

from support.davit import wait_for
from support.spine import definition, service


def state(spine):
    [found] = spine.daemon.json("get", "services")["services"]
    return found


def test_a_crash_loop_is_told_and_is_over_with_the_next_content(spine, demo_image, tmp_path):
    """It runs until the file is there, however long its deployment takes."""
    web = definition(demo_image, command="until [ -e /host/crash ]; do sleep 0.1; done; exit 3",
                     mountPoints=[{"sourceVolume": "host", "containerPath": "/host"}])
    web["volumes"] = [{"name": "host", "host": {"sourcePath": str(tmp_path)}}]
    spine.repo.commit("web", {"web.json": web, "service.json": service(1, healthy_seconds=1)})
    spine.start()
    spine.converge()
    (tmp_path / "crash").touch()
    wait_for(lambda: state(spine)["state"] == "crash-looping", 60, "three tasks have crashed")
    found = state(spine)
    assert found["rolloutState"] == "COMPLETED" and not found["steady"]
    assert "container app exited with code 3" in found["waiting"]
    assert "crash-looping" in spine.daemon.run("status").stdout
    assert spine.wait(timeout=20).returncode == 1
    assert "is crash-looping: container app exited with code 3" in spine.daemon.run("events", "web").stdout
    spine.repo.commit("web: mended", {"web.json": definition(demo_image)})
    spine.converge()
    assert state(spine)["state"] == "steady"
    assert spine.texts() == ["one"]
