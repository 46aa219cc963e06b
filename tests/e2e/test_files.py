"""Files of the repository in containers, variables from files, secrets."""

import io
import os
import re
import subprocess
import tarfile

from engine_api import UnixConnection
from support.davit import wait_for
from support.spine import LABEL_OWNER, OWNER, Spine, definition, service

CANARY = "c4n4ry-v4lue-7f3a"


def with_file(image, source="../config/app.conf", **more):
    """Serves what the file holds."""
    container = {"davit": {"files": [{"source": source, "target": "/www/deep/index.html", "mode": "0640", "user": "12:34"}]}}
    return definition(image, command="exec httpd -f -p 80 -h /www/deep", **container, **more)


def inspect(spine):
    return [spine.engine.api.get(f"/containers/{one['Id']}/json") for one in spine.containers()]


def variables(spine):
    return dict(one.split("=", 1) for one in inspect(spine)[0]["Config"]["Env"])


def file_of(spine, path):
    """A file of a container: its content, mode and owner."""
    connection = UnixConnection(spine.engine.socket)
    try:
        connection.request("GET", f"/containers/{spine.containers()[0]['Id']}/archive?path={path}")
        with tarfile.open(fileobj=io.BytesIO(connection.getresponse().read())) as tar:
            member = tar.next()
            return tar.extractfile(member).read().decode(), f"{member.mode & 0o7777:o} {member.uid}:{member.gid}"
    finally:
        connection.close()


def test_a_changed_file_is_a_deployment_and_a_revert_brings_it_back(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker, source={"origin": str(repo.directory), "branch": "main", "path": "deploy"})
    repo.commit("first", {"deploy/web.json": with_file(demo_image), "deploy/service.json": service(),
                          "config/app.conf": "one\n", "config/other.yaml": "no: manifest\n"})
    spine.start()
    spine.converge()
    assert spine.texts() == ["one"] * 2
    assert file_of(spine, "/www/deep/index.html") == ("one\n", "640 12:34")
    first = spine.ids()
    repo.commit("not for us", {"config/other.yaml": "still: none\n"})
    spine.converge()
    assert spine.ids() == first
    repo.commit("second", {"config/app.conf": "two\n"})
    spine.converge()
    assert spine.texts() == ["two"] * 2
    repo.revert()
    spine.converge()
    assert spine.texts() == ["one"] * 2
    assert '"revision": 3' not in spine.daemon.run("get", "task-definitions", "-o", "json").stdout


def test_a_script_of_git_can_be_executed(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker, source={"origin": str(repo.directory), "branch": "main", "path": "deploy"})
    files = {"davit": {"files": [{"source": "../bin/serve", "target": "/usr/local/bin/serve"}]}}
    repo.write("bin/serve", "#!/bin/sh\nmkdir -p /www && echo one >/www/index.html && exec httpd -f -p 80 -h /www\n")
    (repo.directory / "bin/serve").chmod(0o755)
    repo.commit("first", {"deploy/web.json": definition(demo_image, command="exec /usr/local/bin/serve", **files),
                          "deploy/service.json": service()})
    spine.start()
    spine.converge()
    assert spine.texts() == ["one"] * 2
    assert file_of(spine, "/usr/local/bin/serve")[1] == "755 0:0"


def test_a_restart_restarts_nothing_and_knows_its_roots(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker, source={"origin": str(repo.directory), "branch": "main", "path": "deploy"})
    repo.commit("first", {"deploy/web.json": with_file(demo_image), "deploy/service.json": service(),
                          "config/app.conf": "one\n"})
    spine.start()
    spine.converge()
    before = spine.ids()
    spine.daemon.stop()
    spine.start()
    spine.converge()
    assert spine.ids() == before
    spine.daemon.stop()
    repo.commit("while it was away", {"config/app.conf": "two\n"})
    spine.start()
    spine.converge()
    assert spine.texts() == ["two"] * 2


def test_a_plain_directory_and_a_directory_of_files(davit, docker, demo_image, tmp_path):
    from support.repo import Repo
    plain = Repo(tmp_path / "scratch")
    directory = tmp_path / "plain"
    plain.directory = directory
    directory.mkdir()
    plain.write("web.json", with_file(demo_image, source="pages") | {"kind": "TaskDefinition"})
    text = (directory / "web.json").read_text().replace("/www/deep/index.html", "/www/deep/")
    plain.write("web.json", text)
    plain.write("service.json", service())
    plain.write("pages/index.html", "one\n")
    plain.write("pages/more/config.json", "[1]\n")
    spine = Spine(davit, plain, docker, source={"origin": str(directory)})
    spine.start()
    wait_for(lambda: spine.wait().returncode == 0 and len(spine.containers()) == 2, 60, "it runs")
    assert spine.texts() == ["one"] * 2
    assert file_of(spine, "/www/deep/more/config.json")[0] == "[1]\n"
    plain.write("pages/index.html", "two\n")
    wait_for(lambda: spine.wait().returncode == 0 and spine.texts() == ["two"] * 2, 60, "the change runs")


