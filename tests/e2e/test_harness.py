"""Proves that what the end-to-end tests stand on holds."""

import json
import os
import socket
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

from engine_api import EngineApi, UnixConnection
from private_engine import EngineUnavailable, PrivateDocker, processes, start_time, sweep
from support.davit import Davit, wait_for
from support.proxy import RequestReader


def address(api, container):
    """The address of a container on the engine's bridge; podman has it under the name of its network."""
    settings = api.get(f"/containers/{container}/json")["NetworkSettings"]
    return settings["IPAddress"] or next(iter(settings["Networks"].values()))["IPAddress"]


def serves(engine, host, port=80):
    try:
        return engine.http_get(host, port)
    except OSError:
        return None


def test_engine_answers_and_its_containers_serve(engine, demo_image):
    assert "ApiVersion" in engine.api.get("/version")
    container = engine.api.run(demo_image)
    assert wait_for(lambda: serves(engine, address(engine.api, container))) == (200, b"demo\n")


def test_published_port_is_private_to_the_engine(docker, demo_image):
    with socket.socket() as probe:  # a port that nobody of the host has, or gets
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        docker.api.run(
            demo_image, ExposedPorts={"80/tcp": {}}, HostConfig={"PortBindings": {"80/tcp": [{"HostPort": str(port)}]}}
        )
        assert wait_for(lambda: serves(docker, "127.0.0.1", port)) == (200, b"demo\n")
        with open("/proc/net/tcp") as file:
            assert f":{port:04X} 00000000:0000 0A" not in file.read()


def test_each_test_begins_with_an_empty_engine(docker):
    assert docker.api.containers() == []
    assert [image["RepoTags"] for image in docker.api.get("/images/json")] == [["davit-demo:latest"]]


def test_who_is_gone_has_asked_until_the_engine_has_done_it(engine, demo_image):
    before = len(engine.api.containers())
    for number in range(8):
        connection = UnixConnection(engine.socket)
        body = json.dumps({"Image": demo_image}).encode()
        connection.request("POST", f"/containers/create?name=late-{number}", body, {"Content-Type": "application/json"})
        connection.close()
    wait_for(lambda: not engine.is_asked())
    found = len(engine.api.containers())
    time.sleep(1)
    assert len(engine.api.containers()) == found > before


def test_an_emptied_engine_has_the_image_that_is_kept_and_no_other(docker, demo_image):
    kept = docker.api.images()
    docker.api.import_image("other:1", {"/www/index.html": "other\n"})
    docker.api.post(f"/images/{demo_image}/tag", repo="another-name", tag="2")
    assert docker.api.images() != kept
    docker.api.remove_images(kept)
    assert docker.api.images() == kept


def test_two_engines_know_nothing_of_each_other(docker, second_docker, demo_image):
    docker.api.run(demo_image, name="first")
    assert len(docker.api.containers()) == 1
    assert second_docker.api.containers() == []


def test_own_image_has_its_files_and_command(docker):
    command = ["/bin/httpd", "-f", "-p", "81", "-h", "/www"]
    docker.api.import_image("other:1", {"/www/index.html": "other\n"}, command)
    container = docker.api.run("other:1")
    assert wait_for(lambda: serves(docker, address(docker.api, container), 81)) == (200, b"other\n")


def tick(api, ticks, ending):
    """Asks the engine what a sampler asks, as often: what one can reach at best on this machine, however busy it is."""
    while not ending.wait(0.05):
        ticks.append(api.get("/containers/json", all=1))


