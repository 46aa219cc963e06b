"""davit diff between two commits: without daemon, engine and network."""

import json
import os
import subprocess

import pytest
import yaml

from support.davit import built_binary

HEALTH = {"command": ["CMD-SHELL", "true"]}


def manifest(name, image, count=2, container=None, definition=None, **service):
    container = {"name": name, "image": image, "memory": 64, "healthCheck": HEALTH, **(container or {})}
    documents = [{"kind": "TaskDefinition", "family": name, "containerDefinitions": [container], **(definition or {})},
                 {"kind": "Service", "serviceName": name, "cluster": "demo", "taskDefinition": name, "desiredCount": count, **service}]
    return yaml.safe_dump_all(documents, sort_keys=False)


@pytest.fixture
def diff(repo):
    def run(*arguments, form="text"):
        return subprocess.run([built_binary(), "diff", "--repo", repo.directory, "-o", form, *arguments], text=True, capture_output=True,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    repo.commit("cluster", {"cluster.yaml": "kind: Cluster\nclusterName: demo\n"})
    return run


def answer(diff, *arguments):
    process = diff(*arguments, form="json")
    assert process.returncode in (0, 1), process.stderr
    return json.loads(process.stdout)


def test_what_becomes_of_tasks(repo, diff):
    bounds = {"minimumHealthyPercent": 50, "maximumPercent": 100}
    repo.commit("one", {
        "web.yaml": manifest("web", "web:1", 4, deploymentConfiguration=bounds),
        "db.yaml": manifest("db", "db:1", 1, deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 100}),
        "port.yaml": manifest("port", "port:1", 1, {"portMappings": [{"containerPort": 80, "hostPort": 8080}]}),
        "agent.yaml": manifest("agent", "agent:1", schedulingStrategy="DAEMON").replace("desiredCount: 2\n", ""),
        "free.yaml": manifest("free", "free:1").replace("desiredCount: 2\n", ""),
        "old.yaml": manifest("old", "old:1", 3), "note.yaml": manifest("note", "note:1"),
        "scale.yaml": manifest("scale", "scale:1"), "idle.yaml": manifest("idle", "idle:1"),
    })
    repo.commit("two", {
        "web.yaml": manifest("web", "web:2", 4, deploymentConfiguration=bounds, davit={"dependsOn": [{"service": "db"}, {"service": "idle"}]}),
        "db.yaml": manifest("db", "db:2", 1, deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 100}),
        "port.yaml": manifest("port", "port:2", 1, {"portMappings": [{"containerPort": 80, "hostPort": 8080}]}),
        "agent.yaml": manifest("agent", "agent:2", schedulingStrategy="DAEMON").replace("desiredCount: 2\n", ""),
        "free.yaml": manifest("free", "free:2", container={"healthCheck": None}).replace("desiredCount: 2\n", "").replace("  healthCheck: null\n", ""),
        "old.yaml": None, "note.yaml": "# why\n" + manifest("note", "note:1"),
        "scale.yaml": manifest("scale", "scale:1", 5), "new.yaml": manifest("new", "new:1", davit={"suspend": True}),
    })
    found = answer(diff, "HEAD~1", "HEAD")
    of = {difference["service"]: difference for difference in found["differences"]}
    assert of["web"]["tasks"] == {"before": 4, "after": 4, "starts": 4, "stops": 4, "rounds": 2, "atOnce": 2, "minimumHealthy": 2, "maximum": 4}
    assert of["web"]["downtime"] == {"expected": "none", "reasons": []} and of["web"]["dependsOn"] == ["demo/db"]
    assert of["db"]["downtime"]["expected"] == "certain"
    assert of["port"]["needs"] == ["an instance more, where host port 8080 is free"]
    assert of["agent"]["schedulingStrategy"] == "DAEMON" and "tasks" not in of["agent"] and of["agent"]["downtime"]["expected"] == "certain"
    assert "tasks" not in of["free"]
    assert of["old"]["tasks"] == {"before": 3, "after": 0, "starts": 0, "stops": 3}
    assert of["scale"]["change"] == "update" and of["scale"]["tasks"]["starts"] == 3 and "downtime" not in of["scale"]
    assert of["new"]["suspended"] is True
    assert found["unchanged"] == ["demo/note"] and "idle" not in of
    assert found["summary"] == {"create": 1, "deploy": 5, "update": 1, "rename": 0, "remove": 1, "leave": 0, "clusters": 0,
                                "scheduledTasks": 0, "tasksStart": 4 + 1 + 1 + 3 + 2, "tasksStop": 4 + 1 + 1 + 3, "uncounted": 2}
    text = diff("HEAD~1", "HEAD")
    assert text.returncode == 1
    assert "  4 tasks in 2 rounds, 2 at a time; at least 2 of 4 healthy, at most 4 at once\n  without downtime\n" in text.stdout
    assert "demo/note: only comments, order or formatting changed: nothing happens\n" in text.stdout
    comment = diff("HEAD~1", "HEAD", form="markdown")
    assert comment.returncode == 1 and comment.stdout.startswith("### davit: what this deploys\n")
    assert "| `web` | new deployment | `container \"web\" image` `web:1` → `web:2`<br>" in comment.stdout
    assert " | waits until healthy: demo/db<br>4 tasks in 2 rounds, 2 at a time" in comment.stdout
    same = diff("HEAD", "HEAD", form="markdown")
    assert same.returncode == 0 and "**No differences**" in same.stdout


