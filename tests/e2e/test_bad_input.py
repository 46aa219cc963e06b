"""Whatever a commit, the state directory or an engine holds: a clear error, what runs stays, and the next good one recovers."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from support.davit import wait_for
from support.spine import Spine, definition, service
from support.standing import IMAGE, binary_of, end, lives, standing_spine

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)
LFS = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def counted(value):
    return f'{{"kind": "Service", "serviceName": "a", "taskDefinition": "web",\n "desiredCount": {value}}}'


# Each: file, content, and what the error says: the place, the fault, and where it is not plain from that, the remedy.
FILES = {
    "json-truncated": ("x.json", '{"kind": "Service", "serviceName": "x", ', r"x\.json:1:41: .*ends too early; expected"),
    "yaml-truncated": ("x.yaml", 'kind: Service\nserviceName: "x\n', r"x\.yaml:2:14: .*not closed"),
    "binary": ("x.yaml", Path("/bin/busybox").read_bytes()[:100000], r"x\.yaml:1:\d+: .*NUL byte.*UTF-8 text"),
    "64-mib": ("x.yaml", b"#" * (64 << 20), r"x\.yaml:1:1: .*LIMIT_MANIFEST_BYTES, 4 MiB\); split it"),
    "json-nested": ("x.json", '{"a":' * 10000 + "1" + "}" * 10000, r"x\.json:1:\d+: .*64 levels deep"),
    "yaml-nested": ("x.yaml", "[" * 10000 + "]" * 10000, r"x\.yaml:1:65: .*64 levels deep"),
    "alias-bomb": ("x.yaml", BOMB, r"x\.yaml:6:\d+: .*LIMIT_DOCUMENT_NODES"),
    "alias-cycle": ("x.yaml", "a: &a [*a]\n", r"x\.yaml:1:8: .*inside its own anchor"),
    "json-duplicate": ("x.json", '{"kind":"Cluster","clusterName":"a",\n"clusterName":"b"}', r"x\.json:2:1: .*given twice.*keep one"),
    "yaml-duplicate": ("x.yaml", "kind: Cluster\nclusterName: a\nclusterName: b\n", r"x\.yaml:3:1: .*given twice.*keep one"),
    "nan": ("x.json", counted("NaN"), r"x\.json:2:18: .*JSON has no NaN"),
    "yaml-nan": ("x.yaml", "kind: Cluster\nclusterName: .nan\n", r"x\.yaml:2:14: .*quote it"),
    "1e999": ("x.json", counted("1e999"), r"x\.json:2:18: .*out of range"),
    "10^400": ("x.json", counted("1" + "0" * 400), r"x\.json:2:18: .*out of range: integers have 64 bits"),
    "yaml-10^400": ("x.yaml", f"kind: Cluster\nclusterName: 1{'0' * 400}\n", r"x\.yaml:2:14: .*out of range"),
    "not-utf-8": ("x.yaml", b'kind: Cluster\nclusterName: "a\xc0\xaf"\n', r"x\.yaml:2:16: .*not UTF-8; found byte 0xC0; save it"),
    "lfs-pointer": ("x.json", LFS, r"x\.json:1:1: .*git-LFS pointer.*take it out of git-LFS"),
    "conflict": ("x.yaml", "<<<<<<< HEAD\nkind: Cluster\n=======\n>>>>>>> b\n", r"x\.yaml:\d+:\d+: error"),
    "escape-sequence": ("x.json", '{"kind": "Clu\\u001b[31mster", "clusterName": "a"}', r"x\.json:1:10: .*u001B"),
}


@pytest.fixture(scope="module", params=["release", "sanitizers"])
def standing(request, second_docker_session, tmp_path_factory):
    binary = binary_of(request.param)
    with standing_spine(tmp_path_factory.mktemp("standing"), second_docker_session, binary) as spine:
        yield spine
        assert lives(spine.daemon)
        assert end(spine.daemon) == 0


def put(spine, path, content):
    target = spine.repo.directory / path
    target.write_bytes(content if isinstance(content, bytes) else content.encode())


def refused(spine, pattern):
    """The newest commit is refused with this error; what runs stays."""
    before = spine.ids()
    spine.seen()
    status = spine.daemon.run("status")
    assert status.returncode == 0
    assert re.search(pattern, status.stdout), status.stdout
    assert "\x1b" not in status.stdout
    assert lives(spine.daemon)
    assert spine.ids() == before


def recovered(spine, before):
    """The newest commit is deployed, by what ran before."""
    spine.converge(20)
    source = spine.daemon.json("status")["source"]
    assert source["wanted"]["oid"] == spine.repo.head() and not source["refused"]
    assert spine.ids() == before
    assert lives(spine.daemon)


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file(standing, name):
    path, content, pattern = FILES[name]
    before = standing.ids()
    put(standing, path, content)
    valid = standing.daemon.run("validate", standing.repo.directory)
    assert valid.returncode == 1 and re.search(pattern, valid.stdout), valid.stdout + valid.stderr
    standing.repo.commit(f"bad: {name}")
    refused(standing, pattern)
    standing.repo.commit("good again", {path: None})
    recovered(standing, before)


def test_symlink_in_the_tree(standing):
    before = standing.ids()
    (standing.repo.directory / "x.json").symlink_to("/etc/passwd")
    standing.repo.commit("bad: symlink")
    refused(standing, r"x\.json.*: .*symbolic link")
    valid = standing.daemon.run("validate", standing.repo.directory)
    assert valid.returncode == 1 and "root:" not in valid.stdout
    assert re.search(r"x\.json.*symbolic link", valid.stdout), valid.stdout
    standing.repo.commit("good again", {"x.json": None})
    recovered(standing, before)


def test_submodule_in_the_tree(standing):
    """A submodule that stands where a manifest could is told of; one elsewhere is none of our business."""
    before = standing.ids()
    head = standing.repo.head()
    (standing.repo.directory / "x.json").mkdir()
    standing.repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},x.json")
    standing.repo.git("commit", "--quiet", "--message", "bad: submodule")
    refused(standing, r"x\.json.*: .*submodule")
    standing.repo.git("rm", "--quiet", "--cached", "x.json")
    standing.repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},library")
    standing.repo.git("commit", "--quiet", "--message", "a submodule elsewhere")
    (standing.repo.directory / "x.json").rmdir()
    recovered(standing, before)
    standing.repo.git("rm", "--quiet", "--cached", "library")
    standing.repo.git("commit", "--quiet", "--message", "good again")
    recovered(standing, before)


def test_every_manifest_gone(standing):
    before = standing.ids()
    standing.repo.git("rm", "--quiet", "web.json", "service.json")
    standing.repo.commit("bad: nothing left")
    refused(standing, "no manifest in this commit.*desiredCount to 0")
    standing.repo.revert()
    recovered(standing, before)


def source_says(spine, pattern, timeout=20):
    def said():
        source = spine.daemon.json("status")["source"]
        assert not source["ok"] and re.search(pattern, source["message"]), source
        return True

    wait_for(said, timeout, f"status says {pattern}")


def source_is_well(spine):
    wait_for(lambda: spine.daemon.json("status")["source"]["ok"], 20, "the source is well again")


def test_branch_deleted(standing):
    before = standing.ids()
    head = standing.repo.head()
    standing.repo.git("checkout", "--quiet", "--detach")
    standing.repo.git("branch", "--quiet", "-D", "main")
    source_says(standing, "main")
    assert standing.ids() == before
    standing.repo.git("checkout", "--quiet", "-b", "main", head)
    source_is_well(standing)
    standing.repo.commit("good again")
    recovered(standing, before)


def loose(repo, oid):
    return repo.directory / ".git/objects" / oid[:2] / oid[2:]


def test_truncated_object_in_the_repository(standing):
    """The new blob is half there: the commit is not readable, and that is the repository's fault."""
    before = standing.ids()
    put(standing, "x.json", '{"kind": "Cluster", "clusterName": "%s"}' % ("x" * 200))
    blob = standing.repo.git("hash-object", "-w", "x.json")
    path = loose(standing.repo, blob)
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[: len(whole) // 2])
    standing.repo.git("add", "--all")
    standing.repo.git("commit", "--quiet", "--message", "bad: truncated object")
    source_says(standing, f"origin: {path} is damaged; git fsck")
    assert lives(standing.daemon) and standing.ids() == before
    standing.repo.git("reset", "--quiet", "--hard", "HEAD~")
    standing.repo.commit("good again")
    recovered(standing, before)


def damage(directory, files=lambda path: True):
    """Every object of a repository becomes rubbish of its own size."""
    count = 0
    for path in [*directory.glob("objects/??/*"), *directory.glob("objects/pack/*")]:
        if path.is_file() and files(path):
            path.chmod(0o644)
            path.write_bytes(b"\x5a" * path.stat().st_size)
            count += 1
    return count


def state_directory(spine):
    return spine.daemon.directory / "state"


def test_mirror_damaged_while_running(standing):
    before = standing.ids()
    assert damage(state_directory(standing) / "default/mirror.git")
    standing.repo.commit("web: another", {"service.json": service(2, minimum=50)})
    recovered(standing, before)


def test_mirror_damaged_while_stopped(standing):
    before = standing.ids()
    assert end(standing.daemon) == 0
    assert damage(state_directory(standing) / "default/mirror.git")
    standing.start()
    recovered(standing, before)
    assert end(standing.daemon) == 0
    (state_directory(standing) / "default/mirror.git/HEAD").write_bytes(b"\0\0\0")
    standing.start()
    standing.repo.commit("web: and another", {"service.json": service(2)})
    recovered(standing, before)


@pytest.mark.parametrize("half", ["all of it", "the newest"])
def test_ledger_damaged(standing, half):
    before = standing.ids()
    assert end(standing.daemon) == 0
    ledger = state_directory(standing) / "ledger.git"
    newest = max(path.stat().st_mtime_ns for path in ledger.glob("objects/pack/*.pack"))
    assert damage(ledger, lambda path: half == "all of it" or path.stat().st_mtime_ns == newest)
    standing.start()
    wait_for(lambda: "ledger:" in standing.daemon.log_text(), 20, "the log tells of the ledger")
    recovered(standing, before)
    # It is written again as well as read.
    standing.repo.commit(f"web: after {half}", {"service.json": service(3)})
    standing.converge(20)
    standing.repo.commit("web: two", {"service.json": service(2)})
    standing.converge(20)
    assert len(standing.ids()) == 2


def test_the_next_rollout_works(standing):
    """After all of this."""
    standing.repo.commit("web: second", {"web.json": definition(IMAGE, "two")})
    standing.converge()
    assert standing.texts() == ["two"] * 2


def test_a_mistake_in_a_persons_git_configuration(davit, repo, docker, demo_image, tmp_path):
    """Neither reading a repository of this host nor saving depends on it."""
    (tmp_path / ".gitconfig").write_text("[core\nno = thing")
    spine = Spine(davit, repo, docker)
    spine.daemon.environment["HOME"] = str(tmp_path)
    for message in ("one", "two"):
        repo.commit(message, {"web.json": definition(demo_image, message), "service.json": service(1)})
        if message == "one":
            spine.start()
        spine.converge()
        assert spine.texts() == [message]


def test_empty_repository(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker)
    spine.start()
    source_says(spine, "no branch|no commit|empty|main")
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(1)})
    spine.converge()
    assert len(spine.ids()) == 1


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "small"
    path.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", path], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no tmpfs: {mount.stderr.strip()}")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def fill(path):
    """Writes until there is no room."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(file, b"x" * 4096):
            pass
    except OSError:
        os.close(file)


def test_full_disk(davit, repo, docker, demo_image, small_disk):
    """No room for the state: what runs stays, status and log say so, and room is all it takes to go on."""
    spine = Spine(davit, repo, docker)
    (spine.daemon.directory / "state").symlink_to(small_disk)
    repo.commit("web: first", {"web.json": definition(demo_image), "service.json": service(2)})
    spine.start()
    spine.converge()
    before = spine.ids()
    filler = small_disk / "filler"
    fill(filler)
    repo.commit("web: second", {"web.json": definition(demo_image, "two")})
    wait_for(lambda: "No space left" in spine.daemon.run("status").stdout, 20,
             f"status tells of the disk: {spine.daemon.run('status').stdout}")
    time.sleep(1)
    assert spine.ids() == before and lives(spine.daemon)
    filler.unlink()
    spine.converge(60)
    assert spine.texts() == ["two"] * 2
