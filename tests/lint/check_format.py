"""clang-format leaves the C of src/ and tests/ unchanged."""

import re
import shutil

from lint import REPO, Finding, expect, expect_none, files_under, main, require, run, scratch_tree


def check(repo, _builds=None):
    require("clang-format")
    paths = files_under(repo, ["src", "tests"], {".c", ".h"})
    if not paths:
        return []
    process = run(["clang-format", "--dry-run", "-Werror", "--style=file", *paths], cwd=repo)
    first = {}
    for path, line in re.findall(r"^([^:\n]+):(\d+):\d+: error: code should be clang-formatted", process.stderr, re.M):
        first.setdefault(path, int(line))
    if process.returncode != 0 and not first:
        return [Finding(".clang-format", 0, process.stderr.strip())]
    return [Finding(path, line, f"run clang-format -i {path}") for path, line in first.items()]


def self_test():
    with scratch_tree({"src/a.c": "int f(void)\n{\n    return 1;\n}\n"}) as root:
        shutil.copy(REPO / ".clang-format", root)
        expect_none(check(root))
        (root / "src/b.c").write_text("int f(void)\n{\n  return 1;\n}\n")
        expect(check(root), "src/b.c", 2, "clang-format -i src/b.c")


if __name__ == "__main__":
    main(check, self_test)
