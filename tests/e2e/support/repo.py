"""Git repositories made by tests."""

import json
import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}


class Repo:
    """A repository with a work tree. Commits are a minute apart from a fixed date, so ids are the same in every run."""

    def __init__(self, directory, branch="main"):
        self.directory, self.count = Path(directory), 0
        self.directory.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", f"--initial-branch={branch}")

    def git(self, *command):
        """Runs git and returns what it printed, without the last newline."""
        date = f"{1700000000 + 60 * self.count} +0000"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        process = subprocess.run(
            ["git", *command], cwd=self.directory, env={**os.environ, **IDENTITY, **dates}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        if process.returncode != 0:
            raise RuntimeError(f"git {' '.join(command)}: {process.stderr.strip()}")
        return process.stdout.removesuffix("\n")

    def write(self, path, content):
        """Writes a file of the work tree: text, or anything else as JSON; None removes it."""
        target = self.directory / path
        if content is None:
            target.unlink()
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content, indent=2) + "\n")

    def commit(self, message, files=None):
        """Commits the work tree after writing files ({path: content}); returns the id of the commit."""
        for path, content in (files or {}).items():
            self.write(path, content)
        self.count += 1
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head()

    def commit_malformed(self, files=None):
        """As commit(), with lines of author and committer that git reads and libgit2 does not."""
        parent, tree = self.head(), self.git("rev-parse", f"{self.commit('malformed', files)}^{{tree}}")
        text = f"tree {tree}\nparent {parent}\nauthor X x@y 1700000000 +0000\ncommitter Y\n\nmalformed\n"
        odd = subprocess.run(["git", "hash-object", "-t", "commit", "--literally", "-w", "--stdin"], cwd=self.directory, input=text,
                             check=True, capture_output=True, text=True).stdout.strip()
        self.git("reset", "--quiet", "--hard", odd)
        return odd

    def revert(self, commit="HEAD"):
        """git revert; returns the id of the new commit."""
        self.count += 1
        self.git("revert", "--no-edit", commit)
        return self.head()

    def head(self, revision="HEAD"):
        return self.git("rev-parse", revision)


def simple(name, image="busybox:1", count=1):
    """A service and its task definition, as one file."""
    return f"""kind: TaskDefinition
family: {name}
containerDefinitions: [{{name: app, image: "{image}", memory: 8}}]
---
kind: Service
serviceName: {name}
taskDefinition: {name}
desiredCount: {count}
"""
