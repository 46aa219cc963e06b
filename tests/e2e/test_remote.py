"""Origins other than a local repository: remotes, and directories without git."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import time
import zlib

import pytest

from support.davit import wait_for
from support.spine import Spine, definition, service


def source(origin, **more):
    return {"source": {"origin": str(origin), "branch": "main", "poll": "1s", **more}}


def first(repo, image, prefix="", message="one"):
    repo.commit("web: first", {
        f"{prefix}web.json": definition(image, message), f"{prefix}service.json": service(1),
    })


def rolls_out(spine, repo, image, push=lambda: None, prefix=""):
    """The first commit and another one."""
    first(repo, image, prefix)
    push()
    spine.start()
    spine.converge()
    assert spine.texts() == ["one"]
    repo.commit("web: second", {f"{prefix}web.json": definition(image, "two")})
    push()
    spine.converge()
    assert spine.texts() == ["two"]


@pytest.fixture
def bare(tmp_path, repo):
    """A bare repository that `repo` can be pushed into: (its path, push)."""
    path = tmp_path / "bare.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
    return path, lambda: repo.git("push", "--quiet", "--force", str(path), "main")


def test_file_url(davit, repo, docker, demo_image):
    rolls_out(Spine(davit, repo, docker, **source(f"file://{repo.directory}")), repo, demo_image)


def test_wait_waits_for_the_look_that_was_asked_for(davit, repo, docker, demo_image):
    """In a pipeline: git push, davit reconcile, davit wait. What cannot be looked at is not steady."""
    spine = Spine(davit, repo, docker, **source(f"file://{repo.directory}", poll="10m"))
    first(repo, demo_image)
    spine.start()
    spine.converge()
    repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    assert spine.daemon.run("reconcile").returncode == 0
    assert spine.wait().returncode == 0
    assert spine.texts() == ["two"]
    away = repo.directory.with_name("away")
    repo.directory.rename(away)
    assert spine.daemon.run("reconcile").returncode == 0
    process = spine.daemon.run("wait", "--timeout", "3s")
    assert process.returncode == 3 and "the source cannot be read after 3s" in process.stderr
    away.rename(repo.directory)
    assert spine.daemon.run("reconcile").returncode == 0
    assert spine.wait().returncode == 0


def test_push_into_a_bare_repository_is_seen_at_once(davit, repo, docker, demo_image, bare):
    path, push = bare
    spine = Spine(davit, repo, docker, **source(path, poll="10m"))
    rolls_out(spine, repo, demo_image, push)
    began = time.monotonic()
    repo.commit("web: third", {"web.json": definition(demo_image, "three")})
    push()
    spine.seen()
    assert time.monotonic() - began < 500  # inotify, not the poll of 10 min


@pytest.fixture
def git_daemon(docker, bare):
    """git daemon inside the network of the engine; restartable."""
    if not shutil.which("git-daemon", path="/usr/lib/git-core"):
        pytest.skip("git daemon is not installed")
    processes = []

    def start():
        line = ["git", "daemon", "--export-all", f"--base-path={bare[0].parent}", "--reuseaddr", "--listen=127.0.0.1"]
        processes.append(subprocess.Popen(docker.inside(*line), stderr=subprocess.DEVNULL, start_new_session=True))
        wait_for(lambda: can_connect(docker), 40, "git daemon listens")
        return processes[-1]

    def can_connect(engine):
        try:
            engine.connect("127.0.0.1", 9418).close()
        except OSError:
            return False
        return True

    def stop():
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    yield start, stop
    stop()


def test_git_url_and_its_outage(davit, repo, docker, demo_image, bare, git_daemon):
    start, stop = git_daemon
    start()
    spine = Spine(davit, repo, docker, **source("git://127.0.0.1/bare.git"))
    rolls_out(spine, repo, demo_image, bare[1])
    before = spine.ids()
    stop()
    wait_for(lambda: not spine.daemon.json("status")["source"]["ok"], 20, "status tells of the outage")
    assert "127.0.0.1" in spine.daemon.run("status").stdout
    assert spine.ids() == before
    repo.commit("web: third", {"web.json": definition(demo_image, "three")})
    bare[1]()
    start()
    spine.converge()
    assert spine.texts() == ["three"]


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def entry_head(kind, size):
    head = bytearray([kind << 4 | size & 0xF])
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head)


def small_pack_of_a_large_object(copies):
    """16 MiB of zeros and, as a delta of it, so many times that: 16 KiB (gitformat-pack(5))."""
    size = 0xFFFFFF  # what one copy can be
    base = entry_head(3, size) + zlib.compress(bytes(size))
    delta = varint(size) + varint(size * copies) + b"\xf0\xff\xff\xff" * copies
    back = len(base)
    offset = bytearray([back & 0x7F])
    while back := back >> 7:
        back -= 1
        offset.insert(0, back & 0x7F | 0x80)
    pack = b"PACK" + struct.pack(">II", 2, 2) + base + entry_head(6, len(delta)) + offset + zlib.compress(delta)
    return pack + hashlib.sha1(pack).digest(), [blob_id(size, 1), blob_id(size, copies)]


def blob_id(size, copies):
    digest = hashlib.sha1(b"blob %d\0" % (size * copies))
    for _ in range(copies):
        digest.update(bytes(size))
    return digest.hexdigest()


def test_a_pack_that_needs_much_memory(davit, repo, docker, demo_image, bare, git_daemon):
    git_daemon[0]()
    spine = Spine(davit, repo, docker, **source("git://127.0.0.1/bare.git", fetchMebibytes=1))
    rolls_out(spine, repo, demo_image, bare[1])
    before = spine.ids()
    pack, oids = small_pack_of_a_large_object(24)
    assert len(pack) < 20000
    git = ["git", "-C", bare[0]]
    subprocess.run([*git, "index-pack", "--stdin"], input=pack, check=True, stdout=subprocess.DEVNULL)
    listing = "".join(f"100644 blob {oid}\tfile{i}\n" for i, oid in enumerate(oids))
    tree = subprocess.check_output([*git, "mktree"], input=listing, text=True).strip()
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    commit = subprocess.check_output([*git, *identity, "commit-tree", "-p", "main", "-m", "large", tree], text=True).strip()
    subprocess.run([*git, "update-ref", "refs/heads/main", commit], check=True)
    wait_for(lambda: not spine.daemon.json("status")["source"]["ok"], 60, "status tells of the fetch")
    assert "takes more than 257 MiB of memory to unpack" in spine.daemon.run("status").stdout
    assert spine.ids() == before
    repo.commit("web: third", {"web.json": definition(demo_image, "three")})
    bare[1]()
    spine.converge()
    assert spine.texts() == ["three"]


def test_malformed_commits_of_a_remote(davit, repo, docker, demo_image, bare, git_daemon):
    """git reads them; libgit2, which negotiates what a fetch brings, does not."""
    git_daemon[0]()
    spine = Spine(davit, repo, docker, **source("git://127.0.0.1/bare.git"))
    rolls_out(spine, repo, demo_image, bare[1])
    for text in ["three", "four"]:
        parents = f"tree {repo.git('rev-parse', 'HEAD^{tree}')}\nparent {repo.git('rev-parse', 'HEAD')}\n"
        odd = subprocess.check_output(["git", "-C", repo.directory, "hash-object", "-t", "commit", "--literally", "-w", "--stdin"],
                                      input=f"{parents}author A\ncommitter B <b@c 1 +0000\n\nodd\n", text=True).strip()
        repo.git("reset", "--quiet", odd)
        repo.commit(f"web: {text}", {"web.json": definition(demo_image, text)})
        bare[1]()
        spine.converge()
        wait_for(lambda text=text: spine.texts() == [text], 20, "what was replaced is gone")
    repo.commit("web: five", {"web.json": definition(demo_image, "five")})
    bare[1]()
    spine.converge()
    wait_for(lambda: spine.texts() == ["five"], 20, "what was replaced is gone")
    assert spine.daemon.json("status")["source"]["ok"]


def test_events_tell_of_the_source(davit, repo, docker, demo_image, bare, tmp_path):
    """As status and log do: an outage and its end, a refused commit, a rewritten branch; to who follows, too."""
    path, push = bare
    spine = Spine(davit, repo, docker, **source(f"file://{path}"))
    first(repo, demo_image)
    push()
    spine.start()
    spine.converge()
    good = repo.head()
    followed = tmp_path / "followed"
    with open(followed, "wb") as out:
        watch = subprocess.Popen(spine.daemon.command("events", "-w", "-o", "json"), stdout=out,
                                 env={**os.environ, **spine.daemon.environment})

    def told(word):
        def has():
            return [one["message"] for one in spine.daemon.json("events")["events"] if one.get("source") == "default"
                    and word in one["message"]]
        return wait_for(has, 30, f"events tell: {word}")

    away = path.rename(path.with_name("away"))
    told("has trouble: cannot connect")
    away.rename(path)
    told("has recovered.")
    bad = repo.commit("misspelt", {"web.json": {**definition(demo_image), "famly": "web"}})
    push()
    [refused] = told("refused commit")
    assert bad[:12] in refused and "famly" in refused
    repo.git("reset", "--quiet", "--hard", good)
    newest = repo.commit("another line", {"web.json": definition(demo_image, "two")})
    push()
    [rewritten] = told("was rewritten")
    assert bad[:12] in rewritten and newest[:12] in rewritten and good[:12] in rewritten
    spine.converge()
    assert not [one for one in spine.daemon.json("events", "default/web")["events"] if "source" in one]
    wait_for(lambda: "was rewritten" in followed.read_text(), 30, "who follows is told")
    watch.terminate()
    watch.wait()
    lines = [json.loads(line) for line in followed.read_text().rpartition("\n")[0].splitlines()]
    words = [one["message"].split("(source default) ")[1] for one in lines if one.get("source") == "default"]
    assert [word for word in words if word == "has recovered."] and refused.split("(source default) ")[1] in words
    assert words[-1] == rewritten.split("(source default) ")[1]


def test_a_restart_during_an_outage_heals(davit, repo, docker, demo_image, bare):
    spine = Spine(davit, repo, docker, **source(f"file://{bare[0]}"))
    rolls_out(spine, repo, demo_image, bare[1])
    spine.daemon.stop()
    away = bare[0].rename(bare[0].parent / "away")
    [lost] = spine.ids()
    docker.api.delete(f"/containers/{lost}", force=1)
    spine.start()
    wait_for(lambda: spine.texts() == ["two"], 20, "the lost task is replaced")
    wait_for(lambda: "cannot connect" in spine.daemon.run("status").stdout, 20, "the first look fails")
    [healed] = spine.ids()
    away.rename(bare[0])
    wait_for(lambda: spine.daemon.json("status")["source"]["ok"], 20, "the remote is seen again")
    assert spine.ids() == [healed]


def test_a_forced_push_back_is_followed(davit, repo, docker, demo_image, bare):
    spine = Spine(davit, repo, docker, **source(f"file://{bare[0]}"))
    rolls_out(spine, repo, demo_image, bare[1])
    repo.git("reset", "--quiet", "--hard", "HEAD~")
    bare[1]()
    spine.converge()
    assert spine.texts() == ["one"]


def test_remote_that_does_not_exist(davit, repo, docker):
    spine = Spine(davit, repo, docker, **source("file:///nowhere/repository.git"))
    spine.start()
    wait_for(lambda: "/nowhere/repository.git" in spine.daemon.json("status")["source"].get("message", ""), 20, "status tells")
    assert not spine.daemon.json("status")["source"]["ok"]
    assert "file:///nowhere/repository.git" in spine.daemon.run("status").stdout


def test_branch_that_does_not_exist(davit, repo, docker, demo_image):
    first(repo, demo_image)
    spine = Spine(davit, repo, docker, **source(f"file://{repo.directory}", branch="production"))
    spine.start()
    wait_for(lambda: "the remote has no branch refs/heads/production" in spine.daemon.run("status").stdout, 20, "it tells")
    repo.git("branch", "production")
    spine.converge()
    assert spine.texts() == ["one"]


@pytest.mark.parametrize("remote", [False, True])
def test_branch_and_sub_path(davit, repo, docker, demo_image, remote):
    """Only the branch and the directory that are named count."""
    origin = f"file://{repo.directory}" if remote else repo.directory
    spine = Spine(davit, repo, docker, **source(origin, branch="live", path="prod"))
    first(repo, demo_image, "prod/")
    repo.commit("not valid, and not ours", {"test/web.json": "{", "other.yaml": "["})
    repo.git("branch", "live")
    spine.start()
    spine.converge()
    before = spine.ids()
    repo.commit("on main only", {"prod/web.json": definition(demo_image, "main")})
    time.sleep(1.5)
    assert spine.ids() == before and spine.texts() == ["one"]
    repo.git("checkout", "--quiet", "live")
    repo.commit("live: second", {"prod/web.json": definition(demo_image, "two")})
    spine.converge()
    assert spine.texts() == ["two"]


def write(directory, files):
    for path, content in files.items():
        (directory / path).write_text(json.dumps(content))


def is_taken_whole(spine, path, image, message):
    """Writes slowly, every state in between is no JSON: only the last is deployed. Whether no other was looked at."""
    before, refusals = spine.daemon.json("status")["source"]["wanted"]["oid"], spine.daemon.log_text().count("is refused")
    whole = json.dumps(definition(image, message), indent=2)
    step = len(whole) // 10 + 1
    with open(path, "w", encoding="utf-8") as file:
        for part in range(0, len(whole), step):
            file.write(whole[part:part + step])
            file.flush()
            time.sleep(0.1)
    wait_for(lambda: spine.daemon.json("status")["source"]["wanted"]["oid"] != before, 20, "the new text is seen")
    assert spine.wait(timeout=30).returncode == 0
    assert spine.texts() == [message]
    return spine.daemon.log_text().count("is refused") == refusals


def test_plain_directory(davit, repo, docker, demo_image, tmp_path):
    """Files are taken when nothing has changed for 250 ms; a half-written state is never deployed."""
    directory = tmp_path / "plain"
    directory.mkdir()
    write(directory, {"web.json": definition(demo_image), "service.json": service(1)})
    spine = Spine(davit, repo, docker, source={"origin": str(directory)})
    spine.start()
    wait_for(lambda: spine.daemon.json("status")["services"], 20, "the files are read")
    assert spine.wait(timeout=30).returncode == 0
    assert spine.texts() == ["one"]
    # A machine that stalls for 250 ms shows davit a still moment, so a writer may have to try again.
    assert any(is_taken_whole(spine, directory / "web.json", demo_image, f"text-{i}") for i in range(10))
    before = spine.texts()
    (directory / "web.json").write_text("{")
    wait_for(lambda: "web.json:1:" in spine.daemon.run("status").stdout, 20, "it is refused")
    assert spine.texts() == before
