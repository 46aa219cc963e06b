"""Every #include in src/ is one that the table of src/README.md allows, and the table agrees with the tree."""

import re

import layers
from lint import Finding, expect, expect_none, files_under, line_of, main, project_files, scratch_tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
TABLE = "src/README.md"
TOP_LEVEL = {"src", "schemas", "docs", "examples", "tests", "systemd"}
TOP_FILES = {"meson.build", "meson_options.txt", "README.md", "NEWS.md", "LICENSE", "build-dev.ini"}


def check_table(rows):
    """Includes only point down, and to directories that exist in the table."""
    for row in rows.values():
        for target in row.directories + [header.split("/")[0] for header in row.headers]:
            if target not in rows:
                yield Finding(TABLE, row.line, f"{row.name}/ may include {target}/, which has no row")
            elif rows[target].level >= row.level:
                yield Finding(
                    TABLE, row.line,
                    f"{row.name}/ (level {row.level}) may include {target}/ (level {rows[target].level}): "
                    "an include points to a lower level only",
                )


def check_tree(repo, rows):
    """Directories, and the top level of the repository, are those of the map."""
    present = {path.name for path in (repo / "src").iterdir() if path.is_dir()}
    for name in sorted(present - set(rows)):
        yield Finding(f"src/{name}", 0, f"is not in the table of {TABLE}: give it a row, with its level")
    for name in sorted(set(rows) - present):
        yield Finding(TABLE, rows[name].line, f"{name}/ does not exist: remove its row")
    for name, is_directory in sorted({(path.split("/")[0], "/" in path) for path in project_files(repo)}):
        if not name.startswith(".") and name not in (TOP_LEVEL if is_directory else TOP_FILES):
            yield Finding(name, 0, "does not belong on the top level: find its place under src, tests, docs or examples")


def check_quoted(rows, row, header):
    """The reason why a directory may not include this header of ours, or None."""
    directory = header.split("/")[0]
    if "/" not in header:
        return f'write the path from src/: "{row.name}/{header}"'
    if directory not in rows:
        return f"{directory}/ is no directory of src/ (foreign headers are included with <>)"
    if directory in (row.name, *row.directories) or header in row.headers:
        return None
    allowed = " ".join(row.directories + row.headers) or "nothing"
    return f'{row.name}/ may not include "{header}", only {allowed}: move the code, or pass the value'


def check_angled(row, header):
    """The reason why a directory may not include this foreign header, or None."""
    for library, (headers, _) in layers.FOREIGN.items():
        matches = any(header == known or (known.endswith("/") and header.startswith(known)) for known in headers)
        if matches and library not in row.foreign:
            return f"<{header}> is not for {row.name}/: use what the owner of {library} in {TABLE} offers"
    return None


def check(repo, _builds=None):
    rows = layers.load(repo)
    findings = [*check_table(rows), *check_tree(repo, rows)]
    for path in files_under(repo, ["src"], {".c", ".h"}):
        directory = path.split("/")[1]
        if directory not in rows:
            continue
        text = (repo / path).read_text()
        for match in INCLUDE.finditer(text):
            row, header = rows[directory], match.group(2)
            reason = check_quoted(rows, row, header) if match.group(1) == '"' else check_angled(row, header)
            if reason:
                findings.append(Finding(path, line_of(text, match.start()), reason))
    return findings


def self_test():
    clean = {TABLE: layers.SAMPLE} | {f"src/{d}/{d}.h": "" for d in ("base", "model", "engine", "act", "daemon")}
    clean["src/act/act.c"] = '#include "engine/engine.h"\n#include <jansson.h>\n#include <stdio.h>\n'

    def findings(**changes):
        with scratch_tree(clean | {path.replace("__", "/") + ".c": text for path, text in changes.items()}) as root:
            return check(root)

    expect_none(findings())
    expect(findings(src__base__x='\n#include "model/model.h"\n'), "src/base/x.c", 2, "may not include")
    expect(findings(src__act__x='#include "engine/docker.h"\n'), "src/act/x.c", 1, "only base model engine/engine.h")
    expect(findings(src__model__x='#include "model.h"\n'), "src/model/x.c", 1, "path from src/")
    expect(findings(src__model__x="#include <sys/inotify.h>\n"), "src/model/x.c", 1, "inotify")
    expect(findings(src__act__x="# include <uv.h>\n"), "src/act/x.c", 1, "uv")
    expect(findings(src__extra__x=""), "src/extra", 0, "not in the table")
    expect(findings(helpers__x=""), "helpers", 0, "top level")
    with scratch_tree(clean | {TABLE: layers.SAMPLE.replace("ground | -", "ground | model")}) as root:
        expect(check(root), TABLE, 4, "lower level")


if __name__ == "__main__":
    main(check, self_test)
