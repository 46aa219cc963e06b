"""Whose signatures a commit needs: what is not signed does not deploy, what runs stays, and the next good one goes on."""

import json
import os
import shutil
import subprocess
import tempfile

import pytest

from support.davit import wait_for
from support.receivers import WORDS
from support.repo import IDENTITY
from support.spine import Spine, definition, service
from test_notifications import saved
from test_webhook import PORT, SECRET, say

SSH, GPG = "ssh", "openpgp"


class Keys:
    """Of GPG and SSH: ada is trusted, eve is not."""

    def __init__(self, directory):
        self.directory = directory
        self.gnupg = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")  # the path of the agent's socket has 108 bytes
        directory.mkdir()
        for name in ("ada", "eve"):
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", directory / name)
            self.run("gpg", "--quiet", "--batch", "--passphrase", "", "--quick-gen-key", f"{name} <{name}@example.org>", "ed25519", "sign", "never")
        self.keyring.write_text(self.run("gpg", "--armor", "--export", "ada@example.org"))
        self.allowed.write_text(self.allowed_line("ada"))

    @property
    def keyring(self):
        return self.directory / "keyring.asc"

    @property
    def allowed(self):
        return self.directory / "allowed_signers"

    def allowed_line(self, name):
        return f"{name}@example.org {(self.directory / name).with_suffix('.pub').read_text()}"

    def run(self, *command):
        process = subprocess.run(
            command, env={**os.environ, "GNUPGHOME": self.gnupg}, text=True, check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        return process.stdout

    def stop(self):
        subprocess.run(["gpgconf", "--homedir", self.gnupg, "--kill", "all"], check=False)
        shutil.rmtree(self.gnupg, ignore_errors=True)

    def options(self, who, kind):
        """Of git, to sign as somebody."""
        key = self.directory / who if kind == SSH else f"{who}@example.org"
        return ["-c", f"gpg.format={kind}", "-c", f"user.signingkey={key}"]

    def verify(self, policy):
        return {"policy": policy, "gpgKeyringFile": str(self.keyring), "allowedSignersFile": str(self.allowed)}


@pytest.fixture
def keys(tmp_path, monkeypatch):
    if not all(shutil.which(program) for program in ("gpg", "gpg-agent", "ssh-keygen")):
        pytest.skip("gpg, gpg-agent or ssh-keygen is not installed")
    keys = Keys(tmp_path / "keys")
    monkeypatch.setenv("GNUPGHOME", keys.gnupg)  # of git, which signs; davit must not look there
    yield keys
    keys.stop()


class Story:
    """One service under a policy, and the commits that are made, signed or not."""

    def __init__(self, davit, repo, docker, image, keys, policy, notifications=(), webhook=None, **source):  # noqa: PLR0913
        self.repo, self.image, self.keys = repo, image, keys
        origin = {"origin": str(repo.directory), "branch": "main", "verify": keys.verify(policy), **source}
        more = {"webhook": webhook} if webhook else {}
        self.spine = Spine(davit, repo, docker, source=origin, notifications=list(notifications), **more)
        repo.write("service.json", service(1))

    def commit(self, text, who=None, kind=SSH):
        """A commit that makes the service answer `text`, signed by `who` if anybody."""
        self.repo.write("web.json", definition(self.image, text))
        self.repo.count += 1
        self.repo.git("add", "--all")
        sign = [*self.keys.options(who, kind), "commit", "--gpg-sign"] if who else ["commit"]
        self.repo.git(*sign, "--quiet", "--message", f"says {text}")
        return self.repo.head()

    def start(self):
        self.spine.start()

    def deploys(self, text):
        self.spine.converge()
        assert self.spine.texts() == [text]
        assert self.source()["ok"], self.source()

    def source(self):
        return self.spine.daemon.json("status")["source"]

    def is_refused(self, commit, *words):
        """Status says so, and what runs is not touched."""
        words = (commit[:12], "is refused", *words)
        before = self.spine.ids()
        wait_for(lambda: all(word in self.source().get("message", "") for word in words), 20,
                 lambda: f"{words} in the status: {self.source()}")
        text = self.spine.daemon.run("status").stdout
        assert all(word in text for word in words), text
        assert "what runs stays" in self.spine.daemon.log_text()
        assert self.spine.ids() == before
        process = self.spine.daemon.run("wait", "--timeout", "60s")
        assert process.returncode == 1 and all(word in process.stderr for word in words), process.stderr


@pytest.fixture
def story(davit, repo, docker, demo_image, keys):
    return lambda policy, **more: Story(davit, repo, docker, demo_image, keys, policy, **more)


@pytest.mark.parametrize("kind", [SSH, GPG])
def test_signed_commits_deploy_and_others_do_not(story, docker, kind):
    it = story("head")
    it.commit("one", "ada", kind)
    it.start()
    it.deploys("one")
    it.is_refused(it.commit("two"), "(\"says two\") by Test <test@example.org>", "it is not signed; git commit -S")
    it.is_refused(it.commit("three", "eve", kind), "which is not in", "says three")
    [task] = it.spine.ids()
    docker.api.delete(f"/containers/{task}", force=1)
    wait_for(lambda: it.spine.texts() == ["one"] and it.spine.ids() != [task], 20, "what runs is healed")
    it.spine.daemon.stop()
    [task] = it.spine.ids()
    docker.api.delete(f"/containers/{task}", force=1)
    it.start()  # and by the next life too, whose newest commit is refused from the beginning
    wait_for(lambda: it.spine.texts() == ["one"], 20, "what is deployed is healed after a restart")
    it.is_refused(it.repo.head(), "says three")
    it.commit("four", "ada", kind)
    it.deploys("four")


def test_a_refusal_is_told_upstream_of_exactly_that_commit(story, receiver, tmp_path):
    """Once for each reason, over a restart too; the next good commit is told as any other."""
    forges = {kind: receiver(kind) for kind in WORDS}
    webhook, slack = receiver("webhook"), receiver("slack")
    everybody = (*forges.values(), webhook, slack)
    # Nobody is told of services, whose events are looked for with each step: a refusal is reason enough to look.
    entries = [one.entry(tmp_path, **({} if one.kind in WORDS else {"events": ["commit"]})) for one in everybody]
    it = story("all", notifications=entries)

    def ends_with(commit, state, context="davit/default"):
        """`state` as an index of WORDS."""
        for kind, forge in forges.items():
            wait_for(lambda kind=kind, forge=forge: forge.states(commit, context)[-1:] == [WORDS[kind][state]], 30, f"{kind}: {WORDS[kind][state]}")
        wait_for(lambda: not any(one["waiting"] for one in it.spine.daemon.json("status")["notifications"]), 30, "nothing waits")

    stranger = it.commit("zero", "eve")
    it.start()
    ends_with(stranger, 2, "davit")  # no cluster is known
    it.repo.git("update-ref", "-d", "HEAD")  # the next one begins a history of its own
    first = it.commit("one", "ada")
    it.deploys("one")
    ends_with(first, 1)
    second = it.commit("two")
    it.is_refused(second, "it is not signed")
    ends_with(second, 2)
    saved(it.spine, second, "failure")
    it.spine.daemon.kill()
    it.start()
    it.is_refused(second, "it is not signed")
    third = it.commit("three", "ada")
    it.is_refused(third, f"for {second[:12]}")
    ends_with(third, 2)
    it.repo.git("reset", "--quiet", "--hard", first)
    fourth = it.commit("four", "ada")
    it.deploys("four")
    ends_with(fourth, 1)
    for kind, forge in forges.items():
        pending, success, failure, _ = WORDS[kind]
        assert forge.states(second) == [failure] and forge.states(third) == [failure], kind
        assert forge.states(first) == forge.states(fourth) == [pending, success], kind
    told = {detail["commit"]["oid"]: detail for _, kind, detail in webhook.taken
            if kind == "davit Commit State Change" and detail["state"] == "failure"}
    assert set(told) == {stranger, second, third}
    assert told[second]["description"].startswith("refused: it is not signed; git commit -S signs")
    assert told[second]["commit"]["author"] == "Test <test@example.org>" and told[second]["commit"]["subject"] == "says two"
    assert told[third]["description"].startswith(f"refused for {second[:12]} that it contains: it is not signed")
    lines = [text for text, in slack.taken if second[:12] in text and "failure" in text and "refused: " in text]
    assert len(lines) == 1 and lines[0].startswith(f"davit/default {second[:12]}: failure: refused: it is not signed"), lines
    for one in everybody:
        assert not one.refused, one.refused


def test_all_catches_what_a_signed_head_brings_in(story):
    it = story("all")
    it.commit("one", "ada")
    it.start()
    it.deploys("one")
    sneaked = it.commit("two")
    it.is_refused(it.commit("three", "ada"), f"for {sneaked[:12]} (\"says two\")", "that it contains: it is not signed")
    it.repo.git("reset", "--quiet", "--hard", "HEAD~2")
    it.repo.git("checkout", "--quiet", "-b", "side")
    sneaked = it.commit("four")
    it.repo.git("checkout", "--quiet", "main")
    it.repo.git(*it.keys.options("ada", SSH), "merge", "--quiet", "--gpg-sign", "--no-ff", "--message", "merge", "side")
    it.is_refused(it.repo.head(), f"for {sneaked[:12]} (\"says four\")")
    it.repo.git("reset", "--quiet", "--hard", "HEAD~")
    it.commit("five", "ada", GPG)
    it.commit("six", "ada")
    it.deploys("six")


def test_a_signed_tag_releases_a_commit_of_a_remote(story, repo, tmp_path):
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)

    def push():
        repo.git("push", "--quiet", "--force", "--tags", str(bare), "main")

    it = story("tag", origin=f"file://{bare}", poll="1s")
    it.commit("one")
    repo.git(*it.keys.options("ada", GPG), "tag", "--sign", "--message", "release", "v1")
    push()
    it.start()
    it.deploys("one")
    commit = it.commit("two")
    push()
    it.is_refused(commit, "no annotated tag points to it")
    repo.git("tag", "--annotate", "--message", "not signed", "v2")
    push()
    it.is_refused(commit, "its tag \"v2\": it is not signed")
    repo.git(*it.keys.options("ada", SSH), "tag", "--sign", "--message", "release", "v2.1")
    push()
    it.deploys("two")


