"""Functions, files and parameter lists stay small. size-exceptions.txt lists what is over, and may only shrink."""

import json

from lint import Finding, expect, expect_none, files_under, main, output_of, require, scratch_tree

EXCEPTIONS = "tests/lint/size-exceptions.txt"
MAX_FUNCTION_LINES = 70
MAX_PARAMETERS = 5
MAX_FILE_LINES = {"src": 1000, "tests": 1500}


def parameter_count(signature):
    """The number of parameters in '(int a, void (*f)(int, int), ...)', without the dots."""
    inner = signature.strip()[1:-1].strip().removesuffix("...").strip().removesuffix(",")
    if inner in ("", "void"):
        return 0
    depth, commas = 0, 0
    for character in inner:
        depth += (character in "([{") - (character in ")]}")
        commas += character == "," and depth == 0
    return commas + 1


def measure(repo, paths):
    """Yields (kind, name, line, value, limit) of every file and function."""
    for path in paths:
        lines = (repo / path).read_text().count("\n")
        yield "file-lines", path, 1, lines, MAX_FILE_LINES[path.split("/")[0]]
    if not paths:
        return
    command = ["ctags", "--options=NONE", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+neS"]
    tags = output_of([*command, "--output-format=json", "-f", "-", *paths], cwd=repo)
    for tag in map(json.loads, tags.splitlines()):
        name = f"{tag['path']}:{tag['name']}"
        if "end" in tag:
            yield "function-lines", name, tag["line"], tag["end"] - tag["line"] + 1, MAX_FUNCTION_LINES
        yield "parameters", name, tag["line"], parameter_count(tag.get("signature", "()")), MAX_PARAMETERS


def exceptions(repo):
    """{(kind, name): (line, value)} of the list."""
    listed = {}
    path = repo / EXCEPTIONS
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        if line.strip() and not line.startswith("#"):
            kind, name, value = line.split()
            listed[kind, name] = (number, int(value))
    return listed


def check(repo, _builds=None):
    require("ctags")
    findings, listed = [], exceptions(repo)
    for kind, name, line, value, limit in measure(repo, files_under(repo, ["src", "tests"], {".c", ".h"})):
        number, allowed = listed.pop((kind, name), (0, None))
        path = name.split(":")[0]
        if allowed is None and value > limit:
            findings.append(Finding(path, line, f"{kind} of {name.split(':')[-1]} is {value}, over {limit}: split it"))
        elif allowed is not None and value > allowed:
            findings.append(Finding(path, line, f"{kind} is {value}, over even its exception of {allowed}: split it"))
        elif allowed is not None and value <= limit:
            findings.append(Finding(EXCEPTIONS, number, f"{name} needs no exception any more: remove the line"))
        elif allowed is not None and value < allowed:
            findings.append(Finding(EXCEPTIONS, number, f"{name} has shrunk: write {value} for {allowed}"))
    findings += [Finding(EXCEPTIONS, n, f"{name} is gone: remove the line") for (_, name), (n, _) in listed.items()]
    return findings


def function(name, lines, parameters="void"):
    return f"int {name}({parameters})\n{{\n" + "    ;\n" * (lines - 3) + "}\n"


def self_test():
    require("ctags")
    wide = "int a, int b, int c, int d, void (*e)(int, int)"
    cases = [
        (function("f", 70) + function("g", 3, wide), "", None),
        ("\n" + function("f", 71), "", ("src/a.c", 2, "71, over 70")),
        (function("f", 3, wide + ", ..."), "", None),
        (function("f", 3, wide + ", int f"), "", ("src/a.c", 1, "6, over 5")),
        ("\n" * 1001, "", ("src/a.c", 1, "1001, over 1000")),
        (function("f", 80), "function-lines src/a.c:f 80\n", None),
        (function("f", 81), "function-lines src/a.c:f 80\n", ("src/a.c", 1, "even its exception")),
        (function("f", 75), "# list\nfunction-lines src/a.c:f 80\n", (EXCEPTIONS, 2, "write 75")),
        (function("f", 70), "function-lines src/a.c:f 80\n", (EXCEPTIONS, 1, "no exception any more")),
        ("", "function-lines src/a.c:f 80\n", (EXCEPTIONS, 1, "is gone")),
    ]
    for text, listed, expected in cases:
        with scratch_tree({"src/a.c": text, EXCEPTIONS: listed}) as root:
            expect(check(root), *expected) if expected else expect_none(check(root))


if __name__ == "__main__":
    main(check, self_test)
