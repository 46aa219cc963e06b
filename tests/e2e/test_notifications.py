"""Commit statuses and webhooks out, against receivers that hold each request to what its forge documents."""

import contextlib
import json
import os
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from support.davit import wait_for
from support.receivers import SECRET, TOKEN, WORDS
from support.git_servers import run
from support.spine import CRASHES, Spine, definition, gated, service

BREAKER = {"minimumHealthyPercent": 100, "maximumPercent": 200, "deploymentCircuitBreaker": {"enable": True, "rollback": True}}


@pytest.fixture
def spine(davit, repo, docker, tmp_path):
    """spine(receivers, ...) is a daemon that tells them, started with one service that runs."""

    def make(*receivers, **more):
        entries = [one.entry(tmp_path, **(more if one.kind in WORDS else {})) for one in receivers]
        return Spine(davit, repo, docker, notifications=entries)

    return make


def commit(spine, image, text, message="web", seconds=0, gate=None, **files):
    """Healthy after some seconds, or when the file `gate` exists."""
    web = definition(image, **CRASHES) if text == "crash" else definition(image, text)
    if gate:
        gate.parent.mkdir()
        gated(web, gate)
    return spine.repo.commit(message, {
        "web.json": web, "service.json": service(1, healthy_seconds=seconds, deploymentConfiguration=BREAKER), **files})


def notify(spine):
    return spine.daemon.json("status")["notifications"]


def settled(spine):
    """All that was queued has been delivered."""
    wait_for(lambda: all(one["waiting"] == 0 for one in notify(spine)), 30, "nothing waits")


def kept(spine):
    """Of each receiver what davit keeps in its file."""
    return json.loads((spine.daemon.directory / "state" / "notifications.json").read_text())["targets"].values()


def saved(spine, oid, state):
    """Everybody was told of the commit, and davit knows that after a kill -9 too."""
    wait_for(lambda: all(not one["waiting"] and any((told["subject"], told["state"]) == (oid, state) for told in one["told"])
                         for one in kept(spine)), 20, f"{state} of {oid[:7]} is saved")


def waiting(spine):
    """What waits, in davit's file: the subject and state of each, and an event's name."""
    messages = [one for target in kept(spine) for one in target["waiting"]]
    return {(one["subject"], one["state"]) for one in messages} | {
        one["event"]["detail"].get("eventName") for one in messages if "event" in one}


def ends_with(receiver, oid, state, context="davit/default"):
    wait_for(lambda: receiver.states(oid, context)[-1:] == [state], 30, f"{receiver.kind}: {state} of {oid[:7]}")


def test_each_gets_the_sequence_of_deploy_failure_rollback_and_supersede(spine, receiver, demo_image, tmp_path):
    forges = [receiver(kind) for kind in WORDS]
    webhook, slack = receiver("webhook"), receiver("slack")
    spine = spine(*forges, webhook, slack)
    first = commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    for forge in forges:
        ends_with(forge, first, WORDS[forge.kind][1])
    settled(spine)
    crashes = commit(spine, demo_image, "crash")
    spine.seen()
    for forge in forges:
        ends_with(forge, crashes, WORDS[forge.kind][2])
    wait_for(lambda: spine.daemon.json("status")["services"][0]["state"] == "rolled back", 60, "rolled back")
    slow = commit(spine, demo_image, "two", seconds=600)
    for forge in forges:
        ends_with(forge, slow, WORDS[forge.kind][0])
    gate = tmp_path / "gate" / "open"
    second = commit(spine, demo_image, "three", gate=gate)
    for forge in forges:  # a success that is ready before the other has left takes its place
        ends_with(forge, second, WORDS[forge.kind][0])
    gate.touch()
    spine.converge()
    for forge in forges:
        ends_with(forge, second, WORDS[forge.kind][1])
    settled(spine)
    refused = spine.repo.commit("misspelt", {"web.json": {**definition(demo_image), "famly": "web"}})
    for forge in forges:
        pending, success, failure, superseded = WORDS[forge.kind]
        ends_with(forge, refused, failure)
        assert forge.states(first) == [pending, success]
        assert forge.states(crashes) == [pending, failure]
        assert forge.states(slow) == [pending, superseded]
        assert forge.states(second) == [pending, success]
        assert forge.states(refused) == [failure]
    settled(spine)
    for one in (*forges, webhook, slack):
        assert not one.refused
    look_at_events(webhook, first, slow, second, refused)
    lines = [text for text, in slack.taken]
    assert f"davit/default {crashes[:12]}: failure: web: rolled back: " in "\n".join(lines), lines
    assert [line for line in lines if refused[:12] in line and "refused: web.json:" in line and "famly" in line], lines
    assert spine.texts() == ["three"]


