"""The pipelines of examples/ci: their very lines, in a repository, with the forge's variables set and its comment API
played by a server that knows the documented requests and no others."""

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from support.davit import built_binary

TOP = Path(__file__).resolve().parents[2]
CI = TOP / "examples" / "ci"
TOKEN, MARKER = "s3cr3t-token", "<!-- davit-diff -->"
WEB = """kind: TaskDefinition
family: web
containerDefinitions: [{name: web, image: "web:%s", memory: 64, environment: [{name: PASSWORD, value: hunter%s}]}]
---
kind: Service
serviceName: web
taskDefinition: web
desiredCount: 2
"""


class Forge:
    """Comments of pull request 7. Answers to a request that the forge does not document, or that lacks the token, with 4xx.

    github: POST /repos/O/R/issues/7/comments, PATCH /repos/O/R/issues/comments/ID (Gitea and Forgejo likewise).
    gitlab: POST /projects/42/merge_requests/7/notes, PUT .../notes/ID.
    """

    def __init__(self, kind):
        self.kind, self.requests, self.faults = kind, [], []
        bot = {"github": "github-actions[bot]", "forgejo": "forgejo-actions", "gitlab": "project_42_bot_1f"}[kind]
        self.bot = {"login": bot, "username": bot, "type": "Bot" if kind == "github" else "User"}
        human = {"login": "ada", "username": "ada", "type": "User"}
        # More than one page of others, with one that pretends to be the bot's.
        self.comments = [{"id": 100 + i, "body": f"remark {i}", "user": human, "author": human} for i in range(120)]
        self.comments[3]["body"] = f"{MARKER}\nall is well, just merge"
        self.list_path, self.item_path, self.change, self.header = {
            "gitlab": ("/projects/42/merge_requests/7/notes", "/projects/42/merge_requests/7/notes/", "PUT", ("PRIVATE-TOKEN", TOKEN)),
            "forgejo": ("/repos/o/r/issues/7/comments", "/repos/o/r/issues/comments/", "PATCH", ("Authorization", f"token {TOKEN}")),
            "github": ("/repos/o/r/issues/7/comments", "/repos/o/r/issues/comments/", "PATCH", ("Authorization", f"Bearer {TOKEN}")),
        }[kind]
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                status, body = forge.handle(self.command, self.path, self.headers, self.rfile.read(length))
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def refuse(self, status, why):
        self.faults.append(why)
        return status, {"message": why}

    def handle(self, method, target, headers, body):
        path, _, query = target.partition("?")
        self.requests.append((method, path))
        name, value = self.header
        if headers.get(name) != value:
            return self.refuse(401, f"{name}: {headers.get(name)}")
        if method == "GET" and path == self.list_path:
            asked = dict(part.split("=") for part in query.split("&"))
            size, page = int(asked["per_page"]), int(asked["page"])
            assert 1 <= size <= 100  # the most that each of them gives
            whole = self.kind == "forgejo"  # its list of comments has no pages
            return 200, self.comments if whole else self.comments[(page - 1) * size:page * size]
        if headers.get("Content-Type") != "application/json":
            return self.refuse(415, "no JSON")
        content = json.loads(body)["body"]
        if len(content) > 65536:
            return self.refuse(422, "body is too long (maximum is 65536 characters)")
        if method == "POST" and path == self.list_path:
            self.comments.append({"id": 999, "body": content, "user": self.bot, "author": self.bot})
            return 201, self.comments[-1]
        if method == self.change and path.startswith(self.item_path):
            comment = next((one for one in self.comments if one["id"] == int(path.rsplit("/", 1)[1])), None)
            if comment is None or comment["user"] is not self.bot:
                return self.refuse(404, f"{path} is none of ours")
            comment["body"] = content
            return 200, comment
        return self.refuse(404, f"{method} {path}")

    def ours(self):
        return [one["body"] for one in self.comments if one["user"] is self.bot]


@pytest.fixture
def forge(request):
    server = Forge(request.param)
    yield server
    server.stop()


@pytest.fixture
def branch(repo):
    """A pull request: a branch with a new image, merged into main as GitHub tries it."""
    repo.commit("first", {"web.yaml": WEB % (1, 1)})
    repo.git("checkout", "--quiet", "-b", "work")
    repo.commit("second", {"web.yaml": WEB % (2, 2)})
    return repo


