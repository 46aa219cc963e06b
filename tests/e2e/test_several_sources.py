"""Two repositories, one daemon: each deploys, neither gets into the way of the other."""

import shutil

import pytest

from support.davit import PATIENCE, wait_for
from support.repo import IDENTITY, Repo
from support.spine import Spine, definition, service
from support.standing import IMAGE

CLUSTER = {"kind": "Cluster", "clusterName": "shared"}


def files(name, message="one", count=1, **more):
    return {f"{name}.json": definition(IMAGE, message, family=name),
            f"{name}-service.json": service(count, name=name, family=name, cluster="shared", **more)}


class Pair:
    """Source `infra` has the cluster and service api; `shop` has service web in it."""

    def __init__(self, davit, engine, directory, allow=None, **config):
        self.infra, self.shop = Repo(directory / "infra"), Repo(directory / "shop")
        self.directory = directory
        self.infra.commit("api: first", {"cluster.json": CLUSTER, **files("api")})
        self.shop.commit("web: first", files("web"))
        self.sources = [{"name": "infra", "origin": str(self.infra.directory)},
                        {"name": "shop", "origin": str(self.shop.directory), **({"allow": allow} if allow else {})}]
        self.spine = Spine(davit, self.infra, engine, source=None, sources=self.sources, **config)
        self.configure(self.sources)

    def configure(self, sources, **more):
        config = {**self.spine.directory_config, "sources": sources, **more,
                  "stateDirectory": str(self.daemon.directory / "state"),
                  "socket": str(self.daemon.directory / "davit.sock")}
        self.daemon.configure({key: value for key, value in config.items() if value is not None})

    @property
    def daemon(self):
        return self.spine.daemon

    def source(self, name):
        return next((one for one in self.daemon.json("status")["sources"] if one["name"] == name), None)

    def service(self, name):
        return next(one for one in self.daemon.json("status")["services"] if one["name"] == name)

    def wait(self, *targets):
        process = self.spine.wait(*targets)
        assert process.returncode == 0, process.stdout + process.stderr

    def converge(self):
        for repo in (self.infra, self.shop):
            self.spine.seen(repo.head())
        self.wait()

    def settled(self, name, state):
        return wait_for(lambda: self.source(name).get("refused") is (state == "refused") and
                        bool(self.source(name).get("held")) is (state == "held"), 20, f"{name} is {state}")

    def ids(self, name):
        return sorted(one["Id"] for one in self.spine.containers() if one["Labels"]["davit.service"] == name)

    def commits(self, name):
        return {one["Labels"]["davit.commit"] for one in self.spine.containers() if one["Labels"]["davit.service"] == name}


@pytest.fixture
def pair(davit, docker, tmp_path):
    pair = Pair(davit, docker, tmp_path)
    pair.spine.start()
    pair.converge()
    return pair


def refusal(pair, name):
    pair.settled(name, "refused")
    return pair.daemon.run("status").stdout


def test_each_has_its_own_commits(pair):
    assert pair.commits("api") == {pair.infra.head()} and pair.commits("web") == {pair.shop.head()}
    api = pair.ids("api")
    second = pair.shop.commit("web: second", files("web", "two"))
    pair.spine.seen(second)
    pair.wait("shared/web")
    assert pair.commits("web") == {second} and pair.ids("api") == api
    history = pair.daemon.json("history", "shared/web")["deployments"]
    assert [one["commit"]["oid"] for one in history] == [second, pair.shop.git("rev-parse", "HEAD~1")]
    status = pair.daemon.run("status").stdout
    assert "source     infra  " in status and "source     shop  " in status
    assert pair.source("shop")["wanted"]["oid"] == second
    assert pair.source("infra")["wanted"]["oid"] == pair.infra.head()


def test_a_conflict_is_refused_with_both_places(pair):
    api, web = pair.ids("api"), pair.ids("web")
    pair.shop.commit("api as well", files("api", "theirs"))
    status = refusal(pair, "shop")
    assert "api-service.json:1:1: error: service shared/api is defined in source infra already "\
           "(api-service.json:1:1 there)" in status, status
    assert "api.json:1:1: error: task definition api is defined in source infra already" in status, status
    assert (pair.ids("api"), pair.ids("web")) == (api, web)
    moved = pair.infra.commit("api has moved", {"api.json": None, "api-service.json": None,
                                                "other.json": definition(IMAGE, family="other")})
    pair.spine.seen(moved)
    pair.settled("shop", "accepted")
    pair.wait()
    assert pair.service("api")["source"] == "shop" and len(pair.ids("api")) == 1


def test_a_service_moves_without_a_restart(pair):
    api = pair.ids("api")
    pair.shop.commit("api as well", files("api"))
    refusal(pair, "shop")
    pair.spine.seen(pair.infra.commit("api has moved", {"api.json": None, "api-service.json": None,
                                                        "other.json": definition(IMAGE, family="other")}))
    pair.settled("shop", "accepted")
    pair.wait()
    assert pair.ids("api") == api and pair.service("api")["source"] == "shop"
    pair.daemon.kill()
    shutil.move(pair.shop.directory, pair.directory / "away")
    pair.spine.start()
    wait_for(lambda: pair.source("infra")["rolloutState"] == "COMPLETED", 20, "infra is deployed")
    assert pair.ids("api") == api  # it is known whose it is


