"""The state directory is lost while 20 services run: what is in git and in the labels of containers brings it back."""

import json
import shutil

from support.davit import wait_for
from support.events import EngineEvents
from support.spine import LABEL_OWNER, OWNER, Spine

SERVICES, VERSION = 20, "com.amazonaws.ecs.task-definition-version"


def manifests(image, turn):
    """Every service has another number of contents behind it: what of `turn` it takes part in."""
    documents = []
    for index in range(SERVICES):
        text = min(turn, index % 4)
        documents.append(f"""kind: TaskDefinition
family: s{index}
containerDefinitions:
  - name: app
    image: {image}
    memory: 8
    entryPoint: [/bin/sh, -c]
    command: ["trap exit TERM; sleep 3600 & wait"]
    environment: [{{name: TEXT, value: "{text}"}}]
---
kind: Service
serviceName: s{index}
taskDefinition: s{index}
desiredCount: 1
davit: {{minimumHealthySeconds: 0}}
""")
    return "---\n".join(documents)


def figures(spine):
    """What is to be the same: numbers of revisions with their commits, and what each task is of."""
    revisions = spine.daemon.json("get", "revisions")["revisions"]
    blame = spine.daemon.json("blame", "default")["tasks"]
    return (
        sorted((one["family"], one["revision"], one["digest"], one["commit"]["oid"]) for one in revisions),
        sorted((one["service"], one["id"], one["taskDefinition"], one["commit"]["oid"], one["commit"]["subject"])
               for one in blame),
    )


def newest(spine):
    return {index: spine.daemon.json("history", f"default/s{index}")["deployments"][0] for index in range(SERVICES)}


def test_nothing_is_touched_and_all_numbers_are_the_same(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker)
    for turn in range(4):
        repo.commit(f"turn {turn}", {"all.yaml": manifests(demo_image, turn)})
    spine.start()
    spine.converge()
    repo.commit("turn 4", {"all.yaml": manifests(demo_image, 4).replace('value: "0"', 'value: "4"')})
    spine.converge()
    before, deployed, containers = figures(spine), newest(spine), spine.containers(running=False)
    assert len(containers) == SERVICES
    assert {one["Labels"][VERSION] for one in containers} == {"2", "3", "4"}
    spine.daemon.stop()
    shutil.rmtree(spine.daemon.directory / "state")
    with EngineEvents(docker.socket, LABEL_OWNER, OWNER) as events:
        spine.start()
        spine.converge()
        assert figures(spine) == before
        assert events.moments == []
    assert {one["Id"]: one["State"] for one in spine.containers(running=False)} == \
        {one["Id"]: one["State"] for one in containers}
    again = newest(spine)
    for index in range(SERVICES):
        for member in ("id", "family", "revision", "digest", "state", "desiredCount", "commit"):
            assert again[index][member] == deployed[index][member]
        # As the oldest container of it tells, which came after the decision to deploy it; how long it took no label has.
        assert again[index]["rebuilt"]
        assert again[index]["createdAt"] >= deployed[index]["createdAt"]
        assert again[index]["createdAt"] <= deployed[index]["endedAt"]
        assert "endedAt" not in again[index]
        assert len(spine.daemon.json("history", f"default/s{index}")["deployments"]) == 1
    assert " ~" in spine.daemon.run("history", "default/s0").stdout


def test_tasks_of_another_owner_are_told(davit, repo, docker, demo_image):
    """Another URL is another owner where none is named: without a state directory nothing else tells of what it leaves behind."""
    spine = Spine(davit, repo, docker)
    spine.begin(demo_image)
    spine.daemon.stop()
    shutil.rmtree(spine.daemon.directory / "state")
    config = json.loads(spine.daemon.config.read_text())
    spine.daemon.configure({**config, "owner": "other"})
    spine.start()
    spine.converge()
    told = "instance local runs 2 tasks of default/web of owner e2e"
    wait_for(lambda: told in spine.daemon.log_text(), 20, "the log tells")
    remedy = "runs 2 tasks of default/web of owner e2e; if they are yours, set owner: e2e"
    assert f"instance local {remedy}" in spine.daemon.log_text()
    assert f"instance   local: {remedy}" in spine.daemon.run("status").stdout
    entry, = spine.daemon.json("status")["otherOwners"]
    assert entry.pop("message").startswith(remedy)
    assert entry == {"instance": "local", "owner": "e2e", "cluster": "default", "service": "web", "services": 1, "tasks": 2}
