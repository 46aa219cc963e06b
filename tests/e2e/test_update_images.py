"""davit update-images: newer images of a real registry become commits, and commits become deployments."""

import base64
import http.server
import json
import socket
import subprocess
import threading

import pytest

from support.davit import wait_for
from support.registry import HOST, push, running
from support.repo import IDENTITY
from support.spine import Spine, service

NAME = f"{HOST}/shop/web"
USER, PASSWORD = "puller", "r3g1stry-c4nary"


def manifest(image, policy, family="web", name="app"):
    """With all that a rewriting of the file would lose."""
    return f"""# {family}: kept as it is
kind: TaskDefinition
family:   "{family}"
containerDefinitions:
  - name: {name}
    image: {image}   # moved by davit
    memory: 32
    stopTimeout: 1
    davit: {{imagePolicy: {policy}}}
    portMappings: [{{containerPort: 80}}]
"""


@pytest.fixture
def registry(docker, tmp_path, versions):
    with running(docker, tmp_path) as process:
        push(docker, versions[0], f"{NAME}:1.0.0")
        yield process


class Updating:
    """A repository with a daemon's worth of configuration, and the command in its engine's network."""

    def __init__(self, davit, repo, docker, **config):
        self.spine, self.repo = Spine(davit, repo, docker, **config), repo
        self.spine.daemon.environment.update(IDENTITY)

    def commit(self, **files):
        return self.repo.commit("manifests", {f"{name}.yaml" if isinstance(text, str) else f"{name}.json": text
                                              for name, text in files.items()})

    def run(self, *arguments, status=0):
        process = self.spine.daemon.run("update-images", "--repo", self.repo.directory, *arguments)
        assert process.returncode == status, f"{process.returncode}: {process.stdout}{process.stderr}"
        return process.stdout + process.stderr

    def file(self, path="web.yaml", revision="HEAD"):
        return self.repo.git("show", f"{revision}:{path}")


@pytest.fixture
def updating(davit, repo, docker, registry):
    return Updating(davit, repo, docker)


def test_a_new_tag_is_committed_and_deployed(updating, docker, versions):
    spine = updating.spine
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(2))
    spine.start()
    spine.converge()
    assert "1 image is as the policies ask for" in updating.run()
    for tag in ("1.0.1", "1.2.0", "2.0.0", "1.3.0-rc.1", "latest"):
        push(docker, versions[1], f"{NAME}:{tag}")
    first = updating.repo.head()
    dry = updating.run("--dry-run")
    assert "+    image: 127.0.0.1:5055/shop/web:1.2.0   # moved by davit" in dry and updating.repo.head() == first
    assert f"default/web app: {NAME}:1.0.0 -> {NAME}:1.2.0" in updating.run()
    assert updating.repo.head("HEAD~1") == first and updating.repo.git("status", "--porcelain") == ""
    assert updating.file() + "\n" == manifest(f"{NAME}:1.2.0", "{semver: 1.x}")
    message = updating.repo.git("log", "-1", "--format=%B|%an <%ae>")
    assert message == (f"Update the image of web app\n\ndefault/web app: {NAME}:1.0.0 -> {NAME}:1.2.0\n"
                       "|Test <test@example.org>")
    spine.converge()
    images = {docker.api.get(f"/containers/{one['Id']}/json")["Config"]["Image"] for one in spine.containers()}
    digest = docker.api.get(f"/images/{images.pop()}/json")["RepoDigests"]
    assert digest and not images
    assert "nothing to update" in updating.run()


def test_a_moved_tag_is_committed_by_digest(updating, docker, versions):
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{digest: true}"), service=service(1))
    updating.run()
    one = updating.file()
    assert f"image: {NAME}:1.0.0@sha256:" in one
    head = updating.repo.head()
    assert "nothing to update" in updating.run() and updating.repo.head() == head
    push(docker, versions[1], f"{NAME}:1.0.0")
    updating.run()
    two = updating.file()
    assert f"image: {NAME}:1.0.0@sha256:" in two and one != two
    assert updating.repo.git("diff", "--stat", head).count("web.yaml") == 1
    spine = updating.spine
    spine.start()
    spine.converge()
    assert spine.texts() == [spine.texts()[0]]


