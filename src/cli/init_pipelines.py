#!/usr/bin/env python3
"""Turns the pipelines of examples/ci into a C source file, as they are: init_pipelines.py OUTPUT NAME FILE [NAME FILE]..."""
import pathlib
import sys


def literal(line):
    return '    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def main():
    output, *pairs = sys.argv[1:]
    out = ["/* Made of examples/ci by init_pipelines.py. */", '#include "cli/init_files.h"', ""]
    for name, file in zip(pairs[::2], pairs[1::2]):
        lines = pathlib.Path(file).read_text(encoding="utf-8").splitlines()
        out += [f"const char init_pipeline_{name}[] =", *map(literal, lines)]
        out[-1] += ";"
        out.append("")
    pathlib.Path(output).write_text("\n".join(out), encoding="utf-8")


main()
