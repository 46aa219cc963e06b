"""Each mutant of tests/sim/mutants finds the text that it changes: once, or it breaks nothing, or the wrong thing."""

import importlib.machinery
import importlib.util

from lint import Finding, expect, expect_none, main, scratch_tree

MUTANTS = "tests/sim/mutants"


def mutants(path):
    loader = importlib.machinery.SourceFileLoader("mutants", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants", loader))
    loader.exec_module(module)
    return module.MUTANTS


def check(repo, _builds=None):
    findings = []
    for name, path, old, _new in mutants(repo / MUTANTS):
        source = repo / "src" / path
        count = source.read_text().count(old) if source.exists() else 0
        if count != 1:
            findings.append(Finding(MUTANTS, 1, f"\"{name}\": src/{path} has {count} times {old!r}"))
    return findings


def self_test():
    for text, expected in (("a\nb\n", None), ("b\n", "0 times"), ("a\na\n", "2 times")):
        files = {"src/plan/a.c": text, MUTANTS: 'MUTANTS = [("a rule", "plan/a.c", "a\\n", "")]\n'}
        with scratch_tree(files) as root:
            expect(check(root), MUTANTS, 1, expected) if expected else expect_none(check(root))


if __name__ == "__main__":
    main(check, self_test)