def test_what_was_taken_out_again_is_not_proposed(updating, docker, versions):
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    push(docker, versions[1], f"{NAME}:1.1.0")
    updating.run()
    reverted = updating.repo.revert()
    said = updating.run()
    assert f"{NAME}:1.1.0 is not proposed again, {reverted[:12]} (Revert \"Update the image of web app\") took it out" in said
    assert updating.repo.head() == reverted
    push(docker, versions[1], f"{NAME}:1.2.0")  # a later one is, and a rollback takes it back as well
    updating.run()
    assert f"{NAME}:1.2.0 " in updating.file()
    process = updating.spine.daemon.run("rollback", "default/web", "--repo", updating.repo.directory, "--to", "HEAD~1")
    assert process.returncode == 0, process.stderr
    assert f"{NAME}:1.2.0 is not proposed again" in updating.run() and f"{NAME}:1.0.0 " in updating.file()
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: ^1.0}"))  # a policy of its own asks anew
    updating.run()
    assert f"{NAME}:1.2.0 " in updating.file()


def test_a_digest_that_was_taken_out_again(updating, docker, versions):
    """A tag that moves back is followed; what was reverted is not committed again."""
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{digest: true}"), service=service(1))
    pinned = []
    for version in versions[1], versions[0]:
        updating.run()
        pinned.append(updating.file())
        push(docker, version, f"{NAME}:1.0.0")
    updating.run()
    assert updating.file() == pinned[0] != pinned[1] and "@sha256:" in pinned[0]
    updating.repo.revert()
    assert "is not proposed again" in updating.run() and updating.file() == pinned[1]


def test_patterns_and_json_and_many_containers_are_one_commit(updating, docker, versions):
    for tag in ("main-aa-9", "main-bb-10", "dev-cc-11"):
        push(docker, versions[0], f"{NAME}:{tag}")
    push(docker, versions[0], f"{HOST}/shop/api:2.0.0")
    push(docker, versions[0], f"{HOST}/shop/api:2.1.0")
    api = {"kind": "TaskDefinition", "family": "api", "containerDefinitions": [
        {"name": "api", "image": f"{HOST}/shop/api:2.0.0", "memory": 16, "davit": {"imagePolicy": {"semver": "^2"}}}]}
    first = updating.commit(web=manifest(f"{NAME}:main-00-1", "{pattern: '^main-[0-9a-f]+-([0-9]+)$'}"), api=api,
                            service=service(1))
    found = json.loads(updating.run("-o", "json"))
    assert [one["replacement"] for one in found["changes"]] == [f"{HOST}/shop/api:2.1.0", f"{NAME}:main-bb-10"]
    assert found["commit"] == updating.repo.head() and updating.repo.head("HEAD~1") == first
    api["containerDefinitions"][0]["image"] = f"{HOST}/shop/api:2.1.0"
    assert updating.file("api.json") + "\n" == json.dumps(api, indent=2) + "\n"
    assert updating.repo.git("log", "-1", "--format=%s") == "Update 2 images"


def test_a_branch_for_review(updating, docker, versions):
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    push(docker, versions[1], f"{NAME}:1.1.0")
    first = updating.repo.head()
    assert "next: merge updates into main" in updating.run("--branch", "updates")
    assert updating.repo.head() == first and f"{NAME}:1.1.0 " in updating.file(revision="updates")
    assert "nothing to update" in updating.run("--branch", "updates")
    push(docker, versions[1], f"{NAME}:1.2.0")  # what waits for review is gone on with
    updating.run("--branch", "updates")
    assert updating.repo.git("rev-list", "--count", "main..updates") == "2"
    updating.repo.git("merge", "--quiet", "--no-ff", "--no-edit", "updates")
    merged = updating.commit(other="# nothing\n")
    push(docker, versions[1], f"{NAME}:1.3.0")  # what is merged begins anew
    updating.run("--branch", "updates")
    assert updating.repo.head("updates~1") == merged
    assert f"{NAME}:1.3.0 " in updating.file(revision="updates") and f"{NAME}:1.2.0 " in updating.file()