def look_at_events(webhook, first, slow, second, refused):
    """EventBridge's shapes, in order, each once."""
    assert len({event_id for event_id, _, _ in webhook.taken}) == len(webhook.taken)
    deployments = [(detail["davit"]["commit"]["oid"], detail["eventName"].removeprefix("SERVICE_DEPLOYMENT_"))
                   for _, kind, detail in webhook.taken if kind == "ECS Deployment State Change"]
    assert deployments[:2] == [(first, "IN_PROGRESS"), (first, "COMPLETED")]
    states = [state for _, state in deployments]
    # crashes; what it is rolled back to; slow, which ECS has no word for the end of; second
    assert states[2:] == ["IN_PROGRESS", "FAILED", "IN_PROGRESS", "COMPLETED", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]
    assert deployments[-3:] == [(slow, "IN_PROGRESS"), (second, "IN_PROGRESS"), (second, "COMPLETED")]
    failed = next(detail for _, _, detail in webhook.taken if detail.get("eventName") == "SERVICE_DEPLOYMENT_FAILED")
    assert failed["eventType"] == "ERROR" and "circuit breaker" in failed["reason"]
    actions = [detail["eventName"] for _, kind, detail in webhook.taken if kind == "ECS Service Action"]
    assert actions and set(actions) == {"SERVICE_STEADY_STATE"}
    commits = [(detail["commit"]["oid"], detail["state"]) for _, kind, detail in webhook.taken if kind == "davit Commit State Change"]
    assert (slow, "superseded") in commits and commits[-1] == (refused, "failure")


def test_a_receiver_that_is_down_delays_nothing_and_is_told_once(spine, receiver, demo_image):
    forge, webhook = receiver("gitea"), receiver("webhook")
    spine = spine(forge, webhook)
    first = commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    ends_with(forge, first, "success")  # which the look after the end of the deployment tells
    settled(spine)
    before = len(webhook.taken)
    forge.stop()
    webhook.stop()
    second = commit(spine, demo_image, "two")
    spine.converge()
    assert spine.texts() == ["two"]
    wait_for(lambda: not any(one["ok"] for one in notify(spine)), 20, "status tells")
    assert "\nnotify     gitea o/r: " in spine.daemon.run("status").stdout
    # What waits, and what was told, outlives davit.
    wait_for(lambda: {(second, "success"), "SERVICE_STEADY_STATE"} <= waiting(spine), 20, "it is kept")
    spine.daemon.kill()
    spine.start()
    assert not forge.states(second)
    forge.start()
    webhook.start()
    ends_with(forge, second, "success")
    settled(spine)
    assert forge.states(second) == ["success"]  # that it was pending is no news any more
    assert forge.states(first) == ["pending", "success"]  # nothing is told twice over the restart
    new = [detail["eventName"] for _, _, detail in webhook.taken[before:] if "eventName" in detail]
    assert new == ["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_STEADY_STATE"], new
    log = spine.daemon.log_text()
    assert log.count("notifications to gitea o/r fail and are tried again") <= 2  # one for each life
    wait_for(lambda: "notifications to gitea o/r work again" in spine.daemon.log_text(), 20, "the log tells")
    requests = forge.requests, webhook.requests
    assert spine.daemon.stop() == 0
    spine.start()
    spine.converge()
    settled(spine)
    assert (forge.requests, webhook.requests) == requests


def test_a_first_commit_that_is_refused_and_one_that_is_held(spine, receiver, demo_image):
    forge = receiver("gitea")
    spine = spine(forge)
    refused = spine.repo.commit("misspelt", {"web.json": {**definition(demo_image), "famly": "web"}})
    spine.start()
    ends_with(forge, refused, "failure", "davit")  # no cluster is known
    more = {f"s-{name}.json": service(0, name=name) for name in "abc"}
    first = commit(spine, demo_image, "one", **more)
    ends_with(forge, first, "success")
    held = spine.repo.commit("emptied", {name: None for name in (*more, "service.json")})
    ends_with(forge, held, "pending")
    back = spine.repo.revert()
    ends_with(forge, back, "success")
    ends_with(forge, held, "warning")
    assert forge.states(held) == ["pending", "warning"] and not forge.refused


