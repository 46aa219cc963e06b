"""What is followed goes on: with the tasks that start, and when davit is restarted."""

import subprocess

import pytest

from support.davit import wait_for
from support.spine import Spine, definition, service

COUNT = "i=0; while true; do echo {} $HOSTNAME $i; i=$((i+1)); sleep 0.2; done"


@pytest.fixture
def spine(davit, repo, docker):
    one = Spine(davit, repo, docker)
    one.followers = []
    yield one
    for process in one.followers:
        process.kill()
        process.wait()


def follow(spine, tmp_path, *arguments):
    """A command that goes on; its output and its messages are files."""
    out, err = tmp_path / "out", tmp_path / "err"
    with open(out, "wb") as stdout, open(err, "wb") as stderr:
        spine.followers.append(subprocess.Popen([spine.daemon.binary, *arguments], stdout=stdout, stderr=stderr,
                                                env=spine.daemon.environment))
    return out, err


def assert_whole(out):
    """Of each container the lines are 0, 1, 2 and so on; the last of all may be on its way."""
    numbers = {}
    for line in out.read_text().rpartition("\n")[0].splitlines():
        if " | " not in line:
            continue
        word, host, number = line.split(" | ")[1].split()
        numbers.setdefault((word, host), []).append(int(number))
    for key, found in numbers.items():
        assert found == list(range(len(found))), key
    return numbers


def test_logs_go_on_with_tasks_and_with_davit(spine, demo_image, tmp_path):
    spine.repo.commit("none yet", {
        "web.json": definition(demo_image, command=COUNT.format("first")), "service.json": service(0),
    })
    spine.start()
    spine.converge()
    out, err = follow(spine, tmp_path, "logs", "default/web", "-f", "--tail", "all")
    spine.repo.commit("one", {"service.json": service(1)})
    wait_for(lambda: "first" in out.read_text(), 30, "the first task is read")
    spine.daemon.stop()
    wait_for(lambda: "lost" in err.read_text(), 40, "the loss is told")
    spine.start()
    wait_for(lambda: "davit was restarted" in err.read_text(), 20, "the restart is told")
    spine.repo.commit("another", {"web.json": definition(demo_image, command=COUNT.format("second"))})
    spine.converge()
    wait_for(lambda: out.read_text().count("second") > 3, 30, "the new task is read")
    numbers = assert_whole(out)
    assert sorted(word for word, _ in numbers) == ["first", "second"]
    assert spine.followers[0].poll() is None


def test_events_go_on_with_davit(spine, demo_image, tmp_path):
    spine.repo.commit("one", {"web.json": definition(demo_image), "service.json": service(1)})
    spine.start()
    spine.converge()
    out, err = follow(spine, tmp_path, "events", "-w", "-o", "json")
    wait_for(lambda: "steady state" in out.read_text(), 30, "the events are told")
    spine.daemon.stop()
    spine.start()
    wait_for(lambda: "davit was restarted" in err.read_text(), 20, "the restart is told")
    spine.repo.commit("two", {"service.json": service(2)})
    spine.converge()
    wait_for(lambda: out.read_text().count("has started") > 1, 30, "what follows is told")
    lines = out.read_text().rpartition("\n")[0].splitlines()
    assert len(lines) == len(set(lines))
