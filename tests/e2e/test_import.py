"""What the other ways into davit write runs as it stands: import docker, import compose, init."""

from support.davit import wait_for
from support.spine import LABEL_OWNER, OWNER

SECOND = 1_000_000_000
MIB = 1024 * 1024
WEB = {
    "Env": ["MODE=a b", "PRICE=5$", "EMPTY="],
    "Labels": {"org.example.team": "blue", "org.example.text": "a: \"b\""},
    "User": "0:0", "WorkingDir": "/www", "Hostname": "front", "OpenStdin": True, "StopTimeout": 3,
    "Cmd": ["/bin/sh", "-c", "echo $MODE > /data/mode; trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait $!"],
    "Healthcheck": {
        "Test": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/ || exit 1"],
        "Interval": 5 * SECOND, "Timeout": 3 * SECOND, "StartPeriod": 2 * SECOND, "Retries": 4,
    },
    "HostConfig": {
        "PortBindings": {"80/tcp": [{"HostPort": "8080"}], "53/udp": [{"HostPort": "5353"}]},
        "Memory": 64 * MIB, "MemoryReservation": 32 * MIB, "CpuShares": 256, "ShmSize": 16 * MIB,
        "Ulimits": [{"Name": "nofile", "Soft": 512, "Hard": 1024}],
        "CapAdd": ["NET_ADMIN"], "CapDrop": ["MKNOD"], "ReadonlyRootfs": True, "Init": True,
        "SecurityOpt": ["no-new-privileges"], "Sysctls": {"net.core.somaxconn": "256"},
        "ExtraHosts": ["other.example.org:10.9.8.7"], "Dns": ["10.9.8.1"], "DnsSearch": ["example.org"],
        "Tmpfs": {"/scratch": "size=8m,mode=1777"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "rw"}],
        "RestartPolicy": {"Name": "always"},
    },
}
CONFIG = ("Entrypoint", "Cmd", "User", "WorkingDir", "Hostname", "OpenStdin", "Tty", "StopTimeout")
HOST = ("PortBindings", "Memory", "MemoryReservation", "CpuShares", "ShmSize", "Ulimits", "CapAdd", "CapDrop",
        "ReadonlyRootfs", "Init", "Privileged", "SecurityOpt", "Sysctls", "ExtraHosts", "Dns", "DnsSearch", "LogConfig",
        "NetworkMode", "IpcMode")


def essence(inspected):
    """What a container is, in values that two containers of the same content share."""
    config, host = inspected["Config"], inspected["HostConfig"]
    named_by_engine = inspected["Id"].startswith(config["Hostname"])
    bindings = {port: [(one.get("HostPort"), one.get("HostIp") or "0.0.0.0") for one in to or []]
                for port, to in (host["PortBindings"] or {}).items()}
    ours = ("davit.", "com.amazonaws.ecs.")
    return {
        **{member: config.get(member) for member in CONFIG}, **{member: host.get(member) for member in HOST},
        "PortBindings": bindings, "NetworkMode": host["NetworkMode"].replace("default", "bridge"),
        "Hostname": None if named_by_engine else config["Hostname"],
        "CpuShares": host["CpuShares"] or 2,  # ECS's least, where nothing is said
        "Healthcheck": {name: value for name, value in (config.get("Healthcheck") or {}).items() if value},
        "Env": sorted(config["Env"]),
        "Labels": {name: value for name, value in config["Labels"].items() if not name.startswith(ours)},
        "Tmpfs": {path: sorted(options.split(",")) for path, options in (host.get("Tmpfs") or {}).items()},
        "Devices": [sorted(one.items()) for one in host["Devices"] or []],
        "Mounts": sorted((one["Type"], one.get("Name") or one["Source"], one["Destination"], one["RW"])
                         for one in inspected["Mounts"]),
    }


def deployed(spine):
    """The containers of davit, inspected, by their names in the task definition."""
    found = {}
    for one in spine.engine.api.containers(**{LABEL_OWNER: OWNER}):
        found[one["Labels"]["com.amazonaws.ecs.container-name"]] = spine.engine.api.get(f"/containers/{one['Id']}/json")
    return found


