"""davit rollback: the commit that brings a service back, and what davit does of it; the engine says what runs."""

import json
import os
import subprocess

import pytest

from support.davit import wait_for
from support.repo import IDENTITY, simple
from support.standing import IMAGE, binary_of, standing_spine

VERSION = "com.amazonaws.ecs.task-definition-version"


def definition(family, text):
    """What exits has a health check without an answer by then: it counts as healthy on no machine, however slow."""
    health = "healthCheck: {command: [CMD-SHELL, 'false'], interval: 300}" if text.startswith("exit") else ""
    return f"""kind: TaskDefinition
family: {family}
containerDefinitions:
  - name: app
    image: {IMAGE}
    memory: 16
    entryPoint: [/bin/sh, -c]
    command: ["trap exit TERM; {text}; sleep 3600 & wait"]
    davit: {{files: [{{source: {family}.conf, target: /etc/app.conf}}]}}
    {health}
"""


def service(name, count=1):
    return f"""kind: Service
serviceName: {name}
taskDefinition: {name}
desiredCount: {count}
davit: {{minimumHealthySeconds: 1}}
"""


def web(text, count=1):
    return f"{definition('web', text)}---\n{service('web', count)}"


class Rolling:
    """A repository with the manifests below prod, and the clone that people work in."""

    def __init__(self, spine, directory):
        self.spine, self.repo = spine, spine.repo
        self.clone = directory / "clone"

    def run(self, *arguments, repo=None):
        return self.spine.daemon.run("rollback", "default/web", "--repo", repo or self.repo.directory, *arguments)

    def commit(self, subject, files):
        return self.repo.commit(subject, {f"prod/{path}": content for path, content in files.items()})

    def says(self, *command):
        return self.repo.git(*command)

    def runs(self, family="web"):
        """Container id -> revision."""
        return {one["Id"]: int(one["Labels"][VERSION]) for one in self.spine.containers()
                if one["Labels"]["com.amazonaws.ecs.task-definition-family"] == family}

    def redeploy(self):
        old = set(self.runs())
        assert self.spine.daemon.run("redeploy", "default/web").returncode == 0
        wait_for(lambda: self.runs() and not old & set(self.runs()), 60, "every task is replaced")
        self.spine.converge()

    def command(self):
        return self.spine.engine.api.get(f"/containers/{next(iter(self.runs()))}/json")["Config"]["Cmd"][0]


@pytest.fixture(scope="module")
def standing(second_docker_session, tmp_path_factory):
    directory = tmp_path_factory.mktemp("rollback")
    with standing_spine(directory, second_docker_session, binary_of("release"), 1) as spine:
        spine.daemon.environment.update(IDENTITY)
        spine.daemon.stop()
        config = json.loads(spine.daemon.config.read_text())
        config["source"]["path"] = "prod"
        config["owner"] = "e2e"
        spine.daemon.configure(config)
        spine.repo.commit("prod", {"prod/web.yaml": web("true"), "prod/web.conf": "a", "prod/api.conf": "a", "web.json": None,
                                   "service.json": None, "prod/api.yaml": web("true").replace("web", "api")})
        spine.start()
        spine.converge()
        yield Rolling(spine, directory)


def test_what_completed_last_comes_back(standing):
    """With its file, and with the number of tasks that it has now; what else the commit did stays."""
    api = standing.runs("api")
    standing.commit("web: more tasks", {"web.yaml": web("true", 2)})
    standing.spine.converge()
    [before] = set(standing.runs().values())
    crash = standing.commit("web: crashes", {"web.yaml": web("exit 7", 2), "web.conf": "b", "new.txt": "stays"})
    wait_for(lambda: "FAILED" in standing.spine.daemon.run("history", "default/web").stdout, 60, "it has failed")
    standing.spine.at_rest(3)
    process = standing.run("--dry-run")
    assert process.returncode == 0 and "-b\n" in process.stdout and "+a\n" in process.stdout, process.stderr
    assert standing.repo.head() == crash
    old = standing.runs()
    process = standing.run()
    assert process.returncode == 0, process.stderr
    assert "\n  M prod/web.conf\n  M prod/web.yaml\ncommitted " in process.stdout
    assert f"takes back {crash[:12]} (web: crashes)\n" in process.stdout
    assert process.stdout.endswith("\nnext: davit reconcile && davit wait default/web\n")
    assert standing.says("log", "-1", "--format=%an %s").startswith(f"Test Roll back default/web to web:{before} (")
    assert standing.says("log", "-1", "--format=%(trailers:key=Davit-Rollback,valueonly)") == "default/web\n"
    assert standing.says("log", "-1", "--format=%(trailers:key=Davit-Rolled-Back,valueonly)") == f"{crash}\n"
    assert standing.says("status", "--porcelain") == "" and standing.says("show", "HEAD:prod/new.txt") == "stays"
    standing.spine.converge()
    assert standing.runs() == old and set(old.values()) == {before} and len(old) == 2  # they served all the time
    assert standing.runs("api") == api
    process = standing.run("--to", str(before))
    assert process.returncode == 1 and "there is nothing to roll back" in process.stderr


