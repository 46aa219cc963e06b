"""The pure directories want nothing from outside but what pure-symbols.txt lists: no file, clock, socket or random."""

import fnmatch

import layers
from binaries import directory_symbols
from lint import Builds, Finding, expect, expect_none, main, output_of, require, scratch_tree

ALLOWED = "tests/lint/pure-symbols.txt"


def allowed_patterns(repo):
    """[(pattern, directories or None for all)] of the list."""
    lines = (line.split("#")[0].split() for line in (repo / ALLOWED).read_text().splitlines())
    return [(words[0], words[1:] or None) for words in lines if words]


def check(repo, builds):
    require("nm")
    rows, patterns, found = layers.load(repo), allowed_patterns(repo), directory_symbols(builds.release)
    findings = []
    for name, (_, undefined) in found.items():
        if not rows[name].pure:
            continue
        ours = set().union(*(found[d][0] for d in layers.closure(rows, name) if d in found))
        for symbol in sorted(undefined - ours):
            if not any(fnmatch.fnmatchcase(symbol, p) and (d is None or name in d) for p, d in patterns):
                remedy = f"let its value arrive in an event, or list a harmless one in {ALLOWED}"
                findings.append(Finding(f"src/{name}", 0, f"pure code uses {symbol}(): {remedy}"))
    return findings


def build_library(root, directory, source):
    """Compiles source into the library of a directory, as the release build would."""
    target = root / "build/src" / directory
    target.mkdir(parents=True, exist_ok=True)
    (target / "x.c").write_text(source)
    output_of(["gcc", "-c", "-O2", "-fno-builtin", str(target / "x.c"), "-o", str(target / "x.o")])
    output_of(["ar", "rcs", str(target / f"libdavit_{directory}.a"), str(target / "x.o")])


def self_test():
    require("nm", "gcc", "ar")
    files = {"src/README.md": layers.SAMPLE, ALLOWED: "strlen # text\ntime engine\nmem*\n"}
    with scratch_tree(files) as root:
        builds = Builds(root / "build")
        build_library(root, "base", "int base_f(void) { return 1; }\n")
        build_library(root, "engine", "long time(long *); long engine_now(void) { return time(0); }\n")
        pure = "unsigned long strlen(const char *); int base_f(void);\n"
        pure += "long f(void) { return strlen(\"a\") + base_f(); }\n"
        build_library(root, "model", pure)
        expect_none(check(root, builds))
        build_library(root, "model", pure + "long time(long *); long now(void) { return time(0); }\n")
        expect(check(root, builds), "src/model", 0, "uses time()")
        build_library(root, "model", pure + "long engine_now(void); long now(void) { return engine_now(); }\n")
        expect(check(root, builds), "src/model", 0, "uses engine_now()")


if __name__ == "__main__":
    main(check, self_test)