def test_a_source_outside_of_its_allowance_is_refused(davit, docker, tmp_path):
    pair = Pair(davit, docker, tmp_path, allow={"clusters": ["shared"], "services": ["web*"]})
    pair.spine.start()
    pair.converge()
    web = pair.ids("web")
    pair.shop.commit("more than allowed", {**files("web", "two"), **files("admin"),
                                           "elsewhere.json": service(1, name="web", family="web")})
    status = refusal(pair, "shop")
    assert "admin-service.json:1:1: error: service shared/admin is outside of what this source may define" in status
    assert "elsewhere.json:1:1: error: service default/web is outside" in status
    assert pair.ids("web") == web and not pair.ids("admin")
    pair.spine.seen(pair.shop.commit("a cluster", {"admin.json": None, "admin-service.json": None,
                                                   "elsewhere.json": {"kind": "Cluster", "clusterName": "mine"}}))
    assert "cluster mine is outside" in refusal(pair, "shop")
    pair.spine.seen(pair.shop.commit("only its own", {"elsewhere.json": None}))
    pair.settled("shop", "accepted")
    pair.wait()
    assert pair.ids("web") != web


def test_one_repository_disappears_and_the_other_goes_on(pair):
    web = pair.ids("web")
    shutil.move(pair.shop.directory, pair.directory / "away")
    pair.daemon.run("reconcile", "--source", "shop")
    wait_for(lambda: not pair.source("shop")["ok"], 20, "shop is missed")
    second = pair.infra.commit("api: second", files("api", "two"))
    pair.spine.seen(second)
    pair.wait("shared/api")
    assert pair.commits("api") == {second} and pair.ids("web") == web
    pair.spine.engine.api.delete(f"/containers/{web[0]}", force="true")
    wait_for(lambda: len(pair.ids("web")) == 1 and pair.ids("web") != web, 20, "what is known of shop is healed")


@pytest.mark.parametrize("away", ["infra", "shop"])
def test_a_restart_with_one_repository_away_removes_nothing(pair, away):
    """infra has the cluster that shop uses, and shop's mirror is lost with its repository."""
    api, web = pair.ids("api"), pair.ids("web")
    pair.daemon.kill()
    gone = getattr(pair, away)
    other = pair.shop if away == "infra" else pair.infra
    shutil.move(gone.directory, pair.directory / "away")
    shutil.rmtree(pair.daemon.directory / "state" / away)
    pair.spine.start()
    name, theirs = ("web", web) if away == "infra" else ("api", api)
    kept = "api" if away == "infra" else "web"
    second = other.commit("second", files(name, "two"))
    pair.spine.seen(second)
    wait_for(lambda: pair.commits(name) == {second} and len(pair.ids(name)) == 1, 60, f"{name} is deployed")
    assert pair.ids(name) != theirs
    assert pair.ids(kept) == (api if kept == "api" else web)
    assert f"left alone until its source {away} has been read" in pair.service(kept)["waiting"]
    other.commit("theirs as well", files(kept, "taken"))
    status = refusal(pair, "shop" if away == "infra" else "infra")
    assert f"service shared/{kept} belongs to source {away}, which has not been read" in status, status
    shutil.move(pair.directory / "away", gone.directory)
    wait_for(lambda: pair.source(away)["ok"] and pair.source(away).get("wanted"), 60, f"{away} is back")
    wait_for(lambda: pair.service(kept)["steady"] and "left alone" not in pair.service(kept).get("waiting", ""), 20,
             "all is known again")
    assert pair.ids(kept) == (api if kept == "api" else web)


def test_the_deletion_budget_is_each_source_s_own(davit, docker, tmp_path):
    pair = Pair(davit, docker, tmp_path)
    for at in range(8):
        pair.infra.commit(f"filler {at}", files(f"filler{at}", count=0))
    for name in ("web2", "web3"):
        pair.shop.commit(name, files(name))
    pair.spine.start()
    pair.converge()
    before = {name: pair.ids(name) for name in ("web", "web2", "web3", "api")}
    emptied = pair.shop.commit("nothing is left", {
        **{f"{name}{end}": None for name in ("web", "web2", "web3") for end in (".json", "-service.json")},
        "other.json": definition(IMAGE, family="other")})
    pair.spine.seen(emptied)
    pair.settled("shop", "held")
    assert pair.source("shop")["held"].startswith("removes 3 of 3 services")
    assert {name: pair.ids(name) for name in before} == before
    process = pair.daemon.run("approve", pair.infra.head()[:12])
    assert process.returncode != 0 and f"{emptied[:12]} of source shop" in process.stderr, process.stderr
    assert pair.daemon.run("approve", emptied[:12]).returncode == 0
    wait_for(lambda: not pair.ids("web") and not pair.ids("web2") and not pair.ids("web3"), 60, "they are removed")
    assert pair.ids("api") == before["api"]


