"""The files of the repository: no leftover marks, no paths of somebody's machine, scripts and links that work."""

import re

from lint import Finding, expect, expect_none, line_of, main, project_files, run, scratch_tree, text_of

# Written apart, so that this file passes its own check.
MARKS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:wo" + r"rk|ho" + r"me)/\w")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def check_marks(path, text):
    for match in MARKS.finditer(text):
        yield Finding(path, line_of(text, match.start()), f"'{match.group()}': do it, or describe the limit in words")
    for match in MACHINE_PATHS.finditer(text):
        yield Finding(path, line_of(text, match.start()), "names a path of one machine: make it relative or neutral")


def check_script(repo, path, text):
    first = text.split("\n", 1)[0]
    if re.match(r"#!.*\b(ba)?sh\b", first) or path.endswith(".sh"):
        process = run(["bash", "-n", path], cwd=repo)
        if process.returncode != 0:
            error = re.search(r"line (\d+): (.*)", process.stderr)
            yield Finding(path, int(error.group(1)), f"bash -n: {error.group(2)}")
    if path.endswith(".py") or re.match(r"#!.*\bpython3?\b", first):
        try:
            compile(text, path, "exec")
        except SyntaxError as error:
            yield Finding(path, error.lineno, f"python: {error.msg}")


def check_links(repo, path, text):
    for match in LINK.finditer(text):
        target = match.group(1).split("#")[0]
        if target and not re.match(r"\w+:", target) and not ((repo / path).parent / target).exists():
            yield Finding(path, line_of(text, match.start()), f"links to {target}, which does not exist")


def check(repo, _builds=None):
    findings = []
    for path in project_files(repo):
        text = text_of(repo / path)
        if text is None:
            continue
        findings += [*check_marks(path, text), *check_script(repo, path, text)]
        if path.endswith(".md"):
            findings += check_links(repo, path, text)
    return findings


def self_test():
    mark, place = "TO" + "DO", "/ho" + "me/x"
    clean = {"a.md": "[b](b.c#l) [c](https://example.org/) work/home/x", "b.c": "int todo;\n", "c.sh": "true\n"}
    cases = [
        ("b.c", f"\n// {mark}: this\n", ("b.c", 2, "do it")),
        ("b.c", f'\n\nchar *p = "{place}";\n', ("b.c", 3, "one machine")),
        ("c.sh", "true\nif\n", ("c.sh", 3, "bash -n")),
        ("d.py", "x = 1\nx = (\n", ("d.py", 2, "python")),
        ("a.md", "\nsee [x](gone.md)\n", ("a.md", 2, "gone.md")),
    ]
    with scratch_tree(clean) as root:
        expect_none(check(root))
    for path, text, finding in cases:
        with scratch_tree(clean | {path: text}) as root:
            expect(check(root), *finding)


if __name__ == "__main__":
    main(check, self_test)