def test_no_health_check_is_no_promise(repo, diff):
    repo.commit("one", {"web.yaml": manifest("web", "web:1").replace("    - true\n", "")})
    plain = {"kind": "TaskDefinition", "family": "api", "containerDefinitions": [{"name": "api", "image": "api:1", "memory": 64}]}
    service = {"kind": "Service", "serviceName": "api", "cluster": "demo", "taskDefinition": "api", "desiredCount": 1}
    repo.commit("two", {"web.yaml": None, "api.yaml": yaml.safe_dump_all([plain, service])})
    plain["containerDefinitions"][0]["image"] = "api:2"
    repo.commit("three", {"api.yaml": yaml.safe_dump_all([plain, service])})
    (difference,) = answer(diff, "HEAD~1..HEAD")["differences"]
    assert difference["downtime"] == {"expected": "possible", "reasons": [
        'container "api" has no healthCheck: it counts as healthy 10s after its start']}


def test_where_room_is_short(repo, diff):
    """A lower bound of 0 takes all tasks away where nothing else helps; between two that are equal nothing goes on."""
    port = {"portMappings": [{"containerPort": 80, "hostPort": 8080}]}
    sidecar = [{"name": "helper", "image": "helper:1", "memory": 64, "essential": False}]

    def commit(subject, tag):
        definitions = yaml.safe_load_all(manifest("side", f"a:{tag}"))
        definition, service = definitions
        definition["containerDefinitions"] += sidecar
        repo.commit(subject, {
            "room.yaml": manifest("room", f"a:{tag}", deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 200}),
            "port.yaml": manifest("port", f"a:{tag}", 1, port, deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 200}),
            "stuck.yaml": manifest("stuck", f"a:{tag}", deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 100}),
            "side.yaml": yaml.safe_dump_all([definition, service])})

    repo.commit("kept", {"kept.yaml": manifest("kept", "a:1", davit={"prune": "disabled"})})
    commit("one", 1)
    repo.write("kept.yaml", None)
    commit("two", 2)
    of = {difference["service"]: difference for difference in answer(diff, "HEAD~1", "HEAD")["differences"]}
    assert of["room"]["downtime"] == {"expected": "possible", "reasons": [
        "minimumHealthyPercent 0: where instances lack room, all tasks stop first"]}
    assert of["port"]["downtime"]["reasons"] == ["minimumHealthyPercent 0: where instances lack room or the host port, all tasks stop first"]
    assert not any("needs" in difference for difference in of.values())
    assert of["stuck"]["tasks"]["stuck"] and "downtime" not in of["stuck"]
    assert of["side"]["downtime"] == {"expected": "none", "reasons": []}  # a sidecar may be ill
    assert of["kept"]["change"] == "leave" and "tasks" not in of["kept"]


def test_the_budget_and_secrets(repo, diff):
    secret = {"environment": [{"name": "PASSWORD", "value": "hunter2"}]}
    repo.commit("many", {f"s{n}.yaml": manifest(f"s{n}", "a:1", container=secret) for n in range(6)})
    secret["environment"][0]["value"] = "hunter3"
    repo.commit("few", {**{f"s{n}.yaml": None for n in range(5)}, "s5.yaml": manifest("s5", "a:1", container=secret)})
    for form in ("text", "json", "yaml", "markdown"):
        process = diff("HEAD~1", "HEAD", form=form)
        assert process.returncode == 1 and "removes 5 of 6 services" in process.stdout
        assert "PASSWORD" in process.stdout and "hunter" not in process.stdout + process.stderr
    assert "> **Held** by the deletion budget: the commit" in diff("HEAD~1", "HEAD", form="markdown").stdout


