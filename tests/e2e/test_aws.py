"""Debian's AWS CLI reads davit as it reads ECS."""

import json
import os
import shutil
import subprocess

import pytest

from support.davit import wait_for
from support.spine import definition, gated, service
from support.standing import IMAGE, binary_of, standing_spine

AWS = "/usr/bin/aws"
PORT = 8420


class Aws:
    """aws ecs, inside the network of the engine."""

    def __init__(self, engine, home):
        self.engine = engine
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "local", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
        }

    def line(self, *arguments):
        return self.engine.inside(
            AWS, "--endpoint-url", f"http://127.0.0.1:{PORT}", "--output", "json", "ecs", *map(str, arguments)
        )

    def run(self, *arguments):
        return subprocess.run(
            self.line(*arguments), env=self.environment, capture_output=True, text=True, timeout=120
        )

    def __call__(self, *arguments):
        process = self.run(*arguments)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    def fails(self, *arguments):
        process = self.run(*arguments)
        assert process.returncode != 0, process.stdout
        return process.stderr


@pytest.fixture(scope="module")
def spine(second_docker_session, tmp_path_factory):
    if not shutil.which(AWS):
        pytest.skip("awscli is not installed")
    with standing_spine(
        tmp_path_factory.mktemp("aws"), second_docker_session, binary_of("release"), listen=f"127.0.0.1:{PORT}"
    ) as one:
        one.repo.commit("more", {
            "api.json": definition(IMAGE, family="api"), "api-service.json": service(1, "api", "api"),
        })
        one.converge()
        yield one


@pytest.fixture
def aws(spine, tmp_path):
    return Aws(spine.engine, tmp_path)


def test_clusters(aws):
    arns = aws("list-clusters")["clusterArns"]
    assert [arn.rpartition("/")[2] for arn in arns] == ["default"]
    answer = aws("describe-clusters", "--clusters", "default", "nowhere")
    cluster = answer["clusters"][0]
    assert (cluster["clusterName"], cluster["status"], cluster["runningTasksCount"]) == ("default", "ACTIVE", 3)
    assert cluster["activeServicesCount"] == 2 and cluster["clusterArn"] == arns[0]
    assert answer["failures"][0]["reason"] == "MISSING"


def test_services(aws):
    arns = aws("list-services")["serviceArns"]
    assert sorted(arn.rpartition("/")[2] for arn in arns) == ["api", "web"]
    answer = aws("describe-services", "--services", "web", "nowhere")
    web = answer["services"][0]
    assert (web["serviceName"], web["status"]) == ("web", "ACTIVE")
    assert (web["desiredCount"], web["runningCount"], web["pendingCount"]) == (2, 2, 0)
    assert web["taskDefinition"].endswith("task-definition/web:1")
    assert web["deploymentConfiguration"]["maximumPercent"] == 200
    assert [(d["status"], d["rolloutState"]) for d in web["deployments"]] == [("PRIMARY", "COMPLETED")]
    assert "has reached a steady state" in " ".join(event["message"] for event in web["events"])
    assert answer["failures"][0]["reason"] == "MISSING" and answer["failures"][0]["arn"].endswith("nowhere")


def test_tasks(aws, spine):
    arns = aws("list-tasks", "--service-name", "web")["taskArns"]
    known = {one["Labels"]["davit.task"]: one for one in spine.containers()}
    assert len(arns) == 2 and {arn.rpartition("/")[2] for arn in arns} <= set(known)
    for task in aws("describe-tasks", "--tasks", *arns)["tasks"]:
        container, real = task["containers"][0], known[task["taskArn"].rpartition("/")[2]]
        assert (task["lastStatus"], task["desiredStatus"], task["group"]) == ("RUNNING", "RUNNING", "service:web")
        assert task["taskDefinitionArn"].endswith("/web:1")
        assert (container["name"], container["image"], container["runtimeId"]) == ("app", IMAGE, real["Id"])
        ports = {binding["hostPort"] for binding in container["networkBindings"]}
        assert ports == {port["PublicPort"] for port in real["Ports"] if "PublicPort" in port}
    assert len(aws("list-tasks")["taskArns"]) == 3
    assert len(aws("list-tasks", "--family", "api")["taskArns"]) == 1


def test_container_instances(aws):
    arns = aws("list-container-instances", "--status", "ACTIVE")["containerInstanceArns"]
    assert len(arns) == 1 and aws("list-container-instances", "--status", "DRAINING")["containerInstanceArns"] == []
    instance = aws("describe-container-instances", "--container-instances", *arns)["containerInstances"][0]
    assert (instance["status"], instance["agentConnected"], instance["runningTasksCount"]) == ("ACTIVE", True, 3)
    free = {one["name"]: one["integerValue"] for one in instance["remainingResources"]}
    assert 0 < free["MEMORY"] < next(one["integerValue"] for one in instance["registeredResources"]
                                     if one["name"] == "MEMORY")


