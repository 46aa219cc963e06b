"""The daemon commits newer images to a remote: over https and ssh, by real servers, with the login of the source."""

import json
import stat
import subprocess

import pytest

from support.davit import wait_for
from support.git_servers import PASSWORD, USER, Mute
from support.registry import HOST, push
from support.repo import IDENTITY
from support.spine import Spine, service
from test_update_images import NAME, manifest, registry  # noqa: F401

AUTHOR = "davit <davit@localhost>"


class Remote:
    """A daemon on a remote, which pushes to it."""

    def __init__(self, davit, repo, docker, root, source, **updates):
        self.repo, self.root, self.bare = repo, root, root / "infra.git"
        self.spine = Spine(davit, repo, docker, source={"branch": "main", "poll": "1h", "fetchTimeout": "60s", **source},
                           imageUpdates={"interval": "1s", **updates})
        self.spine.daemon.environment.update(IDENTITY)
        for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
            del self.spine.daemon.environment[name]  # nobody has told git who a daemon is
        self.first = self.commit({"web.yaml": manifest(f"{NAME}:1.0.0", "{semver: 1.x}"), "service.json": service(1)})

    def git(self, *arguments):
        return subprocess.run(["git", "--git-dir", self.bare, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files, message="manifests"):
        commit = self.repo.commit(message, files)
        self.repo.git("push", "--quiet", str(self.bare), "main")
        return commit

    def pull(self):
        self.repo.git("pull", "--quiet", "--ff-only", str(self.bare), "main")

    def head(self, branch="main"):
        return self.git("rev-parse", branch)

    def file(self, branch="main", path="web.yaml"):
        return self.git("show", f"{branch}:{path}")

    def status(self):
        return self.spine.daemon.json("status")["imageUpdates"]

    def looked(self):
        checked = self.status().get("checkedAt")
        wait_for(lambda: self.status().get("checkedAt") != checked, 90, "it looks")

    def trouble(self, *words):
        wait_for(lambda: all(word in self.status().get("message", "") for word in words), 60,
                 lambda: f"{words} in {self.status()}")

    def hook(self, name, script):
        path = self.bare / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path


@pytest.fixture
def over_https(https, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    return {"origin": https.url("infra.git"), "username": USER, "passwordFile": str(password), "caFile": str(https.ca)}


def over_ssh(ssh, root):
    return {"origin": ssh.url(f"{root}/infra.git"), "keyFile": str(ssh.key), "knownHostsFile": str(ssh.known_hosts)}


def commits_and_deploys(remote, docker, versions):  # noqa: F811
    """Two images at once; a commit on the remote's branch that davit deploys, without waiting for the poll."""
    spine = remote.spine
    push(docker, versions[0], f"{HOST}/shop/api:2.0.0")
    remote.first = remote.commit({"api.yaml": manifest(f"{HOST}/shop/api:2.0.0", "{semver: ^2}", "api")})
    spine.start()
    spine.converge()
    remote.looked()
    assert remote.head() == remote.first and remote.status()["ok"]
    remote.hook("update", """git show "$3:web.yaml" | grep -q web:1.1.0 && git show "$3:api.yaml" | grep -q api:2.2.0""")  # both
    push(docker, versions[1], f"{NAME}:1.1.0")
    push(docker, versions[1], f"{HOST}/shop/api:2.2.0")
    wait_for(lambda: f"{NAME}:1.1.0 " in remote.file() and "api:2.2.0 " in remote.file(path="api.yaml"), 60, "it pushes")
    assert remote.git("log", "-1", "--format=%an <%ae>|%cn <%ce>") == f"{AUTHOR}|{AUTHOR}"
    assert remote.head("main~1") == remote.first and remote.git("log", "-1", "--format=%s") == "Update 2 images"
    wait_for(lambda: remote.status().get("commit") == remote.head(), 20, "it tells the commit")
    remote.pull()
    spine.converge()
    assert PASSWORD not in spine.daemon.log_text() + json.dumps(remote.status())


def test_https(davit, repo, docker, registry, versions, root, over_https, https):  # noqa: F811
    remote = Remote(davit, repo, docker, root, over_https)
    commits_and_deploys(remote, docker, versions)
    methods = {(method, status) for method, path, status in https.requests() if "receive-pack" in path}
    assert ("POST", "200") in methods
    assert remote.spine.daemon.stop() == 0


def test_ssh(davit, repo, docker, registry, versions, root, ssh):  # noqa: F811
    remote = Remote(davit, repo, docker, root, over_ssh(ssh, root))
    commits_and_deploys(remote, docker, versions)
    assert remote.spine.daemon.stop() == 0


def test_what_goes_wrong_is_told_once_and_mended(davit, repo, docker, registry, versions, root, over_https, https):  # noqa: F811
    """A wrong password, a login that may only read, a protected branch, a remote that says nothing."""
    remote = Remote(davit, repo, docker, root, over_https)
    spine, password = remote.spine, over_https["passwordFile"]
    spine.start()
    spine.converge()
    running = spine.ids()

    hook = remote.hook("pre-receive", "echo main is protected, ask for a review >&2; exit 1")
    push(docker, versions[1], f"{NAME}:1.1.0")
    remote.trouble("refuses a push to refs/heads/main", "pre-receive hook declined", "main is protected, ask for a review")
    assert remote.head() == remote.first and spine.ids() == running
    remote.looked()
    assert spine.daemon.log_text().count("main is protected") == 1
    hook.unlink()

    with open(password, "w", encoding="utf-8") as file:
        file.write("wr0ng-canary\n")
    remote.trouble(f'refuses user "{USER}"', password)
    with open(password, "w", encoding="utf-8") as file:
        file.write(PASSWORD + "\n")
    subprocess.run(["git", "--git-dir", remote.bare, "config", "http.receivepack", "false"], check=True)
    remote.trouble("403")
    subprocess.run(["git", "--git-dir", remote.bare, "config", "http.receivepack", "true"], check=True)
    wait_for(lambda: f"{NAME}:1.1.0 " in remote.file(), 180, "it recovers by itself")
    wait_for(lambda: "image updates: all is well again" in spine.daemon.log_text(), 60, "and says so")
    said = spine.daemon.log_text() + spine.daemon.run("status", "-o", "json").stdout
    assert PASSWORD not in said and "wr0ng-canary" not in said
    assert spine.daemon.stop() == 0


def test_a_branch_that_moves_meanwhile(davit, repo, docker, registry, versions, root, ssh):  # noqa: F811
    """Made anew on what is there, never forced, and no trouble to tell."""
    remote = Remote(davit, repo, docker, root, over_ssh(ssh, root))
    moved = root / "moved"  # somebody is faster, once: it is the hook of davit's own push that makes it sure
    remote.hook("update", f"""[ -e {moved} ] && exit 0
touch {moved}
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.org
other=$(git commit-tree -p "$2" -m "Ada is faster" "$2^{{tree}}")
git update-ref "$1" $other""")
    remote.spine.start()
    push(docker, versions[1], f"{NAME}:1.1.0")
    wait_for(lambda: f"{NAME}:1.1.0 " in remote.file(), 60, "it pushes")
    assert remote.git("log", "-3", "--format=%s").split("\n")[:2] == ["Update the image of web app", "Ada is faster"]
    assert remote.git("log", "--format=%s").count("Update the image of web app") == 1
    assert "warning: image updates" not in remote.spine.daemon.log_text()


def test_a_branch_for_review(davit, repo, docker, registry, versions, root, over_https, tmp_path):  # noqa: F811
    """Gone on with, made anew after a squash merge, and left to whom else has committed there; signed."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    remote = Remote(davit, repo, docker, root, over_https, branch="updates", signingKeyFile=str(key), author="davit Inc. <davit@localhost>")
    remote.spine.start()
    push(docker, versions[1], f"{NAME}:1.1.0")
    wait_for(lambda: remote.git("branch", "--list", "updates"), 60, "it commits on the branch")
    remote.spine.converge()
    assert remote.head() == remote.first and remote.head("updates~1") == remote.first
    allowed = tmp_path / "allowed"
    allowed.write_text(f"davit@localhost {(tmp_path / 'key.pub').read_text()}")
    assert " davit@localhost " in subprocess.run(
        ["git", "--git-dir", remote.bare, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "log", "-1", "--format=%G? %GS %GK", "updates"],
        check=True, capture_output=True, text=True).stdout.replace("G ", " ", 1)
    remote.looked()
    assert remote.git("rev-list", "--count", "main..updates") == "1"

    push(docker, versions[1], f"{NAME}:1.2.0")  # what waits is made anew, as one commit
    wait_for(lambda: f"{NAME}:1.2.0 " in remote.file("updates"), 60, "it goes on")
    assert remote.head("updates~1") == remote.first

    squashed = remote.commit({"web.yaml": manifest(f"{NAME}:1.2.0", "{semver: 1.x}")}, "squashed")
    push(docker, versions[1], f"{NAME}:1.3.0")
    wait_for(lambda: f"{NAME}:1.3.0 " in remote.file("updates"), 60, "it goes on")
    assert remote.head("updates~1") == squashed

    remote.repo.git("fetch", "--quiet", str(remote.bare), "updates")  # what somebody has committed there stays
    remote.repo.git("checkout", "--quiet", "-B", "updates", "FETCH_HEAD")
    remote.repo.write("mine.txt", "mine\n")
    remote.repo.git("add", "mine.txt")
    remote.repo.git("commit", "--quiet", "--amend", "--no-edit")  # the author is davit, the committer is not
    mine = remote.repo.head()
    remote.repo.git("push", "--quiet", "--force", str(remote.bare), "updates")
    push(docker, versions[1], f"{NAME}:1.4.0")
    wait_for(lambda: f"{NAME}:1.4.0 " in remote.file("updates"), 60, "it goes on")
    assert remote.head("updates~1") == mine and remote.head() == squashed
    assert remote.spine.daemon.stop() == 0


def test_malformed_commits(davit, repo, docker, registry, versions, root, over_https):  # noqa: F811
    """git reads them and libgit2 does not: as the tip of the branch, and below what davit committed."""
    remote = Remote(davit, repo, docker, root, over_https)
    odd = repo.commit_malformed()
    repo.git("push", "--quiet", str(remote.bare), "main")
    remote.spine.start()
    for tag in "1.1.0", "1.2.0":
        push(docker, versions[1], f"{NAME}:{tag}")
        wait_for(lambda: f"{NAME}:{tag} " in remote.file(), 60, lambda: f"it pushes: {remote.status()}")  # noqa: B023
    assert remote.head("main~2") == odd
    remote.pull()
    odd = repo.commit_malformed()
    repo.git("push", "--quiet", str(remote.bare), "main")
    push(docker, versions[1], f"{NAME}:1.3.0")
    wait_for(lambda: f"{NAME}:1.3.0 " in remote.file(), 60, lambda: f"it pushes: {remote.status()}")
    assert remote.head("main~1") == odd and "warning: image updates" not in remote.spine.daemon.log_text()
    assert remote.spine.daemon.stop() == 0


def test_a_remote_that_says_nothing(davit, repo, docker, tmp_path):
    """It is waited for as long as a fetch may take, and the daemon goes on."""
    mute = Mute(docker, tmp_path / "mute", 9600)
    mute.start()
    spine = Spine(davit, repo, docker, source={"origin": f"https://127.0.0.1:{mute.port}/infra.git", "fetchTimeout": "1s"},
                  imageUpdates={"interval": "1s"})
    spine.start()
    wait_for(lambda: "took longer than source.fetchTimeout" in spine.daemon.json("status")["imageUpdates"].get("message", ""), 30,
             "the deadline is told")
    assert spine.daemon.stop() == 0
    mute.stop()
