"""Every header of src/ compiles alone, so that it includes what it uses."""

import re

from lint import Builds, Finding, compile_commands, expect, expect_none, files_under, main, parallel, run, scratch_tree

PLAIN = ["-fsyntax-only", "-fdiagnostics-color=never"]


def flags_of(build):
    """The compiler and the flags of any file of src/, less what is about that file and its output."""
    for command in compile_commands(build):
        arguments = command["arguments"]
        if "/src/" in str(command["file"]):
            kept = [a for a in arguments if a.startswith(("-D", "-I", "-isystem", "-std", "-W", "-f"))]
            compiler = arguments[1] if arguments[0].endswith("ccache") else arguments[0]
            return [compiler, *kept], command["directory"]
    return ["cc", "-std=gnu17"], str(build)


def check(repo, builds):
    flags, directory = flags_of(builds.release)

    def compile_alone(path):
        source = f'#include "{path.removeprefix("src/")}"\n'
        command = [*flags, f"-I{repo}/src", "-Wall", "-Wextra", "-Werror", *PLAIN, "-x", "c", "-"]
        process = run(command, input=source, cwd=directory)
        if process.returncode == 0:
            return None
        error = re.search(r":(\d+):(?:\d+:)? (?:fatal )?error: (.*)", process.stderr)
        line, cause = (int(error.group(1)), error.group(2)) if error else (0, process.stderr.strip())
        return Finding(path, line, f"does not compile alone ({cause}): include what it uses")

    return [finding for finding in parallel(compile_alone, files_under(repo, ["src"], {".h"})) if finding]


def self_test():
    header = "#pragma once\n\n{}void f(size_t n);\n"
    with scratch_tree({"src/base/a.h": header.format("#include <stddef.h>\n"), "compile_commands.json": "[]"}) as root:
        expect_none(check(root, Builds(root)))
        (root / "src/base/b.h").write_text(header.format(""))
        expect(check(root, Builds(root)), "src/base/b.h", 3, "size_t")


if __name__ == "__main__":
    main(check, self_test)
