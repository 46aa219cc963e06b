"""No goto, and no typedef that hides a struct, union or enum, in the C of src/ and tests/."""

import re

from lint import Finding, code_only, expect, expect_none, files_under, line_of, main, scratch_tree

BANNED = (
    (re.compile(r"\bgoto\b"), "goto: return early and let CLEANUP (base/memory.h) release"),
    (re.compile(r"\btypedef\s+(?:const\s+)?(struct|union|enum)\b"), "typedef hides what it is: write the tag"),
)


def check(repo, _builds=None):
    findings = []
    for path in files_under(repo, ["src", "tests"], {".c", ".h"}):
        text = code_only((repo / path).read_text())
        for pattern, remedy in BANNED:
            findings += [Finding(path, line_of(text, match.start()), remedy) for match in pattern.finditer(text)]
    return findings


def self_test():
    clean = '/* goto\n * typedef struct */\nchar *s = "goto x";\ntypedef int (*fn)(void);\n'
    with scratch_tree({"src/a.c": clean}) as root:
        expect_none(check(root))
    with scratch_tree({"src/a.c": "/* a\n */\nvoid f(void)\n{\n    goto out;\nout:;\n}\n"}) as root:
        expect(check(root), "src/a.c", 5, "goto")
    with scratch_tree({"tests/unit/a.h": "typedef\n  struct x x;\n"}) as root:
        expect(check(root), "tests/unit/a.h", 1, "typedef")


if __name__ == "__main__":
    main(check, self_test)