def test_a_source_that_leaves_the_configuration(pair):
    web = pair.ids("web")
    deployed = pair.shop.head()
    pair.daemon.stop()
    pair.configure(pair.sources[:1])
    pair.spine.start()
    wait_for(lambda: pair.source("infra").get("wanted"), 20, "infra is read")
    status = pair.daemon.run("status").stdout
    assert f"1 service of it is left alone, davit approve {deployed[:12]} removes it" in status, status
    second = pair.infra.commit("api: second", files("api", "two"))
    wait_for(lambda: pair.commits("api") == {second}, 60, "infra goes on")
    assert pair.ids("web") == web
    process = pair.daemon.run("approve", deployed)
    assert process.returncode == 0 and f"commit {deployed[:12]} is approved" in process.stderr, process.stderr
    wait_for(lambda: not pair.ids("web"), 60, "shop's are removed")
    assert pair.source("shop") is None
    process = pair.daemon.run("approve", "HEAD")  # the ledger still knows of shop, and nobody reads it
    assert process.returncode == 2 and "no commit is held" in process.stderr, process.stderr
    pair.daemon.kill()
    pair.spine.start()
    pair.wait()
    assert len(pair.ids("api")) == 1


def test_one_source_becomes_one_of_several(davit, docker, tmp_path):
    """As `default` it goes on with its ledger and mirror: nothing restarts, nothing is counted anew."""
    pair = Pair(davit, docker, tmp_path)
    pair.configure(None, source={"origin": str(pair.infra.directory)})
    pair.spine.start()
    pair.wait()
    api = pair.ids("api")
    pair.daemon.stop()
    pair.configure([{"name": "default", "origin": str(pair.infra.directory)}, pair.sources[1]])
    pair.spine.start()
    pair.converge()
    assert pair.ids("api") == api and len(pair.ids("web")) == 1
    assert pair.service("api")["source"] == "default"


def test_configuration_faults(davit, docker, tmp_path):
    pair = Pair(davit, docker, tmp_path)
    infra = pair.sources[0]
    for more, fault in (
            ({"owner": None}, "several sources need an owner"),
            ({"source": infra}, "source"),
            ({"sources": [infra, infra]}, "two sources are named infra"),
            ({"sources": [infra, {"name": "a b", "origin": "/x"}]}, "letters, digits, - and _"),
            ({"notifications": [{"kind": "slack", "url": "https://example.org/x"}]}, "name its source"),
            ({"notifications": [{"kind": "slack", "url": "https://example.org/x", "source": "none"}]}, "no source none")):
        pair.configure(more.pop("sources", pair.sources), **more)
        process = pair.daemon.run("daemon", "--config", pair.daemon.config, timeout=20 * PATIENCE)
        assert process.returncode != 0 and fault in process.stderr, (fault, process.stderr)


def test_commands_accept_a_cluster_of_another_source(pair):
    """Those that commit take whichever is named, the daemon judges it; those that judge are told its name."""
    first = set(pair.ids("web"))
    two = pair.shop.commit("web: two", {**files("web", "two"), "nightly.json": {
        "kind": "ScheduledTask", "Name": "nightly", "ScheduleExpression": "cron(0 3 * * ? *)",
        "Target": {"Arn": "shared", "EcsParameters": {"TaskDefinitionArn": "web"}}}})
    pair.converge()
    pair.daemon.environment.update(IDENTITY)
    assert set(pair.ids("web")) != first
    for command in ["validate", pair.shop.directory], ["diff", "HEAD~1", "HEAD", "--repo", pair.shop.directory]:
        process = pair.daemon.run(*command)
        said = process.stdout + process.stderr
        assert process.returncode != 0 and 'no cluster "shared" in this commit' in said and "--other-cluster NAME" in said, said
        process = pair.daemon.run(*command, "--other-cluster", "zoo", "--other-cluster", "shared")
        assert "no cluster" not in process.stdout + process.stderr and process.returncode == (command[0] == "diff"), process
    process = pair.daemon.run("update-images", "--repo", pair.shop.directory)
    assert process.returncode == 0 and "nothing to update" in process.stderr, process.stderr
    process = pair.daemon.run("rollback", "shared/web", "--repo", pair.shop.directory, "--force")
    assert process.returncode == 0 and f"takes back {two[:12]} (web: two)" in process.stdout, process.stderr
    pair.converge()


def test_the_second_source_is_looked_for_as_well(pair):
    """Whose tasks run beside is asked when a source is read first, not only when the first one is."""
    pair.daemon.stop()
    shutil.rmtree(pair.daemon.directory / "state")
    away = pair.directory / "away"
    pair.shop.directory.rename(away)
    pair.configure(pair.sources, owner="other")
    pair.spine.start()

    def told():
        return [(one["service"], one["services"], one["tasks"]) for one in pair.daemon.json("status").get("otherOwners", [])]
    wait_for(lambda: told() == [("api", 1, 1)], 20, "that of infra is told")
    away.rename(pair.shop.directory)
    wait_for(lambda: told() == [("api", 2, 2)], 40, "that of shop is told too, before infra's is asked for again")
    assert pair.daemon.log_text().count("if they are yours, set owner") == 1
