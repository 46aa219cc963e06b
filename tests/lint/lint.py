"""What the checks share. A check is a script with check(repo, builds) and self_test(); it runs both.

A self-test plants violations in a scratch tree and expects them to be found, so that a check that has gone blind fails.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SKIPPED = 77


@dataclass(frozen=True)
class Finding:
    """A violation: where, and what to do about it. Line 0 is the file as a whole."""

    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


@dataclass(frozen=True)
class Builds:
    """The build directories, both complete when lint runs."""

    release: Path


def main(check, self_test):
    """Runs a check script: first its self-test, then the check of the repository. Never returns."""
    self_test()
    findings = check(REPO, Builds(release=Path(os.environ.get("DAVIT_BUILD", REPO / "build"))))
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


def require(*tools):
    """Ends the script as skipped if a tool is not installed."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        print(f"not installed: {' '.join(missing)}")
        sys.exit(SKIPPED)


def expect(findings, path, line, words):
    """Fails the self-test unless there is exactly this one finding."""
    match = [f for f in findings if f.path == path and f.line == line and words in f.message]
    if len(match) != 1 or len(findings) != 1:
        found = "\n".join(f"  {finding}" for finding in findings) or "  nothing"
        sys.exit(f"self-test: expected only {path}:{line}: ...{words}..., found\n{found}")


def expect_none(findings):
    """Fails the self-test if a clean tree has findings."""
    if findings:
        sys.exit("self-test: expected no findings, found\n" + "\n".join(f"  {finding}" for finding in findings))


@contextmanager
def scratch_tree(files):
    """A temporary directory that holds these files: {path: text}."""
    with tempfile.TemporaryDirectory(prefix="davit-lint-") as name:
        root = Path(name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        yield root


def run(command, **options):
    """Runs a tool to its end and returns the process, its output as text."""
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


def output_of(command, **options):
    """The standard output of a tool that has to succeed."""
    process = run(command, **options)
    if process.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}: {process.stderr.strip()}")
    return process.stdout


def files_under(root, directories, suffixes):
    """Files with these suffixes below root/directory..., sorted, as paths relative to root."""
    found = (path for d in directories for path in (root / d).rglob("*") if path.suffix in suffixes and path.is_file())
    return sorted(str(path.relative_to(root)) for path in found)


def project_files(root):
    """Every file of the project: tracked, or new and not ignored."""
    if (root / ".git").exists():
        names = output_of(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root).split("\0")
        return sorted({name for name in names if name and (root / name).is_file()})
    parts = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(p) for p in parts if not p.parts[0].startswith("build") or len(p.parts) == 1)


def text_of(path):
    """A file's text, or None for one that is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_only(text):
    """C source with comments and literals blanked; lines keep their numbers."""
    return TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def compile_commands(build):
    """The compilations of the build: [{file (absolute), directory, arguments}]."""
    commands = json.loads((build / "compile_commands.json").read_text())
    return [
        {
            "file": Path(os.path.normpath(os.path.join(c["directory"], c["file"]))),
            "directory": c["directory"],
            "arguments": shlex.split(c["command"]),
        }
        for c in commands
    ]


def parallel(function, items, workers=2):
    """function(item) for every item, some at a time; the results in order."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))