def test_files_that_cannot_be_handed_out_are_errors_at_their_place(spine, demo_image):
    spine.repo.write("link.conf", "x")
    (spine.repo.directory / "link.conf").unlink()
    (spine.repo.directory / "link.conf").symlink_to("web.json")
    spine.repo.write("big.conf", "x" * (1024 * 1024 + 1))
    spine.repo.write("lfs.conf", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    files = [{"source": source, "target": f"/etc/{i}"} for i, source in enumerate(
        ["none.conf", "link.conf", "big.conf", "lfs.conf", "../out.conf"])]
    spine.repo.commit("bad", {"web.json": definition(demo_image, davit={"files": files}), "service.json": service()})
    for revision in ([], ["--revision", "HEAD"]):
        process = spine.daemon.run("validate", *revision, str(spine.repo.directory))
        assert process.returncode == 1
        for line, words in enumerate(["no file", "symbolic link", "LIMIT_FILE_BYTES", "git-lfs", "out of the repository"]):
            assert any(text.startswith("web.json:") and words in text for text in process.stdout.splitlines()), (
                line, words, process.stdout)


REFUSED_SOURCES = {
    "..": "holds the manifests themselves",
    "../..": "holds the manifests themselves",
    "../../..": "leads out of the repository",
    "../../many": "LIMIT_CONTAINER_FILES",
}


def test_what_no_container_can_be_given_is_told_alike_everywhere_and_a_revert_heals(davit, repo, docker, demo_image):
    spine = Spine(davit, repo, docker, source={"origin": str(repo.directory), "branch": "main", "path": "deploy/prod"})
    good = {"source": "../../config/app.conf", "target": "/www/deep/index.html"}
    command = "exec httpd -f -p 80 -h /www/deep"
    repo.commit("first", {f"many/{i}": "x" for i in range(257)} | {
        "deploy/prod/web.json": definition(demo_image, command=command, davit={"files": [good]}),
        "deploy/prod/service.json": service(), "config/app.conf": "one\n"})
    spine.start()
    spine.converge()
    before = spine.ids()
    for source, words in REFUSED_SOURCES.items():
        files = [good, {"source": source, "target": "/etc/more/"}]
        repo.commit("bad", {"deploy/prod/web.json": definition(demo_image, command=command, davit={"files": files})})
        spine.seen()
        told = [spine.daemon.run("status").stdout]
        told += [spine.daemon.run("validate", *revision, str(repo.directory / "deploy/prod")).stdout
                 for revision in ([], ["--revision", "HEAD"])]
        for text in told:
            assert any("web.json:" in line and words in line for line in text.splitlines()) or re.search(
                rf"web\.json:\d+:\d+.*{words}", text, re.S), (source, text)
        repo.revert()
        spine.converge()
        assert spine.ids() == before


def test_variables_from_files_and_secrets_that_nobody_sees(davit, repo, docker, demo_image, tmp_path):
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "db").write_text('{"password": "%s", "user": "u"}\n' % CANARY)
    (secrets / "db").chmod(0o600)
    spine = Spine(davit, repo, docker, secrets={"directory": str(secrets), "environment": ["E2E_"]})
    spine.daemon.environment["E2E_TOKEN"] = CANARY + "-env"
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbC123:password::"
    container = {
        "environment": [{"name": "A", "value": "plain"}],
        "environmentFiles": [{"type": "s3", "value": "first.env"}, {"type": "s3", "value": "second.env"}],
        "secrets": [{"name": "PASSWORD", "valueFrom": arn}, {"name": "TOKEN", "valueFrom": "token"}],
    }
    spine.repo.commit("first", {"web.json": definition(demo_image, **container), "service.json": service(1),
                                "first.env": "# none\nA=first\nB=first=1\n", "second.env": "B=second\nC=second\n"})
    spine.start()
    spine.converge()
    found = variables(spine)
    assert (found["A"], found["B"], found["C"]) == ("plain", "first=1", "second")
    assert (found["PASSWORD"], found["TOKEN"]) == (CANARY, CANARY + "-env")
    nowhere_but_there(spine)


def nowhere_but_there(spine):
    """The value is in no label, log, record, ledger, answer or command line of davit."""
    spine.daemon.run("reconcile")
    labels = str([one["Labels"] for one in spine.containers()])
    answers = "".join(spine.daemon.run(*command).stdout for command in (
        ["status", "-o", "json"], ["get", "services", "-o", "json"], ["get", "tasks", "-o", "json"],
        ["get", "task-definitions", "-o", "json"], ["history", "-o", "json"], ["diff"]))
    assert CANARY not in labels and CANARY not in answers and CANARY not in spine.daemon.log_text()
    state = spine.daemon.directory / "state"
    assert subprocess.run(["grep", "-rl", CANARY, str(state)], capture_output=True, text=True).stdout == ""
    repositories = [directory for directory, _, _ in os.walk(state) if directory.endswith(".git")]  # while davit goes on writing
    assert repositories
    for git in repositories:
        packed = subprocess.run(["git", "-C", git, "cat-file", "--batch-all-objects", "--batch"], capture_output=True)
        assert CANARY.encode() not in packed.stdout
    with open(f"/proc/{spine.daemon.process.pid}/cmdline", "rb") as line:
        assert CANARY.encode() not in line.read()


def test_a_missing_secret_says_where_it_was_looked_for(davit, repo, docker, demo_image, tmp_path):
    spine = Spine(davit, repo, docker, secrets={"directory": str(tmp_path)})
    secrets = [{"name": "PASSWORD", "valueFrom": "db/password"}]
    spine.repo.commit("first", {"web.json": definition(demo_image, secrets=secrets), "service.json": service(1)})
    spine.start()
    spine.seen()
    wait_for(lambda: "ResourceInitializationError" in spine.daemon.run("events").stdout, 30, "the reason is told")
    assert f"{tmp_path}/db/password" in spine.daemon.run("events").stdout
    assert spine.engine.api.containers(**{LABEL_OWNER: OWNER}) == []