def test_what_cannot_be_computed_says_so_in_every_format(repo, diff):
    repo.commit("good", {"web.yaml": manifest("web", "web:1")})
    repo.commit("bad", {"web.yaml": manifest("web", "web:1").replace("family", "famly")})
    for arguments, reason in ((("HEAD~1", "HEAD"), "famly"), (("HEAD~1", "nowhere"), "nowhere"), (("nowhere", "HEAD~1"), "nowhere"),
                              (("nowhere..HEAD",), "nowhere"), (("--path", "missing", "HEAD~1", "HEAD"), "missing")):
        for form in ("text", "json", "yaml", "markdown"):
            process = diff(*arguments, form=form)
            assert process.returncode == 2 and reason in process.stderr, (arguments, form, process)
            if form == "text":
                assert not process.stdout
            elif form == "markdown":
                assert process.stdout.startswith("### davit: the diff could not be computed\n") and reason in process.stdout
            else:
                said = yaml.safe_load(process.stdout)
                assert said["error"] and said["revision"] in " ".join(arguments) and "differences" not in said
    assert json.loads(diff("HEAD~1", "HEAD", form="json").stdout)["diagnostics"]["errors"] > 0
    unreachable = diff("--socket", "/nonexistent/un.sock", form="markdown")
    assert unreachable.returncode == 2 and "could not be computed" in unreachable.stdout


def test_a_base_that_is_none(repo, diff):
    """The first manifests, and the mending of a branch that is broken: davit runs what the last good commit says."""
    changes = lambda form: diff("--path", "deploy", "HEAD~1", "HEAD", form=form)
    repo.commit("only words", {"deploy/README": "words"})
    repo.commit("first", {"deploy/web.yaml": manifest("web", "web:1"), "deploy/cluster.yaml": "kind: Cluster\nclusterName: demo\n"})
    for base in ("HEAD~1", "HEAD~2"):  # without manifests, and without the directory
        process = diff("--path", "deploy", base, "HEAD")
        assert process.returncode == 1 and "demo/web: new service" in process.stdout, process
        assert "no good commit before it" in process.stderr
        assert "from" not in json.loads(diff("--path", "deploy", base, "HEAD", form="json").stdout)
    repo.commit("broken", {"deploy/web.yaml": manifest("web", "web:1").replace("family", "famly")})
    repo.commit("still", {"deploy/web.yaml": manifest("web", "web:2").replace("family", "famly")})
    repo.commit("mended", {"deploy/web.yaml": manifest("web", "web:3")})
    process = changes("text")
    assert process.returncode == 1 and "web:1 -> web:3" in process.stdout, process
    assert "famly" in process.stderr and "(first) instead, the last good commit before it" in process.stderr
    said = json.loads(changes("json").stdout)
    assert said["from"]["subject"] == "first" and said["insteadOf"]["revision"] == "HEAD~1"
    assert said["insteadOf"]["diagnostics"]["errors"] > 0 and "error" not in said
    comment = changes("markdown").stdout
    assert "From `" in comment and "`first`" in comment and "the last good commit before it\n\n- `web.yaml:" in comment
    for i in range(40):
        repo.commit(f"broken {i}", {"deploy/web.yaml": f"nonsense: {i}\n"})
    repo.commit("mended at last", {"deploy/web.yaml": manifest("web", "web:4")})
    process = changes("text")
    assert process.returncode == 2 and "HEAD~1 is not valid" in process.stderr, process


# Commits of every kind that reading only what differs has to get right.
ENVIRONMENT = "extends: [../base]\nvariables: {TAG: '%s'}\n"
STORY = [
    {"base/web.yaml": manifest("web", "web:${TAG}"), "base/davit.yaml": "variables: {TAG: '0'}\n", "prod/davit.yaml": ENVIRONMENT % 1,
     "prod/db.yaml": manifest("db", "db:1"), "prod/cluster.yaml": "kind: Cluster\nclusterName: demo\n"},
    {"prod/davit.yaml": ENVIRONMENT % 2},
    {"base/web.yaml": manifest("web", "web:${TAG}-b", 3), "base/api.yaml": manifest("api", "api:1")},
    {"prod/db.yaml": None, "prod/cluster.yaml": "# all\nkind: Cluster\nclusterName: demo\n"},
    {"config/app.conf": "a", "prod/db.yaml": manifest("db", "db:1", container={"davit": {"files": [
        {"source": "../config/app.conf", "target": "/etc/app.conf"}]}})},
    {"config/app.conf": "b", "base/api.yaml": "# only a comment\n" + manifest("api", "api:1")},
    {"base/api.yaml": None, "other/api.yaml": manifest("api", "api:2"), "prod/davit.yaml": ENVIRONMENT.replace("base]", "base, ../other]") % 2},
    {"base/web.yaml": manifest("web", "web:1"), "base/davit.yaml": "variables: {TAG: '0'}\npatches: []\n"},
    {"prod/davit.yaml": "# alone\nvariables: {}\n"},
]


