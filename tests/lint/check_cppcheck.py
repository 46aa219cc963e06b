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
    # The loops of jansson, which it cannot parse unless it knows that they are loops: it skips the file then.
    "-Djson_array_foreach(array,index,value)=while (json_next(array, &index, &value))",
    "-Djson_object_foreach(object,key,value)=while (json_next(object, &key, &value))",
    "-Isrc",
    "--template={file}:{line}: {id}: {message}",
    # Headers of foreign libraries are not read.
    "--suppress=missingIncludeSystem",
    # A "no" of the tool about itself: it gave up on a branch, it found nothing.
    "--suppress=normalCheckLevelMaxBranches",
    "--suppress=toomanyconfigs",
    # glibc's readdir is safe as long as two threads do not share a stream, and readdir_r is deprecated (readdir(3)).
    "--suppress=readdirCalled",
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
    findings = [Finding(path, int(line), message) for path, line, message in found]
    return [finding for finding in findings if not is_cleaned_up(repo, finding)]


def is_cleaned_up(repo, finding):
    """cppcheck 2.10 does not know the cleanup attribute: whether what it says leaks is declared with CLEANUP here."""
    leak = re.match(r"resourceLeak: Resource leak: (\w+)$", finding.message)
    if not leak:
        return False
    before = (repo / finding.path).read_text().splitlines()[: finding.line]
    start = max((i for i, line in enumerate(before) if line == "{"), default=0)
    return any(re.search(rf"\b{leak.group(1)} CLEANUP\(", line) for line in before[start:])


def self_test():
    clean = "int f(void)\n{\n    return 1;\n}\n"
    with scratch_tree({"src/a.c": clean}) as root:
        expect_none(check(root))
        leak = "#include <stdlib.h>\nvoid f(void)\n{\n    char *p = malloc(3);\n    p[3] = 0;\n    free(p);\n}\n"
        (root / "src/b.c").write_text(leak)
        expect(check(root), "src/b.c", 5, "arrayIndexOutOfBounds")
        loop = "int b(json_t *a)\n{\n    size_t i;\n    json_t *v;\n    json_array_foreach (a, i, v) {\n"
        loop += "        CLEANUP_FREE char *x = memory_strdup(v);\n        int n[2];\n        n[2] = 0;\n    }\n"
        (root / "src/b.c").write_text(loop + "    return 0;\n}\n")
        expect(check(root), "src/b.c", 8, "arrayIndexOutOfBounds")
        opened = "#include <stdio.h>\nint f(void)\n{\n    FILE *file%s = fopen(\"x\", \"r\");\n    return !file;\n}\n"
        (root / "src/b.c").write_text(opened % " CLEANUP(fclosep)")
        expect_none(check(root))
        (root / "src/b.c").write_text(opened % " CLEANUP(fclosep)" + opened.replace("f(", "g(") % "")
        expect(check(root), "src/b.c", 11, "resourceLeak")


if __name__ == "__main__":
    main(check, self_test)
