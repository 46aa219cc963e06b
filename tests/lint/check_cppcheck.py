"""cppcheck finds nothing in src/. There are no suppressions in the code; those here have their reasons."""

import re

from lint import Finding, expect, expect_none, files_under, main, require, run, scratch_tree

FLAGS = [
    "--enable=warning,performance,portability",
    "--std=c11",
    "--library=posix",
    "--quiet",
    "-j2",
    "-D_GNU_SOURCE",
    "-DDAVIT_VERSION=\"0\"",
    "-Isrc",
    "--template={file}:{line}: {id}: {message}",
    # Headers of foreign libraries are not read.
    "--suppress=missingIncludeSystem",
    # A "no" of the tool about itself: it gave up on a branch, it found nothing.
    "--suppress=normalCheckLevelMaxBranches",
    "--suppress=toomanyconfigs",
    "--error-exitcode=9",
]


def check(repo, _builds=None):
    require("cppcheck")
    if not files_under(repo, ["src"], {".c"}):
        return []
    process = run(["cppcheck", *FLAGS, "src"], cwd=repo)
    found = re.findall(r"^([^:\n]+):(\d+): (.*)$", process.stderr, re.M)
    if process.returncode != 0 and not found:
        return [Finding("src", 0, (process.stdout + process.stderr).strip())]
    return [Finding(path, int(line), message) for path, line, message in found]


def self_test():
    clean = "int f(void)\n{\n    return 1;\n}\n"
    with scratch_tree({"src/a.c": clean}) as root:
        expect_none(check(root))
        leak = "#include <stdlib.h>\nvoid f(void)\n{\n    char *p = malloc(3);\n    p[3] = 0;\n    free(p);\n}\n"
        (root / "src/b.c").write_text(leak)
        expect(check(root), "src/b.c", 5, "arrayIndexOutOfBounds")


if __name__ == "__main__":
    main(check, self_test)
