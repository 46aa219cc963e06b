"""clang-tidy finds nothing in src/. A file is looked at again only when it, a header or the rules have changed."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from lint import (
    REPO, Builds, Finding, compile_commands, expect, expect_none, files_under, main, output_of, parallel, require, run,
    scratch_tree,
)

CACHE = "lint-clang-tidy"
# The analyser gives up a function after so many states (its default is three times that): past them it takes most of
# its time and, here, has found nothing.
ANALYZER_NODES = 75000
ANALYZER = [f"--extra-arg={arg}" for arg in ("-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={ANALYZER_NODES}")]


def context_digest(repo):
    """A digest of what every file's result depends on: the tool, its rules and all headers."""
    digest = hashlib.sha256((output_of(["clang-tidy", "--version"]) + "".join(ANALYZER)).encode())
    for path in [".clang-tidy", *files_under(repo, ["src"], {".h"})]:
        digest.update(path.encode() + b"\0" + (repo / path).read_bytes() + b"\0")
    return digest.digest()


def findings_of(repo, build, path):
    """Runs clang-tidy on one file."""
    process = run(["clang-tidy", "--quiet", "-p", str(build), *ANALYZER, str(repo / path)], cwd=repo)
    pattern = r"^([^:\n]+):(\d+):\d+: (?:error|warning): (.*)$"
    found = re.findall(pattern, process.stdout, re.M)
    if process.returncode != 0 and not found:
        return [Finding(path, 0, (process.stdout + process.stderr).strip())]
    return [Finding(project_path(repo, build, name), int(line), message) for name, line, message in found]


def project_path(repo, build, name):
    """clang-tidy names files relative to where it runs or to the build directory."""
    for base in (repo, build):
        path = Path(os.path.normpath(base / name))
        if path.exists() and path.is_relative_to(repo):
            return str(path.relative_to(repo))
    return name


def check(repo, builds):
    require("clang-tidy")
    cache = builds.release / CACHE
    cache.mkdir(exist_ok=True)
    context = context_digest(repo)

    def check_command(command):
        path = str(command["file"].relative_to(repo))
        content = json.dumps(command["arguments"]).encode() + command["file"].read_bytes()
        clean = cache / hashlib.sha256(context + content).hexdigest()
        if clean.exists():
            clean.touch()
            return []
        found = findings_of(repo, builds.release, path)
        if not found:
            clean.touch()
        return found

    commands = [
        c for c in compile_commands(builds.release) if c["file"].is_relative_to(repo / "src") and c["file"].suffix == ".c"
    ]
    drop_old(cache, 4 * len(commands))
    return sorted({f for found in parallel(check_command, commands) for f in found}, key=lambda f: (f.path, f.line))


def drop_old(cache, keep):
    """Keeps the cache of a long-lived build directory from growing for ever."""
    for path in sorted(cache.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)[keep:]:
        path.unlink()


def self_test():
    require("clang-tidy")
    clean = "int f(int a);\nint f(int a)\n{\n    return a;\n}\n"
    with scratch_tree({"src/a.c": clean}) as root:
        shutil.copy(REPO / ".clang-tidy", root)
        entry = {"directory": str(root), "file": "src/a.c", "command": "cc -c src/a.c"}
        (root / "compile_commands.json").write_text(json.dumps([entry]))
        expect_none(check(root, Builds(root)))
        (root / "src/a.c").write_text(clean.replace("return a;", "if (a) {\n    }\n    return a == a;"))
        expect(check(root, Builds(root)), "src/a.c", 6, "both sides of operator are equivalent")
        freed = "#include <stdlib.h>\nint f(int *a);\nint f(int *a)\n{\n    free(a);\n    return *a;\n}\n"
        (root / "src/a.c").write_text(freed)
        expect(check(root, Builds(root)), "src/a.c", 6, "Use of memory after it is freed")


if __name__ == "__main__":
    main(check, self_test)
