"""No mutable variables outside functions, nor static ones inside, but in daemon/ and cli/."""

import re

from lint import Builds, Finding, expect, expect_none, main, output_of, require, scratch_tree

EXEMPT = {"daemon", "cli"}
# Sections that stay writable once the program runs; .data.rel.ro holds const tables with addresses in them.
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)(\.(?!rel\.ro\b).+)?$")


def writable_variables(path):
    """Names of variables in writable sections of an object file."""
    writable = set()
    for line in output_of(["readelf", "--sections", "--wide", str(path)]).splitlines():
        match = re.match(r"\s*\[\s*(\d+)\]\s+(\S+)", line)
        if match and WRITABLE.match(match.group(2)):
            writable.add(match.group(1))
    for line in output_of(["readelf", "--symbols", "--wide", str(path)]).splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[3] in ("OBJECT", "TLS") and (fields[6] in writable or fields[6] == "COM"):
            yield fields[7]


def check(_repo, builds):
    require("readelf")
    findings = []
    for path in sorted((builds.release / "src").glob("*/*/**/*.o")):
        directory = path.relative_to(builds.release / "src").parts[0]
        if directory not in EXEMPT:
            source = re.sub(r"\.o$", "", path.name)
            for name in writable_variables(path):
                message = f"'{name}' is mutable and outlives every call: make it const, or a member of a struct"
                findings.append(Finding(f"src/{directory}/{source}", 0, message))
    return findings


def self_test():
    require("readelf", "gcc")
    clean = "int f(int); static const char *const names[] = {\"a\", \"b\"};\nint f(int i) { return *names[i]; }\n"
    with scratch_tree({}) as root:

        def findings(directory, source):
            target = root / "src" / directory / f"libdavit_{directory}.a.p"
            target.mkdir(parents=True, exist_ok=True)
            (root / "x.c").write_text(source)
            flags = ["-c", "-O2", "-fPIE", "-fdata-sections"]
            output_of(["gcc", *flags, str(root / "x.c"), "-o", str(target / "x.c.o")])
            return check(root, Builds(root))

        expect_none(findings("base", clean))
        expect_none(findings("daemon", "int counter = 1;\n"))
        expect(findings("base", clean + "int counter;\n"), "src/base/x.c", 0, "'counter'")
        expect(findings("base", "_Thread_local int cache = 3;\n"), "src/base/x.c", 0, "'cache'")
        expect(findings("base", "int g(void) { static int calls = 1; return calls++; }\n"), "src/base/x.c", 0, "calls")
        expect(findings("base", "const char *names[] = {\"a\"};\n"), "src/base/x.c", 0, "'names'")


if __name__ == "__main__":
    main(check, self_test)