def test_the_webhook_of_a_tag_is_a_release(story, repo, docker, tmp_path):
    """The next poll is far away, and the push of the branch was told before there was a tag."""
    bare, secret = tmp_path / "bare.git", tmp_path / "webhook-secret"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    secret.write_text(SECRET)

    def push(ref):
        repo.git("push", "--quiet", str(bare), ref)
        status, answer = say(docker, json.dumps({"ref": ref}))
        assert (status, answer["look"]) == (202, True), answer

    def release(name):
        repo.git(*it.keys.options("ada", SSH), "tag", "--sign", "--message", "release", name)

    it = story("tag", origin=f"file://{bare}", poll="10m", webhook={"listen": f"0.0.0.0:{PORT}", "secretFile": str(secret)})
    it.commit("one")
    release("v1")
    repo.git("push", "--quiet", "--tags", str(bare), "main")
    it.start()
    it.deploys("one")
    commit = it.commit("two")
    push("refs/heads/main")
    it.is_refused(commit, "no annotated tag points to it")
    release("v2")
    push("refs/tags/v2")
    it.deploys("two")


@pytest.mark.parametrize("kind", [SSH, GPG])
def test_other_keys_are_taken_without_a_restart(story, kind):
    it = story("head")
    it.commit("one", "ada", kind)
    it.start()
    it.deploys("one")
    it.is_refused(it.commit("two", "eve", kind), "which is not in")
    if kind == SSH:
        it.keys.allowed.write_text(it.keys.allowed_line("ada") + it.keys.allowed_line("eve"))
    else:
        it.keys.keyring.write_text(it.keys.run("gpg", "--armor", "--export"))
    it.deploys("two")
    it.keys.allowed.unlink()
    told = lambda: it.spine.daemon.json("status")["source"]
    wait_for(lambda: "source.verify.allowedSignersFile" in told().get("message", ""), 20, "the file is missed")
    assert not told()["ok"] and not told()["unverified"]