def test_reading_only_what_differs_finds_the_same(repo, diff, tmp_path):
    """The same history with a service that names a revision by number, for which each commit is read whole."""
    pinned = {"prod/zz.yaml": manifest("zz", "zz:1").replace("taskDefinition: zz\n", "taskDefinition: zz:1\n")}
    repo.git("checkout", "--quiet", "--orphan", "plain")
    commits = {"plain": [repo.commit(f"plain {n}", files) for n, files in enumerate(STORY)]}
    repo.git("checkout", "--quiet", "--orphan", "pinned")
    repo.git("rm", "-r", "--quiet", "--force", ".")
    commits["pinned"] = [repo.commit(f"pinned {n}", {**files, **(pinned if n == 0 else {})}) for n, files in enumerate(STORY)]
    some = 0
    for i in range(len(STORY)):
        for j in range(len(STORY)):
            found = [answer(diff, "--path", "prod", line[i], line[j]) for line in commits.values()]
            for member in ("differences", "unchanged", "summary"):
                assert found[0][member] == found[1][member], (i, j, member)
            some += len(found[0]["differences"])
    assert some > 100
    assert answer(diff, "--path", "prod", commits["plain"][4], commits["plain"][5])["unchanged"] == ["demo/api"]


def test_a_number_means_the_one_of_its_own_history(repo, diff):
    """web:2 is another content on either line, so that both are read whole."""
    def pin(image, number):
        return manifest("web", image).replace("taskDefinition: web\n", f"taskDefinition: web:{number}\n")
    repo.commit("one", {"web.yaml": pin("web:1", 1)})
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit("side two", {"web.yaml": pin("web:side", 2)})
    repo.git("checkout", "--quiet", "main")
    repo.commit("two", {"web.yaml": pin("web:main", 2)})
    repo.commit("three", {"web.yaml": pin("web:three", 2)})
    (difference,) = answer(diff, "side", "main")["differences"]
    assert {"what": 'container "web" image', "from": "web:side", "to": "web:main"} in difference["details"]
    assert answer(diff, "main~1", "main")["differences"] == []


def test_a_number_that_would_mean_another_without_its_history(repo, diff):
    def pin(image, number):
        return manifest("web", image).replace("taskDefinition: web\n", f"taskDefinition: web:{number}\n")
    repo.commit("one", {"web.yaml": pin("web:a", 1)})
    repo.commit("two", {"web.yaml": pin("web:b", 1)})
    repo.commit("three", {"web.yaml": pin("web:c", 2)})
    (difference,) = answer(diff, "HEAD~1", "HEAD")["differences"]
    assert {"what": 'container "web" image', "from": "web:a", "to": "web:b"} in difference["details"]


def test_no_secret_of_a_command_is_shown(repo, diff):
    def commands(value):
        return [["sh", "-c", f"curl -H 'Authorization: Bearer {value}' -H 'X-Auth-Token: {value}' https://h"],
                ["sh", "-c", f'curl -H "X-Api-Key: {value}" -H "X-Auth-Token: {value}"'], ["echo", f'"password: {value}" "token: {value}"'],
                ["curl", "-H", f"Authorization:Bearer {value}"], ["curl", "-H", f"X-Api-Key:{value}"],
                ["curl", "-H", f"Authorization: token {value}"], ["curl", "-d", json.dumps({"password": value, "token": value})]]
    for value in ["LEAK1", "LEAK2"]:
        repo.commit("value " + value[-1:], {f"s{i}.yaml": manifest(f"s{i}", "vault-secret:" + value[-1:], container={"command": [*command, "last" + value[-1:]]})
                            for i, command in enumerate(commands(value))})
    for form in ["text", "json", "markdown"]:
        shown = diff("HEAD~1", "HEAD", form=form).stdout
        assert "LEAK" not in shown and shown.count("last2") >= len(commands(""))
    assert diff("HEAD~1", "HEAD").stdout.count("vault-secret:2") >= len(commands(""))