def test_a_forced_push_is_told_once(spine, receiver, demo_image):
    forge, webhook, slack = receiver("gitea"), receiver("webhook"), receiver("slack")
    spine = spine(forge, webhook, slack)
    first = commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    left = commit(spine, demo_image, "two")
    spine.converge()
    spine.repo.git("reset", "--quiet", "--hard", first)
    # The newest commit is what there is to look at, and it does not contain what is deployed.
    newest = commit(spine, demo_image, "three")
    spine.converge()
    ends_with(forge, newest, "success")
    settled(spine)
    saved(spine, newest, "success")
    spine.daemon.kill()
    spine.start()
    spine.converge()
    settled(spine)

    def rewrites():
        return [detail for _, kind, detail in webhook.taken if kind == "davit Source State Change"]

    # git moves the branch twice, and davit may have looked in between: back to the first, and on from there is no rewrite.
    [told] = rewrites()
    assert (told["eventName"], told["eventType"]) == ("SOURCE_REWRITTEN", "WARN"), told
    assert told["davit"]["from"] == left and told["davit"]["to"] in (first, newest) and told["davit"]["fork"] == first, told
    assert told["davit"]["branch"] == "main" and told["davit"]["source"] == "default"
    [line] = [text for text, in slack.taken if "(source default)" in text]
    assert f"main was rewritten, from {left[:12]} to " in line and line.endswith(f"both have {first[:12]}"), line
    for one in (forge, webhook, slack):
        assert not one.refused


def test_no_secret_is_told(spine, receiver, demo_image):
    forge, slack = receiver("github"), receiver("slack")
    forge.answer = 401, {}, json.dumps({"message": f"bad credentials {TOKEN}"})
    slack.answer = 302, {"Location": f"https://example.org/{TOKEN}"}, ""
    spine = spine(forge, slack)
    first = commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    wait_for(lambda: [one["dropped"] > 0 for one in notify(spine)] == [False, True], 20, "slack's is refused for good")
    wait_for(lambda: forge.requests > 1, 20, "the forge's is not")
    shown = spine.daemon.run("status").stdout + json.dumps(notify(spine))
    assert "it answers 401; look at the token" in shown and "redirects are not followed" in shown
    assert spine.daemon.log_text().count("notifications to github o/r fail and are tried again") == 1
    process = Path(f"/proc/{spine.daemon.process.pid}")
    shown += spine.daemon.log_text() + (process / "cmdline").read_text() + (process / "environ").read_text()
    for directory, _, files in os.walk(spine.daemon.directory / "state"):
        for name in files:
            with contextlib.suppress(FileNotFoundError):  # davit goes on writing
                shown += (Path(directory) / name).read_bytes().decode(errors="replace")
    assert TOKEN not in shown and SECRET not in shown
    forge.answer = None
    ends_with(forge, first, "success")
    assert forge.states(first) == ["success"] and not forge.refused


def test_a_token_that_is_refused_and_mended_loses_no_status(spine, receiver, demo_image, tmp_path):
    forge = receiver("github")
    token = tmp_path / "github-token"
    spine = spine(forge)
    token.write_text("expired\n")
    forge.asks_token = True
    first = commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    wait_for(lambda: forge.requests >= 3, 40, "tried again, each time later")
    assert notify(spine)[0]["waiting"] == 1 and not notify(spine)[0]["ok"]
    spine.daemon.stop()
    tried = forge.requests
    spine.daemon.start()  # the pauses begin anew
    wait_for(lambda: forge.requests >= tried + 5, 100, "tried again after the restart")
    assert not forge.states(first) and not notify(spine)[0]["ok"]
    begin = time.time()
    token.write_text(TOKEN + "\n")
    ends_with(forge, first, "success")
    assert time.time() - begin < 30, "by the clock the next try was 40 s later or more"
    settled(spine)
    assert forge.states(first) == ["success"] and notify(spine)[0]["ok"]