def test_nothing_to_go_back_to(standing):
    run = standing.spine.daemon.run
    process = run("rollback", "default/api", "--repo", standing.repo.directory)
    assert process.returncode == 1 and "there is nothing to roll back: the daemon knows no deployment" in process.stderr
    for name, words in [("default/nosuch", 'there is no service "default/nosuch"'), ("shop/web", "did you mean default/web?")]:
        for arguments in [["--repo", standing.repo.directory], ["--hold"]]:
            process = run("rollback", name, *arguments)
            assert process.returncode == 2 and words in process.stderr, process.stderr


def test_from_a_completed_one_to_the_one_before_and_to_a_commit(standing):
    [before] = set(standing.runs().values())
    first = standing.repo.head()
    standing.redeploy()
    standing.commit("web: next", {"web.yaml": web("echo next", 2)})
    standing.spine.converge()
    assert set(standing.runs().values()) != {before}
    standing.redeploy()  # no commit knows of that
    process = standing.run()
    assert process.returncode == 0, process.stderr
    standing.spine.converge()
    assert set(standing.runs().values()) == {before}
    process = standing.run("--to", "HEAD~1", "--author", "Ops <ops@example.org>")
    assert process.returncode == 0, process.stderr
    assert standing.says("log", "-1", "--format=%an %ce") == "Ops ops@example.org"
    standing.spine.converge()
    assert "echo next" in standing.command()
    process = standing.run("--to", first[:10])
    assert process.returncode == 0, process.stderr
    standing.spine.converge()
    assert set(standing.runs().values()) == {before}


def test_on_a_branch_pushed_from_a_clone(standing):
    standing.commit("web: for the clone", {"web.yaml": web("echo clone", 2)})
    standing.spine.converge()
    standing.says("switch", "--quiet", "--detach")  # so that main can be pushed to
    subprocess.run(["git", "clone", "--quiet", "--branch", "main", standing.repo.directory, standing.clone], check=True)
    tip = standing.repo.head("main")
    process = standing.run("--to", "HEAD~1", "--branch", "rollback/web", "--push", repo=standing.clone)
    assert process.returncode == 0, process.stderr
    assert "next: merge rollback/web into main" in process.stdout
    assert standing.says("rev-parse", "rollback/web~1") == standing.repo.head("main") == tip
    process = standing.run("--to", "HEAD~1", "--push", repo=standing.clone)
    assert process.returncode == 0 and standing.repo.head("main~1") == tip, process.stderr
    standing.spine.seen(standing.repo.head("main"))
    standing.says("switch", "--quiet", "main")
    standing.commit("web: newer than the clone", {"web.yaml": web("echo newer", 2)})
    standing.spine.seen()
    process = standing.run(repo=standing.clone)
    assert process.returncode == 2 and "git pull there first" in process.stderr
    lonely = standing.run("--to", "HEAD~1", "--push", "--socket", "/nonexistent", "--path", "prod", repo=standing.clone)
    assert lonely.returncode == 2 and "lacks: git fetch origin there first" in lonely.stderr  # never by force
    assert standing.says("log", "-1", "--format=%s", "main") == "web: newer than the clone"
    standing.spine.converge()


def test_a_commit_that_is_not_valid(standing):
    standing.commit("web: misspelt", {"web.yaml": web("true", 2).replace("essential", "x").replace("image:", "imge:")})
    standing.spine.seen()
    old = standing.runs()
    process = standing.run()
    assert process.returncode == 0 and "the newest commit is not valid" in process.stderr, process.stderr
    standing.spine.converge()
    assert standing.runs() == old