def test_sampler_sees_states_and_health(docker, demo_image, sampler):
    watch = sampler(docker)
    ticks, ending = [], threading.Event()
    ticker = threading.Thread(target=tick, args=(docker.api, ticks, ending))
    ticker.start()
    check = {"Test": ["CMD", "/bin/test", "-e", "/tmp/ready"], "Interval": 100_000_000, "Retries": 100_000}
    container = docker.api.run(demo_image, Labels={"a": "b"}, Healthcheck=check)
    watch.wait(lambda seen: [c.health for c in seen] == ["starting"])
    exec_id = docker.api.post(f"/containers/{container}/exec", {"Cmd": ["/bin/touch", "/tmp/ready"]})["Id"]
    docker.api.post(f"/exec/{exec_id}/start", {"Detach": True})
    healthy_at = watch.wait(lambda seen: [c.health for c in seen] == ["healthy"])
    docker.api.delete(f"/containers/{container}", force=1)
    watch.wait(lambda seen: not seen)

    states = [(c.state, c.health) for sample in watch.samples for c in sample.containers]
    assert states.index(("running", "starting")) < states.index(("running", "healthy"))
    assert {c.label("a") for sample in watch.samples for c in sample.containers} == {"b"}
    assert watch.highest(lambda c: c.serving) == 1 and watch.lowest(lambda c: c.serving, since=healthy_at) == 0
    assert watch.errors == []
    ending.set()
    ticker.join()
    assert watch.count > len(ticks) / 2, "sampled more rarely than the machine allows"


def test_proxy_records_and_passes_on(docker, demo_image, proxy):
    recorder = proxy(docker)
    api = EngineApi(recorder.path)
    container = api.run(demo_image, name="recorded")
    api.delete(f"/v1.40/containers/{container}", force=1)
    assert [(r.method, r.plain_path) for r in recorder.writes()] == [
        ("POST", "/containers/create"),
        ("POST", f"/containers/{container}/start"),
        ("DELETE", f"/containers/{container}"),
    ]
    assert recorder.requests[0].path == "/containers/create?name=recorded"
    assert recorder.requests[-1].path.startswith("/v1.40/")


def test_proxy_streams_events_as_they_happen(docker, demo_image, proxy):
    connection = UnixConnection(proxy(docker).path)
    # dockerd answers an instant before it begins to listen: what comes in between is asked for by its time.
    only = urllib.parse.urlencode({"since": int(time.time()), "filters": json.dumps({"container": ["seen"]})})
    connection.request("GET", f"/events?{only}")
    stream = connection.getresponse()
    docker.api.run(demo_image, name="seen")
    event = json.loads(stream.readline())
    assert (event["Action"], event["Actor"]["Attributes"]["name"]) == ("create", "seen")
    connection.close()


def test_proxy_passes_a_hijacked_connection(docker, demo_image, proxy):
    recorder = proxy(docker)
    container = docker.api.run(demo_image, ["/bin/cat"], OpenStdin=True, Tty=False)
    connection = UnixConnection(recorder.path)
    connection.connect()
    connection.sock.sendall(
        f"POST /containers/{container}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode()
    )
    received = connection.sock.recv(4096)
    assert received.startswith(b"HTTP/1.1 101")
    connection.sock.sendall(b"GET /not/a/request HTTP/1.1\r\n\r\n")
    while b"/not/a/request" not in received:
        data = connection.sock.recv(4096)
        assert data, "the stream ended early"
        received += data
    connection.close()
    assert [r.method for r in recorder.requests] == ["POST"]


def test_proxy_can_be_an_engine_that_is_gone(docker, proxy):
    recorder = proxy(docker)
    connection = UnixConnection(recorder.path)
    connection.request("GET", "/events")
    stream = connection.getresponse()
    threading.Timer(0.2, recorder.close).start()
    assert stream.readline() == b"", "the stream ends"
    wait_for(lambda: not recorder.path.exists())
    with pytest.raises(OSError):
        EngineApi(recorder.path).get("/version")
    recorder.open()
    assert EngineApi(recorder.path).get("/version")