def inspect(api):
    return lambda container: api.get(f"/containers/{container}/json")


def differences(left, right):
    return {name: (left[name], right[name]) for name in left if left[name] != right[name]}


def test_import_docker(spine, demo_image, tmp_path):
    """Containers that were started by hand, and what davit makes of their manifests, are alike."""
    (tmp_path / "settings").mkdir()
    api = spine.engine.api
    web = {**WEB, "HostConfig": {**WEB["HostConfig"], "Binds": ["stuff:/data", f"{tmp_path}/settings:/settings:ro"]}}
    api.run(demo_image, name="web", **web)
    api.run(demo_image, name="plain")
    before = {name: essence(api.get(f"/containers/{name}/json")) for name in ("web", "plain")}
    process = spine.daemon.run("import", "docker", "--engine", f"unix://{spine.engine.socket}", "--name", "default",
                               "--directory", spine.repo.directory, "web", "plain")
    assert process.returncode == 0 and not process.stdout, process.stderr
    assert spine.daemon.run("validate", spine.repo.directory).returncode == 0
    for name in before:
        api.delete(f"/containers/{name}", force=1)
    spine.repo.commit("as it ran")
    spine.start()
    spine.converge()
    after = {name: essence(one) for name, one in deployed(spine).items()}
    assert set(after) == set(before)
    for name in before:
        assert not differences(before[name], after[name]), process.stderr
    assert spine.engine.http_get("127.0.0.1", 8080)[1] == b"demo\n"


def test_import_compose(spine, demo_image, tmp_path):
    """A project with variables, .env, depends_on and names: validated, applied, and its parts find each other."""
    project = tmp_path / "project"
    project.mkdir()
    (project / ".env").write_text("# of this machine\nWEB_PORT=8081\nGREETING='from .env'\n")
    (project / "compose.yaml").write_text(f"""
name: default
services:
  web:
    image: ${{IMAGE:-{demo_image}}}
    depends_on: {{db: {{condition: service_healthy}}}}
    command: ["sh", "-c", "wget -q -O /www/index.html http://db/ && exec httpd -f -p 80 -h /www"]
    ports: ["${{WEB_PORT:-9999}}:80"]
    environment: {{GREETING: $GREETING}}
  db:
    image: {demo_image}
    command: ["sh", "-c", "echo of the database > /www/index.html; exec httpd -f -p 80 -h /www"]
    healthcheck: {{test: wget -q -O /dev/null http://127.0.0.1/, interval: 5s, timeout: 2s}}
""")
    process = spine.daemon.run("import", "compose", project / "compose.yaml", "--directory", spine.repo.directory)
    assert process.returncode == 0 and "warning" not in process.stderr, process.stderr
    assert spine.daemon.run("validate", spine.repo.directory).returncode == 0
    spine.repo.commit("the project")
    process = spine.daemon.run("apply", "--config", spine.daemon.config, timeout=180)
    assert process.returncode == 0, process.stderr
    containers = deployed(spine)
    assert set(containers) == {"web", "db"}
    assert containers["db"]["State"]["StartedAt"] < containers["web"]["State"]["StartedAt"]
    assert "GREETING=from .env" in containers["web"]["Config"]["Env"]
    wait_for(lambda: spine.text(8081) == "of the database", 20, "web has asked db")


def test_init(spine):
    """The starter repository is valid as it stands, and what it says to do next brings its service up."""
    api = spine.engine.api
    repository = spine.repo.directory
    process = spine.daemon.run("init", repository)
    assert process.returncode == 0 and "davit validate" in process.stderr, process.stderr
    process = spine.daemon.run("validate", repository)
    assert process.returncode == 0 and not process.stdout, process.stdout
    spine.repo.commit("web: first version")
    api.import_image("nginx:1.27-alpine")
    spine.start()
    process = spine.daemon.run("wait", "demo/web", "--timeout", "180s", timeout=240)
    assert process.returncode == 0, process.stderr
    assert spine.texts() == ["demo", "demo"]
    running = [one["State"]["Health"]["Status"] for one in map(inspect(api), spine.ids())]
    assert running == ["healthy", "healthy"]
