"""davit rollback and other people's git: what --push publishes and where, and clones that lack what it goes back to."""

import os
import subprocess

import pytest

from support.repo import IDENTITY, Repo, simple
from support.spine import definition
from support.standing import binary_of


class Clone:
    """Of a bare repository that has one and two of the service, and davit rollback in it, without a daemon."""

    def __init__(self, directory):
        self.directory, self.bare = directory, directory / "bare.git"
        repo = Repo(directory / "first")
        repo.commit("one", {"web.yaml": simple("web")})
        repo.commit("two", {"web.yaml": simple("web", "busybox:2")})
        subprocess.run(["git", "clone", "--quiet", "--bare", repo.directory, self.bare], check=True)
        self.repo = self.clone("clone")

    def clone(self, name, *arguments):
        subprocess.run(["git", "clone", "--quiet", *arguments, f"file://{self.bare}", self.directory / name], check=True)
        return Repo(self.directory / name)

    def run(self, *arguments):
        return subprocess.run(
            [binary_of("release"), "rollback", "default/web", "--repo", self.repo.directory, "--socket", self.directory / "none",
             *arguments], env={**os.environ, **IDENTITY}, capture_output=True, text=True)

    def refused(self, *arguments):
        before = self.repo.git("for-each-ref")
        process = self.run(*arguments)
        assert process.returncode == 2 and self.repo.git("for-each-ref") == before, process.stdout
        return process.stderr

    def remote(self, *command, repo="bare.git"):
        return subprocess.run(["git", "--git-dir", self.directory / repo, *command], check=True, capture_output=True,
                              text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def test_a_push_publishes_nothing_else(clone):
    published = clone.remote("rev-parse", "main")
    wip = clone.repo.commit("WIP", {"web.yaml": simple("web", "busybox:wip")})
    said = clone.refused("--to", "HEAD~2", "--push")
    assert f"that origin lacks, and davit would deploy them: {wip[:7]} (WIP); git push or drop them first" in said
    assert "(WIP)" in clone.refused("--to", "HEAD~2", "--push", "--branch", "back")
    assert clone.remote("for-each-ref", "--format=%(objectname) %(refname)") == f"{published} refs/heads/main"
    process = clone.run("--to", "HEAD~2", "--branch", "kept")
    assert process.returncode == 0, process.stderr
    process = clone.run("--to", "HEAD~2", "--push", "--force")
    assert process.returncode == 0 and clone.remote("rev-parse", "main~1") == wip, process.stderr


def test_a_push_of_what_is_published(clone):
    tip = clone.remote("rev-parse", "main")
    process = clone.run("--to", "HEAD~1", "--push")
    assert process.returncode == 0 and clone.remote("rev-parse", "main~1") == tip, process.stderr


def test_a_push_goes_where_that_of_git_does(clone):
    clone.remote("branch", "--move", "prod")
    clone.repo.git("fetch", "--quiet", "--prune")
    clone.repo.git("branch", "--quiet", "--set-upstream-to", "origin/prod")
    assert "the branch main of " in clone.refused("--to", "HEAD~1", "--push")
    process = clone.run("--to", "HEAD~1")
    assert process.returncode == 0 and f"next: git -C {clone.repo.directory} push origin main:prod, then" in process.stdout
    clone.repo.git("push", "--quiet", "origin", "main:prod")
    clone.repo.git("branch", "--move", "prod")
    tip = clone.repo.head()
    process = clone.run("--to", "HEAD~1", "--push")
    assert process.returncode == 0 and clone.remote("rev-parse", "prod~1") == tip, process.stderr
    assert clone.remote("for-each-ref", "--format=%(refname)") == "refs/heads/prod"


@pytest.mark.parametrize("setting", ["remote.pushDefault", "branch.main.pushRemote"])
def test_a_fork_is_pushed_to(clone, setting):
    tip = clone.remote("rev-parse", "main")
    clone.remote("init", "--quiet", "--bare", repo="fork.git")
    clone.repo.git("remote", "add", "fork", f"file://{clone.directory}/fork.git")
    clone.repo.git("config", setting, "fork")
    process = clone.run("--to", "HEAD~1", "--push")
    assert process.returncode == 0, process.stderr
    assert clone.remote("rev-parse", "main") == tip == clone.remote("rev-parse", "main~1", repo="fork.git")


NIGHTLY = """kind: ScheduledTask
Name: nightly
ScheduleExpression: cron(0 3 * * ? *)
Target: {Arn: default, EcsParameters: {TaskDefinitionArn: "web"}}
"""


@pytest.mark.parametrize("text", ["web", "arn:aws:ecs:eu-1:1:task-definition/web"])
def test_a_scheduled_task_of_the_same_family_is_told(clone, text):
    clone.repo.commit("nightly", {"nightly.yaml": NIGHTLY.replace("web", text)})
    assert "would change with it: scheduled task nightly." in clone.refused("--to", "HEAD~2")
    process = clone.run("--to", "HEAD~2", "--force")
    assert process.returncode == 0 and "  changes as well: scheduled task nightly\n" in process.stdout, process.stderr
    clone.repo.commit("pinned", {"nightly.yaml": NIGHTLY.replace("web", "web:1")})
    process = clone.run("--to", "HEAD~2")
    assert process.returncode == 0 and "scheduled task" not in process.stdout, process.stderr


# --- with a daemon ----------------------------------------------------------------------------------------


def test_a_clone_without_the_commit_that_was_deployed(spine, demo_image, tmp_path):
    """After an amend its content is found along the branch; where it is not there either, the remedy is told."""
    spine.begin(demo_image)
    spine.daemon.environment.update(IDENTITY)
    spine.repo.commit("good, to be amended", {"web.json": definition(demo_image, "good")})
    spine.converge()
    spine.repo.git("commit", "--amend", "--quiet", "--message", "good, amended")
    amended = spine.repo.head()
    spine.converge()
    spine.repo.commit("bad", {"web.json": definition(demo_image, "bad")})
    spine.converge()
    for name, arguments in ("clone", []), ("shallow", ["--depth", "1"]):
        subprocess.run(["git", "clone", "--quiet", *arguments, f"file://{spine.repo.directory}", tmp_path / name], check=True)
    for arguments in [], ["--to", "2"]:
        process = spine.daemon.run("rollback", "default/web", "--repo", tmp_path / "clone", "--dry-run", *arguments)
        assert process.returncode == 0 and f"as of {amended[:12]} (good, amended)" in process.stdout, process.stderr
        process = spine.daemon.run("rollback", "default/web", "--repo", tmp_path / "shallow", "--dry-run", *arguments)
        assert process.returncode == 2 and f"is not in {tmp_path}/shallow, and " in process.stderr, process.stderr
        assert "git fetch --unshallow" in process.stderr