def test_requests_are_found_in_any_pieces():
    stream = (
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
        b"POST /b HTTP/1.1\r\nContent-Length: 18\r\n\r\nGET /no HTTP/1.1\r\n"
        b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n"
        b"DELETE /d HTTP/1.1\r\n\r\n"
    )
    for size in range(1, len(stream) + 1):
        found = []
        reader = RequestReader(found.append)
        for begin in range(0, len(stream), size):
            reader.feed(stream[begin:begin + size])
        assert [(r.method, r.path) for r in found] == [("GET", "/a"), ("POST", "/b"), ("PUT", "/c"), ("DELETE", "/d")]


def test_dockerd_can_crash_and_come_back(docker, demo_image):
    container = docker.api.run(demo_image, name="kept")
    docker.restart_dockerd()
    assert [c["Id"] for c in docker.api.containers()] == [container]


def test_engine_of_a_dead_owner_is_swept_away(docker):
    owner = subprocess.Popen(["/bin/sleep", "100000"])
    orphan = PrivateDocker(owner=owner.pid)
    try:
        orphan.start()
        orphan.api.import_image("demo:1")
        orphan.api.run("demo:1", HostConfig={"RestartPolicy": {"Name": "always"}})
        sweep()
        assert processes(orphan.name), "an engine with a living owner stays"
        owner.kill()
        owner.wait()
        sweep()
        # Another worker may have been first, and still be at it.
        wait_for(lambda: not orphan.directory.exists() and not Path(f"/run/netns/{orphan.name}").exists())
        assert not processes(orphan.name)
        assert not orphan.directory.exists() and not Path(f"/run/netns/{orphan.name}").exists()
        assert orphan.name not in Path("/proc/self/mountinfo").read_text()
        # Not by glob, which fails where the group of another engine's container goes meanwhile.
        assert not [top for top, below, _ in os.walk("/sys/fs/cgroup") if orphan.name in below]
    finally:
        owner.kill()
        orphan.stop()
    assert docker.api.get("/version"), "the sweep is for others"


def test_engine_says_why_it_cannot_run(monkeypatch):
    monkeypatch.setattr(PrivateDocker, "tools", ("no-such-engine",))
    with pytest.raises(EngineUnavailable, match="needs root|no-such-engine"):
        PrivateDocker().start()


def test_repo_commits_are_the_same_in_every_run(repo, tmp_path):
    first = repo.commit("one", {"a/b.json": {"x": 1}, "c.txt": "c\n"})
    second = repo.commit("two", {"c.txt": None})
    assert repo.git("ls-tree", "-r", "--name-only", second) == "a/b.json"
    reverted = repo.revert()
    assert repo.git("show", f"{reverted}:c.txt") == "c"
    assert repo.git("rev-parse", f"{reverted}^{{tree}}") == repo.git("rev-parse", f"{first}^{{tree}}")
    again = type(repo)(tmp_path / "again")
    assert again.commit("one", {"a/b.json": {"x": 1}, "c.txt": "c\n"}) == first


def test_davit_helper_runs_and_ends_a_program(tmp_path, docker):
    """With a stand-in for davit: it is about processes, networks and output, not about davit."""
    program = tmp_path / "program"
    program.write_text(
        '#!/bin/sh\ncase "$1" in daemon) trap "exit 5" TERM; echo up; while :; do sleep 0.05; done;; '
        'status) echo "{\\"args\\": \\"$*\\", \\"network\\": \\"$(readlink /proc/self/ns/net)\\"}";; *) exit 3;; esac\n'
    )
    program.chmod(0o755)
    with Davit(program, tmp_path / "d", {"a": 1}, engine=docker) as davit:
        davit.start()
        wait_for(lambda: davit.log_text() == "up\n")
        answer = davit.json("status")
        assert answer["args"] == "status -o json" and answer["network"] != os.readlink("/proc/self/ns/net")
        assert davit.run("bad").returncode == 3
        assert davit.stop() == 5
        davit.start()
        pid = davit.process.pid
        davit.kill()
        assert start_time(pid) is None
