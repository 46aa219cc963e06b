"""Each library, and each unit test, is linked with what the row of its directory allows, directly or through rows."""

import re

import layers
from binaries import directory_symbols
from check_pure_symbols import build_library
from lint import Builds, Finding, expect, expect_none, main, require, scratch_tree

# Every program may link these.
COMMON = {"libcmocka", "libpthread", "libm", "libdl", "librt", "libc"}


def linked_tests(build):
    """Yields (directory, target, link arguments) of the unit tests in build.ninja."""
    text = (build / "build.ninja").read_text().replace("$\n", "")
    pattern = r"^build (tests/unit/(\w+)/[^:\s]+): c_LINKER\S* ([^\n]*)\n((?: [^\n]*\n)*)"
    for match in re.finditer(pattern, text, re.MULTILINE):
        arguments = re.search(r"^ LINK_ARGS = (.*)$", match.group(4), re.MULTILINE)
        yield match.group(2), match.group(1), f"{match.group(3)} {arguments.group(1) if arguments else ''}"


def linked_libraries(arguments):
    """(directories of src/ whose libraries are linked, names of foreign libraries)."""
    ours = set(re.findall(r"(?:^|\s)src/(\w+)/libdavit_\w+\.a", arguments))
    foreign = set(re.findall(r"/(lib\w+?)(?:-[\w.-]+)?\.(?:so|a)\b", re.sub(r"\S*libdavit_\S*", "", arguments)))
    foreign |= {f"lib{name}" for name in re.findall(r"(?:^|\s)-l(\w+)", arguments)}
    return ours, foreign


def check_tests(rows, build):
    for directory, target, arguments in linked_tests(build):
        if directory not in rows:
            continue
        ours, foreign = linked_libraries(arguments)
        where = f"tests/unit/{directory}/meson.build"
        for name in sorted(ours - layers.closure(rows, directory)):
            yield Finding(where, 0, f"{target.split('/')[-1]} links davit_{name}, which {directory}/ may not know")
        allowed = {lib for f in layers.foreign_closure(rows, directory) for lib in layers.FOREIGN[f][1]} | COMMON
        for name in sorted(foreign - allowed):
            yield Finding(where, 0, f"{target.split('/')[-1]} links {name}, which is not for {directory}/")


def check_libraries(rows, found):
    """A static library is not linked, so what counts is where its undefined symbols are defined."""
    owners = {symbol: name for name, (defined, _) in found.items() for symbol in defined}
    for name, (_, undefined) in found.items():
        reachable = layers.closure(rows, name)
        for symbol in sorted(undefined):
            owner = owners.get(symbol)
            if owner and owner not in reachable:
                yield Finding(f"src/{name}", 0, f"uses {symbol}() of {owner}/, which {name}/ may not know")


def check(repo, builds):
    require("nm")
    rows = layers.load(repo)
    found = {name: pair for name, pair in directory_symbols(builds.release).items() if name in rows}
    return [*check_tests(rows, builds.release), *check_libraries(rows, found)]


def self_test():
    require("nm", "gcc", "ar")

    def ninja(libraries):
        target = f"build tests/unit/model/test-x: c_LINKER x.o | {libraries}"
        return f"{target}\n LINK_ARGS = -Wl,-O1 {libraries} -lcmocka\n\n"

    allowed = "src/base/libdavit_base.a /usr/lib/libjansson.so"
    with scratch_tree({"src/README.md": layers.SAMPLE, "build/build.ninja": ninja(allowed)}) as root:
        builds = Builds(root / "build")
        build_library(root, "base", "int base_f(void) { return 1; }\n")
        build_library(root, "model", "int base_f(void); int model_f(void) { return base_f(); }\n")
        expect_none(check(root, builds))
        (root / "build/build.ninja").write_text(ninja(allowed + " src/engine/libdavit_engine.a"))
        expect(check(root, builds), "tests/unit/model/meson.build", 0, "links davit_engine")
        (root / "build/build.ninja").write_text(ninja(allowed + " /usr/lib/libcurl.so"))
        expect(check(root, builds), "tests/unit/model/meson.build", 0, "links libcurl")
        (root / "build/build.ninja").write_text(ninja(allowed))
        build_library(root, "base", "int model_f(void); int base_f(void) { return model_f(); }\n")
        expect(check(root, builds), "src/base", 0, "model_f() of model/")


if __name__ == "__main__":
    main(check, self_test)
