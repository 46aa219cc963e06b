"""The Docker Engine API as tests need it: over a unix socket, with nothing but the standard library."""

import http.client
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import urllib.parse
from pathlib import Path

# Only what will never answer is waited for so long; an engine on a busy disk is slow.
PATIENCE_SECONDS = 180
BUSYBOX = "/bin/busybox"
# A shell that ends at once when told to: as process 1, httpd itself would ignore the signal until it is killed.
SERVE = ("/bin/sh", "-c", "trap 'exit 0' TERM; httpd -f -p ${PORT:-80} -h /www & wait $!")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout=PATIENCE_SECONDS):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class EngineError(Exception):
    """The engine answered with an error; .status is the HTTP status."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class NotFound(EngineError, LookupError):
    """What was listed may be gone when it is looked at."""


class EngineApi:
    """Requests to one engine. Every request has a connection of its own, so threads may share this."""

    def __init__(self, path, timeout=PATIENCE_SECONDS):
        self.path, self.timeout = str(path), timeout

    def request(self, method, path, body=None, query=None, raw=None):
        """Returns the JSON (or text) of the answer; body is sent as JSON, raw as it is."""
        content = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        kind = "application/x-tar" if raw is not None else "application/json"
        connection = UnixConnection(self.path, self.timeout)
        try:
            connection.request(
                method, path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else ""), content,
                {"Content-Type": kind} if content is not None else {},
            )
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status >= 400:
            raise (NotFound if answer.status == 404 else EngineError)(answer.status, text.strip())
        return json.loads(text) if "json" in answer.getheader("Content-Type", "") and text.count("\n") < 2 else text

    def get(self, path, **query):
        return self.request("GET", path, query=query)

    def post(self, path, body=None, **query):
        return self.request("POST", path, body, query)

    def delete(self, path, **query):
        return self.request("DELETE", path, query=query)

    def containers(self, **labels):
        """All containers, stopped ones too, that carry these labels (dots written as __)."""
        wanted = [f"{name.replace('__', '.')}={value}" for name, value in labels.items()]
        return self.get("/containers/json", all=1, filters=json.dumps({"label": wanted}))

    def run(self, image, command=None, name=None, **config):
        """Creates and starts a container; returns its id."""
        body = {"Image": image, **({"Cmd": command} if command else {}), **config}
        created = self.request("POST", "/containers/create", body, {"name": name} if name else None)
        self.post(f"/containers/{created['Id']}/start")
        return created["Id"]

    def import_image(self, reference, files=None, command=SERVE):
        """Makes an image of busybox and these files ({path: text}), with no registry; returns its id.

        The command serves /www on port 80, or the one in the variable PORT.
        """
        repository, _, tag = reference.partition(":")
        changes = [f"CMD {json.dumps(list(command))}", "ENV PATH=/bin"]
        query = {"fromSrc": "-", "repo": repository, "tag": tag or "latest", "changes": changes}
        self.request("POST", "/images/create", None, query, raw=root_filesystem(files or {}))
        return self.get(f"/images/{reference}/json")["Id"]

    def clean(self):
        """Removes all containers, own networks and volumes; images stay."""
        for container in self.get("/containers/json", all=1):
            self.remove_quietly(f"/containers/{container['Id']}", force=1, v=1)
        for network in self.get("/networks"):
            if network["Name"] not in ("bridge", "host", "none", "podman"):
                self.remove_quietly(f"/networks/{network['Id']}")
        for volume in self.get("/volumes").get("Volumes") or []:
            self.remove_quietly(f"/volumes/{volume['Name']}", force=1)

    def images(self):
        """{id: names} of all images."""
        return {image["Id"]: image["RepoTags"] or [] for image in self.get("/images/json")}

    def remove_images(self, kept):
        """Removes all images but these ({id: names}), which lose other names than those."""
        for image, names in self.images().items():
            for name in [name for name in names if name not in kept[image]] if image in kept else [image]:
                self.remove_quietly(f"/images/{name}", force=1)

    def remove_quietly(self, path, **query):
        try:
            self.delete(path, **query)
        except EngineError as error:
            if error.status not in (403, 404, 409):  # gone, or in use again by a daemon that still runs
                raise


def root_filesystem(files):
    """A tar of a root file system: busybox with a link for each applet, and the given files."""
    output = io.BytesIO()
    applets = subprocess.run([BUSYBOX, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    defaults = {"www/index.html": "demo\n", "etc/passwd": "root:x:0:0:root:/:/bin/sh\n"}
    with tarfile.open(fileobj=output, mode="w") as tar:
        for directory in ("bin", "etc", "tmp", "www"):
            add(tar, directory, tarfile.DIRTYPE, mode=0o1777 if directory == "tmp" else 0o755)
        add(tar, "bin/busybox", content=Path(BUSYBOX).read_bytes(), mode=0o755)
        for applet in applets:
            if applet != "busybox":
                add(tar, f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        for path, text in {**defaults, **{path.lstrip("/"): text for path, text in files.items()}}.items():
            add(tar, path, content=text.encode())
    return output.getvalue()


def add(tar, name, kind=tarfile.REGTYPE, content=b"", link="", mode=0o644):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode, member.size = kind, link, mode, len(content)
    tar.addfile(member, io.BytesIO(content))


def answers(path, timeout=2):
    """Whether an engine answers on this socket."""
    try:
        EngineApi(path, timeout).get("/version")
        return True
    except (OSError, http.client.HTTPException, EngineError):
        return False


def missing_tools(*tools):
    """The reason why a private engine cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [tool for tool in tools if not shutil.which(tool)]
    return f"not installed: {' '.join(missing)}" if missing else None
