"""What people do to a branch, and what davit makes of it: the rows of TABLE, each a test. The engine says which
containers stayed."""

import json
import typing

import pytest

from support.davit import wait_for
from support.standing import IMAGE, binary_of, standing_spine

# new: one more than there were; old: the number that the content has had before; same: nothing was deployed.
TABLE = """
gesture                               | deployment             | revision | containers
revert                                | of the revert          | old      | replaced
revert of the revert                  | of that                | old      | replaced
cherry-pick                           | of the picked commit   | new      | replaced
merge of two commits                  | one, of the merge      | new, one | replaced
squash of two commits                 | one, of the squash     | new, one | replaced
force-push back                       | of the older commit    | old      | replaced
unrelated history, the same content   | none                   | same     | stay
unrelated history, another content    | of its commit          | new      | replaced
branch deleted, and made again        | none                   | same     | stay
file renamed, with the same content   | none                   | same     | stay
comment changed                       | none                   | same     | stay
"""
FILE, COUNT, VERSION, COMMIT = "web.yaml", 2, "com.amazonaws.ecs.task-definition-version", "davit.commit"


def manifest(text, comment=""):
    """A service whose tasks end at once when they are told to; the text is its content."""
    return f"""{comment}kind: TaskDefinition
family: web
containerDefinitions:
  - name: app
    image: {IMAGE}
    memory: 16
    entryPoint: [/bin/sh, -c]
    command: ["trap exit TERM; sleep 3600 & wait"]
    environment: [{{name: TEXT, value: "{text}"}}]
---
kind: Service
serviceName: web
taskDefinition: web
desiredCount: {COUNT}
davit: {{minimumHealthySeconds: 0}}
"""


class Did(typing.NamedTuple):
    """What davit did: the commits of new deployments, the revision that runs, how many containers stayed."""

    deployments: list
    revision: int
    stayed: int


class Branch:
    """The branch that davit follows."""

    def __init__(self, spine):
        self.spine, self.repo, self.git = spine, spine.repo, spine.repo.git
        self.runs = self.did().revision

    def listed(self, *command):
        return self.spine.daemon.json(*command)

    def deployments(self):
        return self.listed("history", "default/web")["deployments"]

    def newest_revision(self):
        return max(one["revision"] for one in self.listed("get", "revisions", "web")["revisions"])

    def write(self, text, **more):
        return self.repo.commit(f"web: {text}", {FILE: manifest(text, **more)})

    def on_side(self, name, *texts):
        """Commits on a branch of their own; the work tree is back on main."""
        self.git("switch", "--quiet", "--create", name)
        for text in texts:
            last = self.write(text)
        self.git("switch", "--quiet", "main")
        return last

    def did(self):
        """Since the last call. Waits until it is done."""
        self.spine.converge()
        known, before = getattr(self, "known", set()), getattr(self, "containers", set())
        deployments, containers = self.deployments(), self.spine.containers()
        self.known = {one["id"] for one in deployments}
        self.containers = {one["Id"] for one in containers}
        [revision] = {one["Labels"][VERSION] for one in containers}
        [commit] = {one["Labels"][COMMIT] for one in containers}
        fresh = [one for one in deployments if one["id"] not in known]
        assert len(containers) == COUNT and all(one["state"] == "COMPLETED" for one in fresh)
        assert commit == deployments[0]["commit"]["oid"], "the tasks are of the newest deployment's commit"
        return Did([one["commit"]["oid"] for one in fresh], int(revision), len(before & self.containers))


@pytest.fixture(scope="module")
def spine(second_docker_session, tmp_path_factory):
    with standing_spine(tmp_path_factory.mktemp("gestures"), second_docker_session, binary_of("release"), 1) as one:
        one.repo.commit("web: in one file", {"web.json": None, "service.json": None, FILE: manifest("first")})
        one.converge()
        yield one


@pytest.fixture
def branch(spine):
    print(TABLE)
    return Branch(spine)


def test_revert_and_the_revert_of_the_revert(branch):
    before = branch.newest_revision()
    commit = branch.write("to be reverted")
    assert branch.did() == ([commit], before + 1, 0)
    commit = branch.repo.revert()
    assert branch.did() == ([commit], branch.runs, 0)
    commit = branch.repo.revert()
    assert branch.did() == ([commit], before + 1, 0)
    assert branch.newest_revision() == before + 1