def test_apply_refuses(story, docker):
    """Nothing is started of a commit that is not signed, and it is told at once."""
    it = story("head")
    commit = it.commit("one")
    configuration = str(it.spine.daemon.config)
    origin = str(it.repo.directory)
    process = it.spine.daemon.run("apply", origin, "--config", configuration)
    assert process.returncode == 1, process.stderr
    assert f"commit {commit[:12]} (\"says one\")" in process.stderr and "nothing was changed" in process.stderr
    assert it.spine.containers(running=False) == []
    it.commit("two", "ada")
    process = it.spine.daemon.run("apply", origin, "--config", configuration)
    assert process.returncode == 0, process.stderr
    assert it.spine.texts() == ["two"]


def test_configurations_that_are_refused_at_start(davit, docker, tmp_path, keys):
    plain = tmp_path / "plain"
    plain.mkdir()
    for origin, verify, words in (
        (plain, keys.verify("head"), "is a directory without git, which has no signatures"),
        (tmp_path, {"policy": "all"}, "the policy \"all\" wants keys"),
        (tmp_path, {"policy": "sometimes"}, "policy"),
        (tmp_path, {"gpgKeyringFile": "/x"}, "policy"),
    ):
        daemon = davit({}, docker)
        daemon.configure({"source": {"origin": str(origin), "verify": verify}, "stateDirectory": str(tmp_path / "state")})
        process = daemon.run("daemon", "--config", str(daemon.config))
        assert process.returncode == 2 and words in process.stderr, process.stderr