def test_a_malformed_commit(updating, docker, versions):
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    odd = updating.repo.commit_malformed()
    push(docker, versions[1], f"{NAME}:1.1.0")
    for arguments in ["--branch", "updates"], []:
        updating.run(*arguments)
        assert updating.repo.head("updates~1") == odd and f"{NAME}:1.1.0 " in updating.file(revision="updates")
    assert updating.repo.head("HEAD~1") == odd and f"{NAME}:1.1.0 " in updating.file()


def test_a_push_and_one_that_is_too_late(updating, docker, versions, tmp_path):
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    updating.repo.git("remote", "add", "origin", str(remote))
    updating.repo.git("push", "--quiet", "origin", "main")
    push(docker, versions[1], f"{NAME}:1.1.0")
    updating.run("--push")
    assert updating.repo.git("ls-remote", "origin", "refs/heads/main").split()[0] == updating.repo.head()
    subprocess.run(["git", "--git-dir", remote, "update-ref", "refs/heads/main", updating.repo.head("HEAD~1")], check=True)
    other = subprocess.run(["git", "--git-dir", remote, "commit-tree", "-p", "refs/heads/main", "-m", "other", "main^{tree}"],
                           check=True, capture_output=True, text=True, env={**updating.spine.daemon.environment}).stdout.strip()
    subprocess.run(["git", "--git-dir", remote, "update-ref", "refs/heads/main", other], check=True)
    push(docker, versions[1], f"{NAME}:1.2.0")
    before = updating.repo.head()
    assert "lacks: git fetch origin there first" in updating.run("--push", status=2) and updating.repo.head() == before
    assert updating.repo.git("ls-remote", "origin", "refs/heads/main").split()[0] == other


def test_a_push_publishes_nothing_else(updating, docker, versions, tmp_path):
    remote = tmp_path / "remote.git"
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    subprocess.run(["git", "clone", "--quiet", "--bare", updating.repo.directory, remote], check=True)
    updating.repo.git("remote", "add", "origin", str(remote))
    updating.repo.git("fetch", "--quiet")
    push(docker, versions[1], f"{NAME}:1.1.0")
    wip = updating.repo.commit("WIP")
    assert f" that origin lacks, and davit would deploy them: {wip[:7]} (WIP); " in updating.run("--push", status=2)
    assert f" that origin lacks: {wip[:7]} (WIP); " in updating.run("--push", "--branch", "updates", status=2)
    assert updating.repo.head() == wip and updating.repo.git("ls-remote", "origin", "refs/heads/*").split()[0] != wip
    updating.repo.git("push", "--quiet", "origin", "main")
    updating.run("--push")
    assert updating.repo.git("ls-remote", "origin", "refs/heads/main").split()[0] == updating.repo.head()
    assert updating.repo.head("HEAD~1") == wip


