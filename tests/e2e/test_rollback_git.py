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
    assert "(WIP)" in clone.refused("--to", "HEAD~2", "--push", "--force")
    clone.repo.git("push", "--quiet", "origin", "main")
    process = clone.run("--to", "HEAD~2", "--push")
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


def test_what_another_remote_has_is_not_published(clone):
    """main tracks a remote that is ahead of the one that is pushed to, and then a branch of the clone."""
    subprocess.run(["git", "clone", "--quiet", "--bare", clone.bare, clone.directory / "prod.git"], check=True)
    clone.repo.git("remote", "add", "prod", f"file://{clone.directory}/prod.git")
    clone.repo.git("fetch", "--quiet", "prod")
    clone.repo.git("config", "remote.pushDefault", "prod")
    before = clone.remote("rev-parse", "main", repo="prod.git")
    staged = clone.repo.commit("staged", {"web.yaml": simple("web", "busybox:staged")})
    clone.repo.git("push", "--quiet", "origin", "main")
    for arguments in [], ["--force"]:
        said = clone.refused("--to", "HEAD~2", "--push", *arguments)
        assert f"that prod lacks, and davit would deploy them: {staged[:7]} (staged); " in said
    clone.repo.git("branch", "local")
    clone.repo.git("branch", "--quiet", "--set-upstream-to", "local")
    assert f"that prod lacks, and davit would deploy them: {staged[:7]} (staged); " in clone.refused("--to", "HEAD~2", "--push")
    assert clone.remote("for-each-ref", "--format=%(objectname) %(refname)", repo="prod.git") == f"{before} refs/heads/main"


def test_a_review_on_a_stale_fork(clone):
    """As on GitHub: main tracks what was forked from, whose commits the fork lacks; somebody else has pushed there meanwhile."""
    subprocess.run(["git", "clone", "--quiet", "--bare", clone.bare, clone.directory / "fork.git"], check=True)
    clone.remote("update-ref", "refs/heads/main", "main~1", repo="fork.git")
    clone.repo.git("remote", "add", "fork", f"file://{clone.directory}/fork.git")
    clone.repo.git("config", "remote.pushDefault", "fork")
    process = clone.run("--to", "HEAD~1", "--push", "--branch", "back")
    assert process.returncode == 0, process.stderr
    assert clone.remote("rev-parse", "back~1", repo="fork.git") == clone.remote("rev-parse", "main")
    clone.repo.git("config", "--unset", "remote.pushDefault")
    tree = clone.remote("rev-parse", "main^{tree}")
    other = subprocess.run(["git", "--git-dir", clone.bare, "commit-tree", "-p", "main", "-m", "other", tree], check=True,
                           capture_output=True, text=True, env={**os.environ, **IDENTITY}).stdout.strip()
    clone.remote("update-ref", "refs/heads/main", other)
    assert "git fetch origin there first" in clone.refused("--to", "HEAD~1", "--push")
    process = clone.run("--to", "HEAD~1", "--push", "--branch", "again")
    assert process.returncode == 0, process.stderr
    assert clone.remote("rev-parse", "again~1") == clone.remote("rev-parse", "main~1")


def test_what_was_forced_away_does_not_come_back(clone):
    """Neither where the clone has not fetched since, nor where it happens between the look and the push."""
    good = clone.remote("rev-parse", "main")
    bad = clone.repo.commit("bad", {"web.yaml": simple("web", "busybox:bad")})
    clone.repo.git("push", "--quiet", "origin", "main")
    hook = clone.repo.directory / ".git/hooks/post-merge"
    hook.write_text(f"#!/bin/sh\nunset GIT_DIR; git --git-dir {clone.bare} update-ref refs/heads/main {good}\n")
    hook.chmod(0o755)
    process = clone.run("--to", "HEAD~2", "--push")
    assert process.returncode == 2 and "(stale info)" in process.stderr, process.stderr
    assert "where others were faster, git fetch there, and git rebase --onto origin/main main~1 main" in process.stderr
    assert clone.remote("rev-parse", "main") == good
    clone.repo.git("reset", "--quiet", "--hard", bad)
    clone.repo.git("update-ref", "refs/remotes/origin/main", bad)
    assert f"that origin lacks, and davit would deploy them: {bad[:7]} (bad); " in clone.refused("--to", "HEAD~2", "--push")
    assert clone.remote("rev-parse", "main") == good


@pytest.mark.parametrize("below", [True, False], ids=["below", "tip"])
def test_a_malformed_commit(clone, below):
    """git reads it, and goes on from there; libgit2 does not."""
    clone.repo.commit_malformed({"other.txt": "text"})
    if below:
        clone.repo.commit("three", {"web.yaml": simple("web", "busybox:3")})
    clone.repo.git("push", "--quiet", "origin", "main")
    first = clone.repo.head("HEAD~3" if below else "HEAD~2")
    for to in "HEAD~3" if below else "HEAD~2", first, "1":
        process = clone.run("--to", to, "--dry-run")
        assert process.returncode == 0 and f"as of {first[:12]} (one)" in process.stdout, process.stderr
    tip = clone.repo.head()
    process = clone.run("--to", first, "--push")
    assert process.returncode == 0 and clone.remote("rev-parse", "main~1") == tip, process.stderr
    assert clone.remote("show", "main:web.yaml") == simple("web").strip()


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
