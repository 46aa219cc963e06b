"""davit.yaml with a base outside its directory: offline, in old commits, and in a daemon."""

import json
import os
import subprocess

import pytest

from support.repo import Repo
from support.spine import Spine, definition, service
from support.standing import IMAGE, binary_of

PROD = "extends: [../base]\nvariables: {MESSAGE: %s}\npatches:\n- {kind: Service, name: web, merge: {desiredCount: %d}}\n"


@pytest.fixture
def repo(tmp_path):
    repo = Repo(tmp_path / "repo")
    repo.commit("first", {
        "environments/base/web.json": definition(IMAGE, "${MESSAGE}"),
        "environments/base/service.json": service(1),
        "environments/prod/davit.yaml": PROD % ("one", 2),
    })
    return repo


@pytest.fixture
def run(repo):
    binary = binary_of("release")

    def run(*words):
        return subprocess.run([binary, *words], cwd=repo.directory, text=True, capture_output=True, check=False)

    return run


def rendered(process):
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_render(repo, run):
    assert rendered(run("render", "environments/prod", "Service/web", "-o", "json"))["desiredCount"] == 2
    repo.commit("second", {"environments/prod/davit.yaml": PROD % ("two", 3)})
    repo.write("environments/prod/davit.yaml", PROD % ("three", 4))
    for revision, count in (("HEAD~1", 2), ("HEAD", 3), (None, 4)):
        flags = ["--revision", revision] if revision else []
        assert rendered(run("render", "environments/prod", "Service/web", "-o", "json", *flags))["desiredCount"] == count
    assert rendered(run("render", "--path", "environments/prod", ".", "Service/web", "-o", "json"))["desiredCount"] == 4


def test_revisions_follow_the_resolved_content(repo, run):
    repo.commit("second", {"environments/prod/davit.yaml": PROD % ("two", 2)})
    repo.commit("third", {"environments/prod/pinned.json": service(1, name="pinned", family="web:2")})
    process = run("validate", "environments/prod", "--revision", "HEAD")
    assert process.returncode == 0, process.stdout
    repo.commit("fourth", {"environments/prod/pinned.json": service(1, name="pinned", family="web:3")})
    process = run("validate", "environments/prod", "--revision", "HEAD")
    assert process.returncode == 1 and "no revision 3 of task definition" in process.stdout
    process = run("diff", "--path", "environments/prod", "HEAD~3", "HEAD~2")
    assert process.returncode == 1 and "echo one" in process.stdout and "echo two" in process.stdout, process.stdout


@pytest.mark.parametrize("extends, why", [
    ("../../../out", "leads out of the repository"),
    ("../link", "no manifest in"),
    ("../linked/base", "no manifest in"),
])
def test_nothing_outside_the_repository_is_read(repo, run, tmp_path, extends, why):
    outside = tmp_path / "out"
    (outside / "base").mkdir(parents=True)
    for name in ("a.json", "base/a.json"):
        (outside / name).write_text(json.dumps(definition(IMAGE, family="outside")))
    os.symlink(outside, repo.directory / "environments/link")
    os.symlink(outside, repo.directory / "environments/linked")
    repo.commit("links", {"environments/prod/davit.yaml": f"extends: [{extends}]\n"})
    for flags in ([], ["--revision", "HEAD"]):
        process = run("validate", "environments/prod", *flags)
        assert process.returncode == 1 and why in process.stdout, process.stdout + process.stderr


def test_a_daemon_rolls_out_what_a_variable_changes(davit, docker, repo):
    spine = Spine(davit, repo, docker, source={
        "origin": str(repo.directory), "branch": "main", "path": "environments/prod"})
    spine.start()
    spine.converge()
    assert spine.texts() == ["one"] * 2
    repo.commit("two", {"environments/prod/davit.yaml": PROD % ("two", 2)})
    spine.converge()
    assert spine.texts() == ["two"] * 2
    after = spine.tasks()
    repo.commit("a file of the base that changes nothing", {"environments/base/c.yaml": "clusterName: other\n"})
    spine.converge()
    assert spine.tasks() == after
    repo.commit("base", {"environments/base/web.json": definition(IMAGE, "based ${MESSAGE}")})
    spine.converge()
    assert spine.texts() == ["based two"] * 2