def test_task_definitions(aws):
    arns = aws("list-task-definitions")["taskDefinitionArns"]
    assert sorted(arn.rpartition("/")[2] for arn in arns) == ["api:1", "web:1"]
    for name in ("web", "web:1"):
        found = aws("describe-task-definition", "--task-definition", name)["taskDefinition"]
        assert (found["family"], found["revision"], found["status"]) == ("web", 1, "ACTIVE")
        container = found["containerDefinitions"][0]
        assert (container["image"], container["memory"], container["stopTimeout"]) == (IMAGE, 32, 1)
        assert container["portMappings"][0]["containerPort"] == 80


def test_errors_are_those_of_ecs(aws):
    assert "ClusterNotFoundException" in aws.fails("list-services", "--cluster", "nowhere")
    assert "ClusterNotFoundException" in aws.fails("describe-services", "--cluster", "nowhere", "--services", "web")
    assert "ClientException" in aws.fails("describe-task-definition", "--task-definition", "nowhere")
    assert "ServiceNotFoundException" in aws.fails("list-tasks", "--service-name", "nowhere")
    assert aws("describe-services", "--services", "nowhere")["failures"][0]["reason"] == "MISSING"


def test_pages(aws):
    assert len(aws("list-tasks", "--page-size", 1)["taskArns"]) == 3
    first = aws("list-tasks", "--max-items", 2)
    assert len(first["taskArns"]) == 2
    rest = aws("list-tasks", "--starting-token", first["NextToken"])
    assert len(rest["taskArns"]) == 1
    assert set(first["taskArns"]) | set(rest["taskArns"]) == set(aws("list-tasks")["taskArns"])


@pytest.mark.parametrize("operation", [
    ("update-service", "--service", "web", "--desired-count", "0"),
    ("delete-service", "--service", "web", "--force"),
    ("create-cluster", "--cluster-name", "x"),
    ("deregister-task-definition", "--task-definition", "web:1"),
])
def test_writing_is_refused(aws, spine, operation):
    before = spine.ids()
    error = aws.fails(*operation)
    assert "Could not connect" not in error and "Traceback" not in error and "a commit to the repository" in error, error
    assert spine.ids() == before


@pytest.mark.parametrize("operation", [("stop-task", "--task", "x"), ("run-task", "--task-definition", "web")])
def test_by_tcp_nothing_is_started_or_stopped(aws, spine, operation):
    before = spine.ids()
    error = aws.fails(*operation)
    assert "AccessDeniedException" in error and "over the unix socket" in error, error
    assert spine.ids() == before


def test_wait_services_stable(aws, spine, tmp_path):
    """Begun while a rollout is under way, which ends after its first look; it asks every 15 s."""
    gate, said = tmp_path / "gate" / "open", tmp_path / "said"
    gate.parent.mkdir()
    spine.repo.commit("web: second", {"web.json": gated(definition(IMAGE, "two"), gate), "service.json": service(2)})
    wait_for(lambda: len(aws("describe-services", "--services", "web")["services"][0]["deployments"]) > 1, 40,
             "the rollout is under way")
    with open(said, "wb") as stderr:
        line = aws.line("--debug", "wait", "services-stable", "--services", "web")
        process = subprocess.Popen(line, env=aws.environment, stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        wait_for(lambda: "Response body:" in said.read_text(), 40, "it has looked")
        assert process.poll() is None, "it was not stable at the first look"
        gate.touch()
        assert process.wait(300) == 0, said.read_text()[-4000:]
    finally:
        process.kill()
        process.wait()
    assert sorted(spine.texts()) == ["one", "two", "two"]  # the first is of api
    web = aws("describe-services", "--services", "web")["services"][0]
    assert web["taskDefinition"].endswith("/web:2") and len(web["deployments"]) == 1


def test_a_stranger_s_name_for_this_address_is_refused(spine):
    """DNS rebinding: a browser that was told that evil.example is 127.0.0.1 still sends that name."""
    for host, status in ((b"evil.example", b"403"), (b"localhost:8420", b"200"), (b"127.0.0.1", b"200")):
        with spine.engine.connect("127.0.0.1", PORT) as connection:
            connection.sendall(b"GET /v1/status HTTP/1.0\r\nHost: " + host + b"\r\n\r\n")
            assert connection.recv(100).split()[1] == status, host
