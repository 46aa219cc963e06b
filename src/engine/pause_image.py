#!/usr/bin/env python3
"""Wraps the pause program into an image as `docker save` writes one, in a C source file: pause_image.py OUTPUT ARCH PROGRAM.

Equal programs give equal bytes: no times, no owners, names from the content."""
import hashlib
import io
import json
import pathlib
import sys
import tarfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # meson's names, Docker's names
NOBODY = "65534:65534"


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, mode in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def json_of(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def image_of(program, architecture):
    """(name, archive) of the image."""
    layer = tar_of([("pause", program, 0o555)])
    layer_id = hashlib.sha256(layer).hexdigest()
    never = "1970-01-01T00:00:00Z"
    config = json_of({
        "architecture": architecture, "os": "linux", "created": never,
        "config": {"Entrypoint": ["/pause"], "User": NOBODY, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + layer_id]},
        "history": [{"created": never, "created_by": "davit"}],
    })
    config_id = hashlib.sha256(config).hexdigest()
    name = f"localhost/davit-pause:{config_id[:12]}"
    manifest = json_of([{"Config": config_id + ".json", "RepoTags": [name], "Layers": [layer_id + "/layer.tar"]}])
    members = [(config_id + ".json", config), (layer_id + "/layer.tar", layer), ("manifest.json", manifest)]
    return name, tar_of([(path, content, 0o444) for path, content in members])


def main():
    output, cpu, program = sys.argv[1:]
    name, archive = image_of(pathlib.Path(program).read_bytes(), ARCHITECTURES[cpu])
    out = ["/* Made of pause.c by pause_image.py. */", '#include "engine/pause_image.h"', ""]
    out += ["static const unsigned char tar[] = {"]
    out += ["    " + "".join(f"{byte}," for byte in archive[at:at + 32]) for at in range(0, len(archive), 32)]
    out += ["};", "", "const struct engine_archive pause_image = {", f'    "{name}", tar, sizeof tar', "};", ""]
    pathlib.Path(output).write_text("\n".join(out), encoding="ascii")


main()