@pytest.mark.parametrize("policy", ["head", "all"])
def test_no_commit_of_davit_s_own_that_would_be_refused(story, keys, policy):
    """davit rollback and davit update-images would stop the branch: nothing is written, and the remedy works."""
    it = story(policy)
    daemon = it.spine.daemon
    daemon.environment.update(IDENTITY)
    it.commit("one", "ada")
    it.start()
    it.deploys("one")
    tip = it.commit("two", "ada")
    it.deploys("two")
    for command, more in ("rollback", ["default/web"]), ("update-images", []):
        process = daemon.run(command, *more, "--repo", it.repo.directory)
        assert process.returncode == 2 and f"deploys signed commits alone from {it.repo.directory}" in process.stderr, process.stderr
        assert f"git -C {it.repo.directory} config commit.gpgSign true" in process.stderr
        process = daemon.run(command, *more, "--repo", it.repo.directory, "--dry-run", "--branch", "review")
        assert process.returncode == (2 if policy == "all" else 0), process.stderr
    assert it.repo.head() == tip
    process = daemon.run("update-images", "--repo", it.repo.directory, "--signing-key", keys.directory / "ada")
    assert process.returncode == 0 and "nothing to update" in process.stderr, process.stderr
    for name, value in ("commit.gpgSign", "true"), ("gpg.format", SSH), ("user.signingKey", str(keys.directory / "ada")):
        it.repo.git("config", name, value)
    process = daemon.run("rollback", "default/web", "--repo", it.repo.directory)
    assert process.returncode == 0, process.stderr
    it.deploys("one")


def test_image_updates_that_would_be_refused_do_not_start(story):
    it = story("all")
    it.spine.daemon.configure({**it.spine.directory_config, "imageUpdates": {}})
    process = it.spine.daemon.run("daemon", "--config", it.spine.daemon.config)
    assert process.returncode == 2 and "nothing signs them: name a signingKeyFile" in process.stderr, process.stderr