def test_a_commit_that_the_forge_does_not_have_yet(spine, receiver, demo_image):
    forge = receiver("github")
    spine = spine(forge)
    first = commit(spine, demo_image, "one")
    forge.missing.add(first)
    spine.start()
    spine.converge()
    wait_for(lambda: "it answers 422" in notify(spine)[0].get("message", ""), 20, "status says it")
    assert "No commit found for SHA" in notify(spine)[0]["message"]
    second = commit(spine, demo_image, "two")
    ends_with(forge, second, "success")  # the first holds up nobody
    assert not forge.states(first) and not notify(spine)[0]["ok"]
    forge.missing.clear()
    wait_for(lambda: forge.states(first), 60, "the first is told")
    settled(spine)
    assert notify(spine)[0]["ok"] and notify(spine)[0]["dropped"] == 0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_that_asks_for_a_pause_gets_it(spine, receiver, demo_image, form):
    forge = receiver("gitlab")
    until = time.time() + 20
    forge.once = 429, {"Retry-After": "20" if form == "seconds" else formatdate(until, usegmt=True)}, "{}"
    spine = spine(forge)
    first = commit(spine, demo_image, "one")
    spine.start()
    spine.converge()
    ends_with(forge, first, "success")
    assert time.time() >= until - 1  # it would have come back within 5 s
    assert forge.requests == 2 and forge.states(first) == ["success"]


def test_a_context_a_service(spine, receiver, demo_image):
    forge = receiver("github")
    spine = spine(forge, perService=True)
    api = {"api.json": definition(demo_image, family="api"), "s-api.json": service(1, name="api", family="api")}
    first = commit(spine, demo_image, "one", **api)
    spine.start()
    spine.converge()
    ends_with(forge, first, "success", "davit/default/web")
    ends_with(forge, first, "success", "davit/default/api")
    crashes = commit(spine, demo_image, "crash")
    ends_with(forge, crashes, "failure", "davit/default/web")
    ends_with(forge, crashes, "success", "davit/default/api")
    assert not forge.states(first) and not forge.refused  # no aggregate


def test_two_sources_in_one_repository(davit, repo, docker, receiver, demo_image, tmp_path):
    """A commit is of both: that the one failed is not hidden by the success of the other."""
    forge = receiver("github")
    entry = {**forge.entry(tmp_path)}
    spine = Spine(davit, repo, docker, source=None, notifications=[{**entry, "source": name} for name in ("web", "api")],
                  sources=[{"name": name, "origin": str(repo.directory), "path": name} for name in ("web", "api")])
    del spine.directory_config["source"]
    spine.daemon.configure({**spine.directory_config, "stateDirectory": str(spine.daemon.directory / "state"),
                            "socket": str(spine.daemon.directory / "davit.sock")})

    def files(name, **more):
        return {f"{name}/task.json": definition(demo_image, family=name, **more),
                f"{name}/service.json": service(1, name=name, family=name, deploymentConfiguration=BREAKER)}

    commit = repo.commit("both", {**files("web", **CRASHES), **files("api")})
    spine.start()
    ends_with(forge, commit, "failure", "davit/web/default")
    ends_with(forge, commit, "success", "davit/api/default")
    assert not forge.states(commit) and not forge.refused


def test_tls_is_verified(spine, receiver, demo_image, tmp_path):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-keyout", "key.pem", "-out", "ca.pem", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", cwd=tmp_path)
    both = tmp_path / "both.pem"
    both.write_text((tmp_path / "key.pem").read_text() + (tmp_path / "ca.pem").read_text())
    trusted, other = receiver("gitea", certificate=both), receiver("github", certificate=both)
    make = spine(trusted, other)
    make.directory_config["notifications"][0]["caFile"] = str(tmp_path / "ca.pem")
    make.daemon.configure({**json.loads(make.daemon.config.read_text()), "notifications": make.directory_config["notifications"]})
    first = commit(make, demo_image, "one")
    make.start()
    make.converge()
    ends_with(trusted, first, "success")
    wait_for(lambda: not notify(make)[1]["ok"], 20, "status tells")
    assert "certificate" in notify(make)[1]["message"], notify(make)[1]
    assert other.requests == 0
