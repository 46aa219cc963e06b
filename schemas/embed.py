#!/usr/bin/env python3
"""Turns JSON Schema files into a C source file: embed.py OUTPUT FILE..."""
import json
import pathlib
import sys


def literal(line):
    return '    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def main():
    output, *files = sys.argv[1:]
    out = ["/* Made of schemas/ by schemas/embed.py. */", '#include "manifest/kind.h"', ""]
    out += ["const char *const kind_names[KIND_SCHEMAS + 1] = {"]
    out += [f'    "{pathlib.Path(file).stem}",' for file in files]
    out += ["    NULL,", "};", "", "const char *const kind_schemas[KIND_SCHEMAS] = {"]
    for file in files:
        text = pathlib.Path(file).read_text(encoding="utf-8")
        json.loads(text)  # a broken schema fails the build
        out += [literal(line) for line in text.splitlines()]
        out[-1] += ","
    out += ["};", ""]
    pathlib.Path(output).write_text("\n".join(out), encoding="utf-8")


main()