def test_cherry_pick(branch):
    before = branch.newest_revision()
    picked = branch.on_side("to-pick", "picked")
    branch.repo.commit("no manifest", {"README": "so that the pick has another parent"})
    branch.git("cherry-pick", "-x", picked)
    commit = branch.repo.head()
    assert branch.did() == ([commit], before + 1, 0) and commit != picked


def test_merge_of_two_commits(branch):
    before = branch.newest_revision()
    branch.on_side("to-merge", "merged, first", "merged, second")
    branch.git("merge", "--quiet", "--no-ff", "--message", "merge", "to-merge")
    assert branch.did() == ([branch.repo.head()], before + 1, 0)
    assert branch.newest_revision() == before + 1  # numbers follow first parents: what was never there has none


def test_squash_of_two_commits(branch):
    before = branch.newest_revision()
    branch.on_side("to-squash", "squashed, first", "squashed, second")
    branch.git("merge", "--quiet", "--squash", "to-squash")
    commit = branch.repo.commit("squashed")
    assert branch.did() == ([commit], before + 1, 0)
    assert branch.newest_revision() == before + 1


def test_force_push_back(branch):
    before, old = branch.newest_revision(), branch.repo.head()
    commit = branch.write("to be taken away")
    assert branch.did() == ([commit], before + 1, 0)
    branch.git("reset", "--quiet", "--hard", old)
    assert branch.did() == ([old], branch.runs, 0)
    assert branch.newest_revision() == before + 1  # the number that was given is not given again
    text = f"it was at {commit[:12]}, which is no part of it any more; both have {old[:12]}"
    assert text in branch.spine.daemon.run("status").stdout
    rewritten = branch.listed("status")["source"]["rewritten"]
    assert (rewritten["from"], rewritten["to"], rewritten["fork"]) == (commit, old, old)
    told = f"main was rewritten, from {commit[:12]} to {old[:12]}"
    assert branch.spine.daemon.log_text().count(told) == 1
    branch.write("on top of it")
    branch.did()
    assert text not in branch.spine.daemon.run("status").stdout  # what follows is the news
    assert branch.spine.daemon.log_text().count("was rewritten, from") == 1


def test_unrelated_history(branch):
    before = branch.newest_revision()
    branch.git("checkout", "--quiet", "--orphan", "fresh")
    branch.repo.commit("begun anew")
    branch.git("branch", "--quiet", "-M", "fresh", "main")
    assert branch.did() == ([], branch.runs, COUNT)
    branch.git("checkout", "--quiet", "--orphan", "fresh")
    commit = branch.write("of an unrelated history")
    branch.git("branch", "--quiet", "-M", "fresh", "main")
    assert branch.did() == ([commit], before + 1, 0)
    assert "; they have no commit in common" in branch.spine.daemon.run("status").stdout


def test_branch_deleted_and_made_again(branch):
    def source():
        return branch.listed("status")["source"]

    containers = branch.spine.ids()
    branch.git("checkout", "--quiet", "--detach")
    branch.git("branch", "--quiet", "-D", "main")
    wait_for(lambda: not source()["ok"], 20, "davit says that the branch is gone")
    assert source()["message"] == "there is no commit on the branch refs/heads/main"
    assert branch.spine.ids() == containers
    branch.git("switch", "--quiet", "--create", "main")
    wait_for(lambda: source()["ok"], 20, "davit has the branch again")
    assert branch.did() == ([], branch.runs, COUNT)


def test_file_renamed(branch):
    branch.git("mv", FILE, "renamed.yaml")
    branch.repo.commit("renamed")
    assert branch.did() == ([], branch.runs, COUNT)
    branch.git("mv", "renamed.yaml", FILE)
    branch.repo.commit("renamed back")
    assert branch.did() == ([], branch.runs, COUNT)


def test_comment_changed(branch):
    text = (branch.repo.directory / FILE).read_text()
    branch.repo.commit("a comment", {FILE: f"# what this is for\n{text}"})
    assert branch.did() == ([], branch.runs, COUNT)


def test_blame_tells_the_commit_that_deployed(branch):
    """Not a newer one that left the content as it is."""
    primary = branch.deployments()[0]
    branch.repo.commit("no manifest", {"NOTES": "nothing to deploy"})
    assert branch.did().stayed == COUNT
    rows = branch.listed("blame", "default/web")["tasks"]
    assert len(rows) == COUNT and {one["deployment"] for one in rows} == {primary["id"]}
    assert all(one["commit"] == primary["commit"] for one in rows)
