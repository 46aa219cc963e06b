"""The story that the README tells runs as told."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from support.davit import wait_for

TOP = Path(__file__).resolve().parents[2]


def told(text):
    """The refusal and the history of a story, without what differs from run to run."""
    lines = re.findall(r"^  (?:web\.yaml:|DEPLOYMENT |ecs-svc/).*", text, re.MULTILINE)
    differs = r"(?<=ecs-svc/)\d+|\b[0-9a-f]{12}\b|\b\d[\d.]*(ms|[smh])\b"
    return [re.sub(differs, "", line).split() for line in lines]


@pytest.mark.long
def test_quickstart_runs_and_leaves_nothing(docker, tmp_path):
    environment = {**os.environ, "DOCKER_HOST": f"unix://{docker.socket}", "NO_COLOR": "1"}
    before = set(Path("/tmp").glob("davit-quickstart.*"))
    process = subprocess.run(
        docker.inside(str(TOP / "examples/quickstart/run")), env=environment, cwd=tmp_path, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900,
    )
    assert process.returncode == 0, process.stdout
    for line in ("hello from the second commit", "did you mean \"essential\"", "FAILED", "This is what runs"):
        assert line in process.stdout, process.stdout
    assert "\x1b" not in process.stdout
    assert told((TOP / "README.md").read_text()) == told(process.stdout), process.stdout
    assert docker.api.containers() == []
    assert [image["RepoTags"] for image in docker.api.get("/images/json")] == [["davit-demo:latest"]]
    wait_for(lambda: set(Path("/tmp").glob("davit-quickstart.*")) <= before, 100, "nothing is left, of another run beside this neither")
