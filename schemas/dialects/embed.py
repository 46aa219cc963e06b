#!/usr/bin/env python3
"""Turns the meta-schemas into a C source file: embed.py OUTPUT FILE..., in the order of enum schema_dialect."""
import json
import pathlib
import sys


def main():
    output, *files = sys.argv[1:]
    out = ["/* Made of schemas/dialects/ by embed.py beside them. */", '#include "manifest/schema_dialects.h"', ""]
    out += ["const char *const schema_dialects[] = {"]
    for file in files:
        text = json.dumps(json.loads(pathlib.Path(file).read_text(encoding="utf-8")), separators=(",", ":"))
        out += [f"    {json.dumps(text)},"]
    out += ["};", ""]
    pathlib.Path(output).write_text("\n".join(out), encoding="utf-8")


main()