def test_a_review_that_was_squashed_and_deleted(updating, docker, versions, tmp_path):
    """As GitHub merges: the branch of the clone has commits of davit's that nothing else has."""
    remote, repo = tmp_path / "remote.git", updating.repo
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    subprocess.run(["git", "clone", "--quiet", "--bare", repo.directory, remote], check=True)
    repo.git("remote", "add", "origin", str(remote))
    repo.git("fetch", "--quiet")
    for tag in "1.1.0", "1.2.0":
        push(docker, versions[1], f"{NAME}:{tag}")
        updating.run("--branch", "updates", "--push")
    waiting = repo.head("updates")
    repo.git("push", "--quiet", "origin", ":updates")
    push(docker, versions[1], f"{NAME}:1.3.0")
    assert "; git push or drop them first" in updating.run("--branch", "updates", "--push", status=2)  # closed, maybe
    assert repo.head("updates") == waiting
    repo.git("merge", "--quiet", "--squash", "updates")
    merged = repo.commit("squashed (#1)")
    repo.git("push", "--quiet", "origin", "main")
    repo.git("switch", "--quiet", "updates")  # its work tree would not follow
    assert "; git push or drop them" in updating.run("--base", "main", "--branch", "updates", "--push", status=2)
    assert repo.head("updates") == waiting
    repo.git("switch", "--quiet", "main")
    updating.run("--branch", "updates", "--push")
    assert repo.head("updates~1") == merged and repo.git("ls-remote", "origin", "updates").split()[0] == repo.head("updates")
    assert f"{NAME}:1.3.0 " in updating.file(revision="updates")
    repo.git("push", "--quiet", "origin", ":updates")  # closed: what a bot alone made is begun anew, what anybody else did is not
    other = repo.commit("other", {"other.yaml": "# nothing\n"})
    repo.git("push", "--quiet", "origin", "main")
    assert "git branch -D updates" in updating.run("--branch", "updates", "--push", "--author", "Bot <bot@x.org>", status=2)
    author = repo.git("log", "-1", "--format=%an <%ae>", "updates")
    updating.run("--branch", "updates", "--push", "--author", author)
    assert repo.head("updates~1") == other and repo.git("ls-remote", "origin", "updates").split()[0] == repo.head("updates")


def test_one_registry_that_is_down_hinders_no_other(updating, docker, versions):
    push(docker, versions[1], f"{NAME}:1.1.0")
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1),
                    down=manifest("127.0.0.1:9/a/b:1.0.0", "{semver: 1.x}", "down"),
                    too=manifest("127.0.0.1:9/a/c:1.0.0", "{semver: 1.x}", "too"),
                    none=manifest(f"{HOST}/shop/none:1.0.0", "{digest: true}", "none"),
                    nine=manifest(f"{NAME}:1.0.0", "{semver: 9.x}", "nine"))
    said = updating.run(status=1)
    assert "down.yaml:6:12: task definition down app: a/b of 127.0.0.1:9: " in said and "is not asked again" in said
    assert "shop/none of 127.0.0.1:5055: the registry has no such image" in said
    assert "none of its 2 tags is one that semver \"9.x\" allows" in said
    assert f"{NAME}:1.1.0 " in updating.file()


def test_what_cannot_be_replaced_is_told(updating, docker, versions):
    push(docker, versions[1], f"{NAME}:1.1.0")
    shared = manifest("&image " + f"{NAME}:1.0.0", "{semver: 1.x}", "shared") + "  - {name: b, image: *image, memory: 16}\n"
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1), shared=shared)
    said = updating.run(status=1)
    assert "shared.yaml:6:12: task definition shared app: shared.yaml:6:12: another image there" in said
    assert updating.file("shared.yaml") + "\n" == shared and f"{NAME}:1.1.0 " in updating.file()


def test_changes_of_ones_own_are_left_alone(updating, docker, versions):
    push(docker, versions[1], f"{NAME}:1.1.0")
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    head = updating.repo.head()
    updating.repo.write("web.yaml", manifest(f"{NAME}:1.0.0", "{semver: 1.x}") + "# mine\n")
    assert "nothing was changed" in updating.run(status=2)
    assert updating.repo.head() == head and "# mine" in (updating.repo.directory / "web.yaml").read_text()


def test_invalid_manifests_and_none(updating):
    updating.commit(web="kind: Cluster\nclusterName: c\n")
    head = updating.repo.head()
    assert f"no container has an image policy in commit {head[:12]}: nothing to update" in updating.run()
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: soon}"))
    assert "are not valid" in updating.run(status=2)