def test_refused_with_the_remedy(standing):
    head = standing.commit("one file for both", {"web.yaml": f"{web('echo both', 2)}---\n" + web("echo both").replace(
        "web", "api"), "api.yaml": None})
    standing.spine.converge()
    process = standing.run()
    assert process.returncode == 2 and standing.repo.head() == head
    assert "prod/web.yaml" in process.stderr or "service default/api" in process.stderr, process.stderr
    assert '; "davit rollback default/web --hold" goes back at once and without a commit\n' in process.stderr
    standing.repo.write("prod/web.yaml", "mine")
    head = standing.repo.head()
    process = standing.run("--to", "HEAD~1", "--force")
    assert process.returncode == 2 and standing.repo.head() == head
    standing.says("checkout", "--quiet", ".")
    for arguments, words in [
        (["--to", "77"], "no commit is known that has revision web:77"),
        (["--to", "nosuchbranch"], 'there is no commit "nosuchbranch"'),
        (["--to", "HEAD~1", "--force", "--branch", "rollback/web"], "there is a branch rollback/web already"),
        (["--push"], "has no remote to push to"),
        (["--push", "--dry-run"], "--dry-run commits nothing"),
    ]:
        process = standing.run(*arguments)
        assert process.returncode == 2 and words in process.stderr, (arguments, process.stderr)
        assert standing.repo.head() == head


def test_a_rename_is_in_the_way(standing):
    content = standing.says("show", "HEAD:prod/web.yaml")
    standing.commit("web is shop", {"web.yaml": content.replace("serviceName: web", "serviceName: shop")})
    standing.spine.converge()
    process = standing.spine.daemon.run("rollback", "default/shop", "--repo", standing.repo.directory)
    assert process.returncode == 2 and "cannot be found with that content" in process.stderr, process.stderr
    assert '"davit rollback default/shop --hold" goes back at once' in process.stderr


# --- without a daemon -------------------------------------------------------------------------------------


@pytest.fixture
def alone(repo, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [binary_of("release"), "rollback", "default/web", "--repo", repo.directory, "--socket", tmp_path / "none",
             *arguments], env={**os.environ, **IDENTITY}, capture_output=True, text=True)

    return run


def test_revisions_are_counted_along_the_branch(repo, alone):
    repo.commit("one", {"web.yaml": simple("web")})
    repo.commit("more", {"web.yaml": simple("web", count=3)})
    repo.commit("two", {"web.yaml": simple("web", "busybox:2", 3)})
    process = alone()
    assert process.returncode == 2 and "no davit daemon answers" in process.stderr and "give --to" in process.stderr
    process = alone("--to", "web:1")
    assert process.returncode == 0 and "this goes by git alone" in process.stderr, process.stderr
    assert (repo.directory / "web.yaml").read_text() == simple("web", count=3)
    process = alone("--to", "2", "--branch", "main", "--dry-run")
    assert process.returncode == 0 and '+containerDefinitions: [{name: app, image: "busybox:2"' in process.stdout
    assert alone("--to", "1").returncode == 1
    process = alone("--to", "3")
    assert process.returncode == 2 and "no commit is known that has revision web:3" in process.stderr


def test_all_that_is_taken_back_is_told(repo, alone):
    """What the service's files have of it, newest first, each with a trailer; of many the newest."""
    first = repo.commit("one", {"web.yaml": simple("web")})
    oids = [repo.commit(f"tag {tag}", {"web.yaml": simple("web", f"busybox:{tag}")}) for tag in range(2, 5)]
    repo.commit("elsewhere", {"api.yaml": simple("api")})
    process = alone("--to", "1")
    assert process.returncode == 0, process.stderr
    told = [line for line in process.stdout.splitlines() if line.startswith("takes back ")]
    assert told == [f"takes back {oid[:12]} (tag {tag})" for tag, oid in zip((4, 3, 2), reversed(oids))]
    rolled_back = repo.git("log", "-1", "--format=%(trailers:key=Davit-Rolled-Back,valueonly)").split()
    assert rolled_back == list(reversed(oids))
    assert "Takes back" in repo.git("log", "-1", "--format=%b") and repo.git("log", "-1", "--format=%b").count(first) == 1
    repo.git("switch", "--quiet", "-c", "side", first)
    side = repo.commit("of the side", {"web.yaml": simple("web", "busybox:side")})
    repo.git("switch", "--quiet", "main")
    process = alone("--to", side)  # it is not on the line
    assert process.returncode == 0 and process.stdout.count("takes back ") == 4, process.stdout
    for tag in range(40):
        repo.commit(f"many {tag}", {"web.yaml": simple("web", f"busybox:many{tag}")})
    process = alone("--to", first, "--dry-run")
    assert process.returncode == 0 and "\ntakes back older ones as well\n" in process.stdout, process.stderr
    assert process.stdout.count("takes back ") == 32 and "(many 39)" in process.stdout