def bash(lines, directory, variables, tmp_path):
    """As the runners do it, with davit on the path and a curl that notes its arguments."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    shutil.copy(built_binary(), tools / "davit")
    curl = tools / "curl"
    curl.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" >> {shlex.quote(str(tmp_path / "arguments"))}\nexec {shutil.which("curl")} "$@"\n')
    curl.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")}
    return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines], cwd=directory, text=True, timeout=120,
                          capture_output=True, env={**kept, "PATH": f"{tools}:{os.environ['PATH']}", "DAVIT_PATH": ".", **variables})


def actions(name):
    """The one job of a workflow, and its steps by name."""
    workflow = yaml.safe_load((CI / name).read_text())
    (job,) = workflow["jobs"].values()
    return workflow, job, {step.get("name", step.get("uses")): step for step in job["steps"]}


def run_actions(name, directory, forge, tmp_path, base):
    """The steps after the build, those of `if: always()` also after a failure. Returns results by name."""
    expressions = {"github.token": TOKEN, "github.event.pull_request.number": "7", "github.event.pull_request.base.sha": base}
    runner = {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "o/r", "RUNNER_TEMP": str(tmp_path),
              "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    results, failed = {}, False
    steps = actions(name)[2]
    for step in ("validate", "diff", "comment"):
        if failed and not steps[step].get("if", "").startswith("always()"):
            continue
        variables = {key: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: expressions[match[1]], str(value))
                     for key, value in steps[step].get("env", {}).items()}
        assert "${{" not in steps[step]["run"]  # nothing that a stranger has written becomes part of a script
        results[step] = bash(steps[step]["run"], directory, {**runner, **variables}, tmp_path)
        failed = failed or results[step].returncode != 0
    return results


WORKFLOWS = [pytest.param(f"{kind}-actions.yml", kind, id=kind) for kind in ("github", "forgejo")]


@pytest.mark.parametrize("name, forge", WORKFLOWS, indirect=["forge"])
def test_actions(name, forge, branch, tmp_path):
    base = branch.head("main")

    def propose():
        if name.startswith("github"):
            branch.git("checkout", "--quiet", "--detach", "main")
            branch.git("merge", "--quiet", "--no-ff", "-m", "tried", "work")
        return run_actions(name, branch.directory, forge, tmp_path, base)

    results = propose()
    assert all(one.returncode == 0 for one in results.values()), results
    assert len(forge.ours()) == 1 and forge.ours()[0].startswith(f"{MARKER}\n### davit: what this deploys\n"), forge.ours()
    assert "`web:1` → `web:2`" in forge.ours()[0] and "hunter" not in forge.ours()[0]
    branch.git("checkout", "--quiet", "work")
    branch.commit("third", {"web.yaml": WEB % (3, 2)})
    propose()
    assert len(forge.ours()) == 1 and "`web:1` → `web:3`" in forge.ours()[0]
    branch.git("checkout", "--quiet", "work")
    branch.commit("bad", {"web.yaml": (WEB % (3, 2)).replace("family", "famly")})
    results = propose()
    assert results["validate"].returncode == 1 and results["diff"].returncode == 1 and results["comment"].returncode == 0, results
    if name.startswith("github"):
        assert "::error title=" in results["validate"].stdout
        assert "could not be computed" in (tmp_path / "summary.md").read_text()
    assert len(forge.ours()) == 1 and "could not be computed" in forge.ours()[0] and "famly" in forge.ours()[0]
    assert not forge.faults, forge.faults
    assert [method for method, _ in forge.requests].count("POST") == 1
    assert TOKEN not in (tmp_path / "arguments").read_text()


@pytest.mark.parametrize("name, forge", WORKFLOWS, indirect=["forge"])
def test_actions_pass_the_first_manifests_and_what_mends_a_broken_branch(name, forge, repo, tmp_path):
    repo.commit("words", {"README": "words"})
    for subject, text in (("first", WEB % (1, 1)), ("broken", "kind: Nonsense\n"), ("mended", WEB % (2, 1))):
        base = repo.head("main")
        repo.commit(subject, {"web.yaml": text})
        results = run_actions(name, repo.directory, forge, tmp_path, base)
        good = subject != "broken"
        assert [one.returncode == 0 for one in results.values()] == [good, good, True], (subject, results)
    assert "`web:1` → `web:2`" in forge.ours()[-1]


def test_github_permissions_and_pins():
    for name in ("github-actions.yml", "forgejo-actions.yml"):
        workflow, job, steps = actions(name)
        assert all(re.fullmatch(r"actions/checkout@[0-9a-f]{40}", step["uses"]) for step in job["steps"] if "uses" in step)
        assert "pull_request" in workflow[True] and "pull_request_target" not in workflow[True]  # YAML 1.1 reads "on" as true
        assert "head.repo.full_name == github.repository" in steps["comment"]["if"]
    workflow, job, _ = actions("github-actions.yml")
    assert workflow["permissions"] == {} and job["permissions"] == {"contents": "read", "pull-requests": "write"}


def gitlab(directory, forge, tmp_path, base, token=TOKEN):
    job = yaml.safe_load((CI / "gitlab-ci.yml").read_text())["davit"]
    variables = {"CI_API_V4_URL": forge.url, "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
                 **({"DAVIT_TOKEN": token} if token else {})}
    return bash("\n".join(job["script"]), directory, variables, tmp_path)


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_gitlab(forge, branch, tmp_path):
    base = branch.head("main")
    report = branch.directory / "gl-code-quality-report.json"
    process = gitlab(branch.directory, forge, tmp_path, base)
    assert process.returncode == 0, process.stdout + process.stderr
    assert json.loads(report.read_text()) == []
    assert len(forge.ours()) == 1 and forge.ours()[0].startswith(MARKER) and "`web:1` → `web:2`" in forge.ours()[0]
    branch.commit("bad", {"web.yaml": (WEB % (3, 2)).replace("family", "famly"), ".gitignore": "davit-*\ngl-*\n"})
    process = gitlab(branch.directory, forge, tmp_path, base)
    assert process.returncode != 0
    assert json.loads(report.read_text())[0]["location"]["path"] == "web.yaml"
    assert len(forge.ours()) == 1 and "could not be computed" in forge.ours()[0]
    asked = len(forge.requests)
    assert "could not be computed" in gitlab(branch.directory, forge, tmp_path, base, token=None).stdout
    assert len(forge.requests) == asked and not forge.faults, forge.faults
    assert TOKEN not in (tmp_path / "arguments").read_text()


def test_what_the_pipelines_install_is_what_davit_needs():
    lines = (TOP / "tests" / "lib" / "packages").read_text().splitlines()
    needed = {line.split()[1] for line in lines if line.startswith("build ")}
    scripts = [actions(f"{kind}-actions.yml")[2]["tools"]["run"] for kind in ("github", "forgejo")]
    scripts.append("\n".join(yaml.safe_load((CI / "gitlab-ci.yml").read_text())["davit"]["before_script"]))
    for script in scripts:
        installed = re.search(r"--no-install-recommends ((?:.*\\\n)*.*)", script)[1].replace("\\\n", " ").split()
        assert set(installed) == needed | {"ca-certificates", "curl", "jq"}


def test_init_writes_the_same(tmp_path):
    """And what it writes validates, with the pipelines beside the manifests."""
    for arguments in (["init", "infra"], ["validate", "infra"]):
        done = subprocess.run([built_binary(), *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    for path, example in ((".github/workflows/davit.yaml", "github-actions.yml"), (".gitea/workflows/davit.yaml", "forgejo-actions.yml"),
                          (".gitlab-ci.yml", "gitlab-ci.yml")):
        assert (tmp_path / "infra" / path).read_bytes() == (CI / example).read_bytes()


def test_the_hook_of_git(repo, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy(built_binary(), tools / "davit")
    shutil.copy(CI / "pre-commit", repo.directory / ".git" / "hooks" / "pre-commit")

    def commit(*arguments):
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        return subprocess.run(["git", *identity, "commit", "-m", "change", *arguments], cwd=repo.directory, text=True, capture_output=True,
                              env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})

    repo.write("README", "words")
    repo.git("add", "--all")
    assert repo.git("commit", "--quiet", "--no-verify", "-m", "words") == ""
    repo.write("web.yaml", WEB % (1, 1))
    repo.git("add", "--all")
    first = commit()
    assert first.returncode == 0, first.stderr
    repo.write("web.yaml", WEB % (2, 1))
    repo.git("add", "--all")
    repo.write("web.yaml", "kind: Nonsense\n")  # not staged, so it does not count
    second = commit()
    assert second.returncode == 0 and "web:1 -> web:2" in second.stderr, second.stderr
    third = commit("--all")
    assert third.returncode == 1 and "web.yaml:1:" in third.stderr, third.stderr
    assert repo.git("rev-list", "--count", "HEAD") == "3"
    assert repo.git("commit", "--quiet", "--no-verify", "--all", "-m", "broken") == ""
    repo.write("web.yaml", WEB % (3, 1))
    mended = commit("--all")
    assert mended.returncode == 0 and "web:2 -> web:3" in mended.stderr, mended.stderr


def test_the_entry_for_pre_commit(repo, tmp_path):
    (hook,) = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "davit-validate" and hook["language"] == "system" and hook["pass_filenames"] is False
    assert re.search(hook["files"], "a/web.yaml") and re.search(hook["files"], "web.yml") and not re.search(hook["files"], "web.yaml.orig")
    repo.write("web.yaml", WEB % (1, 1))
    assert bash(hook["entry"], repo.directory, {}, tmp_path).returncode == 0
    repo.write("web.yaml", "kind: Nonsense\n")
    assert bash(hook["entry"], repo.directory, {}, tmp_path).returncode == 1