def test_a_registry_with_a_login(davit, repo, docker, versions, tmp_path):
    from test_registry import LOGIN, hashed
    (tmp_path / "htpasswd").write_text(f"{USER}:{hashed(PASSWORD)}\n")
    with running(docker, tmp_path, LOGIN.format(root=tmp_path)):
        for tag in ("1.0.0", "1.1.0"):
            push(docker, versions[0], f"{NAME}:{tag}", (USER, PASSWORD))
        updating = Updating(davit, repo, docker)
        updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
        config = tmp_path / "docker.json"
        arguments = ("--docker-config", config)
        assert "wants a login" in updating.run(*arguments, status=1)
        config.write_text(json.dumps({"credHelpers": {HOST: "vault"}}))
        assert "credential helper vault" in updating.run(*arguments, status=1)
        for password, status in ((PASSWORD + "x", 1), (PASSWORD, 0)):
            auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
            config.write_text(json.dumps({"auths": {HOST: {"auth": auth}}}))
            said = updating.run(*arguments, status=status)
            assert PASSWORD not in said and auth not in said
        assert f"{NAME}:1.1.0 " in updating.file()


def status(updating):
    return json.loads(updating.spine.daemon.run("status", "-o", "json").stdout)["imageUpdates"]


def test_the_daemon_commits_and_deploys(davit, repo, docker, registry, versions):
    updating = Updating(davit, repo, docker, imageUpdates={"interval": "1s", "author": "davit <davit@example.org>"})
    spine = updating.spine
    spine.daemon.environment["DAVIT_DRY_RUN"] = "1"  # a flag of the command, and not the daemon's to hand on
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(2))
    first = updating.repo.head()
    spine.start()
    spine.converge()
    wait_for(lambda: "checkedAt" in status(updating), 20, "it has looked")
    assert updating.repo.head() == first and status(updating)["ok"]
    push(docker, versions[1], f"{NAME}:1.1.0")
    wait_for(lambda: updating.repo.head() != first, 20, "it commits")
    wait_for(lambda: status(updating).get("commit") == updating.repo.head(), 20, "it tells the commit")
    assert updating.repo.git("log", "-1", "--format=%an <%ae>|%cn|%s") == "davit <davit@example.org>|davit|Update the image of web app"
    assert f"{NAME}:1.1.0 " in updating.file() and updating.repo.git("status", "--porcelain") == ""
    spine.converge()
    assert f"last commit {updating.repo.head()[:12]} on main" in spine.daemon.run("status").stdout
    assert f"default/web app: {NAME}:1.0.0 -> {NAME}:1.1.0" in spine.daemon.log_text()

    registry.terminate()
    registry.wait()
    wait_for(lambda: not status(updating)["ok"], 20, "a registry that is down is told")
    assert f"           default/web app, {NAME}:1.1.0: shop/web of {HOST}: " in spine.daemon.run("status").stdout
    assert spine.daemon.log_text().count("warning: image updates") == 1
    assert spine.daemon.stop() == 0


def test_the_daemon_leaves_what_was_reverted(davit, repo, docker, registry, versions):
    updating = Updating(davit, repo, docker, imageUpdates={"interval": "1s", "author": "davit <davit@example.org>"})
    push(docker, versions[1], f"{NAME}:1.1.0")
    first = updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    updating.spine.start()
    wait_for(lambda: updating.repo.head() != first, 20, "it commits")
    wait_for(lambda: status(updating).get("commit") == updating.repo.head(), 20, "it has ended")
    reverted = updating.repo.revert()
    refused = wait_for(lambda: status(updating)["refusals"], 20, "it tells that it leaves it")
    assert refused[0]["message"].startswith(f"{NAME}:1.1.0 is not proposed again, {reverted[:12]} (") and status(updating)["ok"]
    checked = status(updating)["checkedAt"]
    wait_for(lambda: status(updating)["checkedAt"] != checked, 20, "it has looked once more")
    assert updating.repo.head() == reverted and updating.spine.daemon.log_text().count("is not proposed again") == 1
    assert "is not proposed again" in updating.spine.daemon.run("status").stdout