@pytest.mark.parametrize("before", ["", "x"])
def test_a_long_subject_is_cut_between_characters(repo, alone, before):
    subject = before + "\u00e9" * 150
    repo.commit(subject, {"web.yaml": simple("web")})
    repo.commit("two", {"web.yaml": simple("web", "busybox:2")})
    process = alone("--to", "1")
    assert process.returncode == 0, process.stderr
    told = repo.git("log", "-1", "--format=%b").partition("(")[2].partition(")")[0]
    assert len(told) > 60 and subject.startswith(told)


def test_what_an_environment_says(repo, alone):
    """Its davit.yaml goes back as well where that is what has changed, and not where others live by it."""
    files = {"web.yaml": simple("web", "busybox:${TAG}"), "api.yaml": simple("api"), "davit.yaml": "variables: {TAG: '1'}\n"}
    repo.commit("one", files)
    repo.commit("two", {"davit.yaml": "variables: {TAG: '2'}\n"})
    process = alone("--to", "1")
    assert process.returncode == 0 and "  M davit.yaml\n" in process.stdout, process.stderr
    assert (repo.directory / "davit.yaml").read_text() == files["davit.yaml"]
    repo.commit("of both", {"api.yaml": simple("api", "busybox:${TAG}")})
    head = repo.commit("two again", {"davit.yaml": "variables: {TAG: '2'}\n"})
    process = alone("--to", "1")
    assert process.returncode == 2 and repo.head() == head
    assert "would change with it: service default/api" in process.stderr
    process = alone("--to", "1", "--force")
    assert process.returncode == 0 and "  changes as well: service default/api\n" in process.stdout, process.stderr


def test_a_service_that_was_removed_and_one_that_never_was(repo, alone):
    repo.commit("api", {"api.yaml": simple("api")})
    repo.commit("one", {"web.yaml": simple("web")})
    repo.commit("gone", {"web.yaml": None})
    process = alone("--to", "HEAD~2")
    assert process.returncode == 2 and "has no service default/web" in process.stderr
    process = alone("--to", "HEAD~1")
    assert process.returncode == 0 and "  A web.yaml\n" in process.stdout, process.stderr
    assert repo.git("show", "HEAD:web.yaml") + "\n" == simple("web")


def test_what_else_changes_past_a_commit_that_is_not_valid(repo, alone):
    """Told against the newest one that is valid."""
    def both(tag):
        return f"{simple('web', f'busybox:{tag}')}---\n{simple('api', f'busybox:{tag}')}"

    repo.commit("one", {"both.yaml": both(1)})
    valid = repo.commit("two", {"both.yaml": both(2)})
    head = repo.commit("misspelt", {"both.yaml": both(2).replace("image:", "imge:")})
    process = alone("--to", "web:1")
    assert process.returncode == 2 and repo.head() == head
    assert f"against {valid[:12]}, the newest that is, others would change with default/web: service default/api" in process.stderr
    process = alone("--to", "web:1", "--force", "--dry-run")
    assert process.returncode == 0 and "  changes as well: service default/api\n" in process.stdout, process.stderr
    process = alone("--to", valid)
    assert process.returncode == 0, process.stderr


def test_what_else_changes_where_nothing_is_valid(repo, alone):
    repo.commit("misspelt", {"web.yaml": simple("web").replace("image:", "imge:")})
    repo.git("switch", "--quiet", "-c", "other")
    good = repo.commit("good", {"web.yaml": simple("web")})
    repo.git("switch", "--quiet", "main")
    process = alone("--to", good)
    assert process.returncode == 2 and "cannot be told. Say --force" in process.stderr, process.stderr
    process = alone("--to", good, "--force")
    assert process.returncode == 0, process.stderr


def test_why_nothing_is_found(repo, alone):
    first = repo.commit("one, and wrong elsewhere", {"web.yaml": simple("web"), "api.yaml": "kind: Servce\n"})
    repo.commit("two", {"web.yaml": simple("web", "busybox:2"), "api.yaml": simple("api")})
    process = alone("--to", "1")
    assert process.returncode == 2 and f"; not all are valid, commit {first[:12]}: api.yaml:1:" in process.stderr, process.stderr
    assert "in the last 2 changes of its files" in process.stderr
    assert 'there is no commit "1234567"' in alone("--to", "1234567").stderr  # as many digits as git shows of one


def test_a_commit_that_would_not_be_valid_is_not_made(repo, alone):
    repo.commit("one", {"web.yaml": simple("web")})
    head = repo.commit("moved, and wrong elsewhere", {"web.yaml": simple("web", "busybox:2"), "api.yaml": "kind: Servce\n"})
    process = alone("--to", "HEAD~1")
    assert process.returncode == 2 and "the branch is not valid: api.yaml:1:" in process.stderr
    assert repo.head() == head and repo.git("status", "--porcelain") == ""