def test_the_daemon_commits_for_review(davit, repo, docker, registry, versions):
    updating = Updating(davit, repo, docker, imageUpdates={"interval": "1s", "branch": "updates"})
    push(docker, versions[1], f"{NAME}:1.1.0")
    first = updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    updating.spine.start()
    wait_for(lambda: updating.repo.git("branch", "--list", "updates"), 20, "it commits on the branch")
    updating.spine.converge()
    assert updating.repo.head() == first and updating.repo.head("updates~1") == first
    checked = status(updating)["checkedAt"]
    wait_for(lambda: status(updating)["checkedAt"] != checked, 20, "it looks again")
    assert updating.repo.git("rev-list", "--count", "main..updates") == "1"
    updating.repo.git("merge", "--quiet", "updates")
    updating.spine.converge()
    assert f"{NAME}:1.1.0 " in updating.file()


def test_the_daemon_says_why_it_cannot_commit(davit, repo, docker, registry, versions):
    updating = Updating(davit, repo, docker, imageUpdates={"interval": "1s"})
    push(docker, versions[1], f"{NAME}:1.1.0")
    updating.commit(web=manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), service=service(1))
    mine = manifest(f"{NAME}:1.0.0", "{semver: 1.x}") + "# mine\n"
    updating.repo.write("web.yaml", mine)
    updating.spine.start()
    wait_for(lambda: "nothing was changed" in status(updating).get("message", ""), 20, "the reason is told")
    assert (updating.repo.directory / "web.yaml").read_text() == mine
    assert "nothing was changed" in updating.spine.daemon.run("status").stdout
    updating.repo.git("checkout", "--", "web.yaml")
    wait_for(lambda: f"{NAME}:1.1.0 " in updating.file(), 60, "it recovers by itself")
    assert updating.spine.daemon.stop() == 0


def test_a_daemon_that_stops_leaves_no_process(davit, repo, docker, tmp_path):
    """A registry that never answers, and a daemon that does not wait for it."""
    listener = socket.create_server(("127.0.0.1", 0))
    image = f"127.0.0.1:{listener.getsockname()[1]}/a/b:1.0.0"
    spine = Spine(davit, repo, docker, imageUpdates={"interval": "1s"})
    spine.daemon.engine = None  # in this network, where the listener is
    spine.repo.commit("first", {"web.yaml": manifest(image, "{semver: 1.x}"), "service.json": service(0)})
    spine.start()
    listener.settimeout(180)
    connection, _ = listener.accept()
    assert spine.daemon.stop() == 0
    connection.settimeout(180)
    while connection.recv(65536):  # until its other end is gone
        pass
    connection.close()
    listener.close()


ANSWERS = [b"", b"not http\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100000, b"HTTP/1.1 200 OK\r\n\r\n{\"tags\": [\"9.9.9\\u0000\"]}",
           b"HTTP/1.1 302 Found\r\nLocation: /v2/\r\n\r\n", b"HTTP/1.1 200 OK\r\nLink: <" + b"a" * 70000 + b">\r\n\r\n{}",
           b"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"http://169.254.169.254/latest\"\r\n\r\n",
           b"HTTP/1.1 200 OK\r\n\r\n{\"tags\": [\"1.9.0\\nrm -rf\", \"$(id)\", \"1.9.0 x\", \"1.x\"]}"]


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_what_is_no_registry(davit, repo, tmp_path, number):
    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one_request(self):
            self.raw_requestline = self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            self.wfile.write(ANSWERS[number])
            self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    image = f"127.0.0.1:{server.server_port}/a/b:1.0.0"
    head = repo.commit("first", {"web.yaml": manifest(image, "{semver: 1.x}")})
    daemon = davit({}, None, IDENTITY)
    process = daemon.run("update-images", "--repo", repo.directory)
    server.shutdown()
    server.server_close()
    said = process.stdout + process.stderr
    assert repo.head() == head and "rm -rf" not in said
    assert process.returncode == (0 if number == len(ANSWERS) - 1 else 1), said
    if process.returncode:
        assert "web.yaml:6:12: task definition web app: a/b of 127.0.0.1:" in said
