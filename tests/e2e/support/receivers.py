"""Receivers of notifications: small HTTP servers that hold each request to what its forge documents.

They listen inside the network of an engine, where davit is.
"""

import base64
import hashlib
import hmac
import json
import re
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN, SECRET = "tok-4f2a91c07d3e", "It's a Secret to Everybody"
STATES = {
    "github": {"pending", "success", "failure", "error"},
    "gitlab": {"pending", "running", "success", "failed", "canceled", "skipped"},
    "gitea": {"pending", "success", "error", "failure", "warning"},
    "bitbucket": {"INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"},
}
WORDS = {  # pending, success, failure, superseded
    "github": ("pending", "success", "failure", "error"),
    "gitlab": ("pending", "success", "failed", "canceled"),
    "gitea": ("pending", "success", "failure", "warning"),
    "bitbucket": ("INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"),
}
# Path, token's header, members: those that have to be there, and those that may be.
FORGES = {
    "github": (r"/repos/o/r/statuses/([0-9a-f]{40})", ("Authorization", f"Bearer {TOKEN}"),
               {"state", "context", "description"}, {"target_url"}),
    "gitlab": (r"/projects/group%2Fproject/statuses/([0-9a-f]{40})", ("PRIVATE-TOKEN", TOKEN),
               {"state", "name", "description"}, {"target_url", "ref", "coverage", "pipeline_id"}),
    "gitea": (r"/repos/o/r/statuses/([0-9a-f]{40})", ("Authorization", f"token {TOKEN}"),
              {"state", "context", "description"}, {"target_url"}),
    "bitbucket": (r"/repositories/ws/r/commit/([0-9a-f]{40})/statuses/build", ("Authorization", f"Bearer {TOKEN}"),
                  {"key", "state", "url", "name", "description"}, {"refname"}),
}
REPOSITORIES = {"github": "o/r", "gitlab": "group/project", "gitea": "o/r", "bitbucket": "ws/r"}


class Refused(Exception):
    """The request is not what the documentation says."""


def want(condition, what):
    if not condition:
        raise Refused(what)


def check_status(kind, handler, body):
    """(commit, context, state) of a request to a forge."""
    path, (header, value), required, optional = FORGES[kind]
    match = re.fullmatch(path, handler.path)
    want(handler.command == "POST" and match, f"{handler.command} {handler.path}")
    want(handler.headers.get(header) == value, f"{header} is missing or wrong")
    want(handler.headers.get("Content-Type") == "application/json", "Content-Type")
    if kind == "github":
        want(handler.headers.get("Accept") == "application/vnd.github+json", "Accept")
        want(handler.headers.get("X-GitHub-Api-Version"), "X-GitHub-Api-Version")
        want(handler.headers.get("User-Agent"), "User-Agent")  # GitHub refuses without
    status = json.loads(body)
    want(required <= set(status) <= required | optional, f"members {sorted(status)}")
    want(status["state"] in STATES[kind], f"state {status['state']}")
    want(len(status["description"]) <= 140, "description is too long")
    return match[1], status.get("context") or status.get("name"), status["state"]


def check_webhook(_kind, handler, body):
    """(id, detail type, detail) of a request with an event."""
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    want(handler.headers.get("X-Davit-Signature-256") == f"sha256={signature}", "signature")
    key, timestamp = handler.headers.get("webhook-id", ""), handler.headers.get("webhook-timestamp", "")
    want(timestamp.isdigit() and abs(int(timestamp) - time.time()) < 300, "webhook-timestamp")
    signed = hmac.new(SECRET.encode(), f"{key}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    want(handler.headers.get("webhook-signature") == "v1," + base64.b64encode(signed).decode(), "webhook-signature")
    event = json.loads(body)
    want(set(event) == {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"},
         f"members {sorted(event)}")
    want(key == event["id"], "webhook-id")
    want(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"]), f"time {event['time']}")
    return event["id"], event["detail-type"], event["detail"]


def check_slack(_kind, _handler, body):
    text = json.loads(body)
    want(set(text) == {"text"}, f"members {sorted(text)}")
    return (text["text"],)


class Receiver:
    """One receiver on a port of its own. `answer`, when set, is (status, headers, body) for all that comes, and `once` for what
    comes first.

    As GitHub does, a forge answers 422 for commits that are `missing`, and with `asks_token` 401 for a wrong one; GitLab
    answers 400 for a state that the commit is in.
    """

    def __init__(self, engine, kind, port=0, certificate=None):
        self.engine, self.kind, self.certificate = engine, kind, certificate
        self.taken, self.refused, self.requests, self.answer, self.server = [], [], 0, None, None
        self.once = None
        self.missing, self.asks_token = set(), False
        self.port = port
        self.start()

    def denial(self, handler):
        """What a forge answers to a wrong token or of an unknown commit, or None."""
        if self.asks_token and TOKEN not in handler.headers.get("Authorization", ""):
            return 401, {}, json.dumps({"message": "Bad credentials"})
        oid = handler.path.rpartition("/")[2]
        return (422, {}, json.dumps({"message": f"No commit found for SHA: {oid}"})) if oid in self.missing else None

    def take(self, told):
        """Keeps what was told; returns the answer."""
        oid, context, state = told if self.kind in WORDS else (None, None, None)
        if self.kind == "gitlab" and state == "pending" and self.states(oid, context)[-1:] == [state]:
            return 400, {}, json.dumps({"message": "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot "
                                                   "transition via \"enqueue\")"})
        self.taken.append(told)
        return 201, {}, "{}"

    def start(self):
        check = {"webhook": check_webhook, "slack": check_slack}.get(self.kind, check_status)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.requests += 1
                once, receiver.once = receiver.once, None
                answer = once or receiver.answer or receiver.denial(self)
                try:
                    status, headers, text = answer or receiver.take(check(receiver.kind, self, body))
                except (Refused, ValueError) as error:
                    receiver.refused.append(str(error))
                    status, headers, text = 400, {}, "{}"
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = self.engine.within(lambda: socket.create_server(("127.0.0.1", self.port)))
        self.port = server.socket.getsockname()[1]
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        self.server = server
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Nobody listens any more; start() listens on the same port again."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    @property
    def url(self):
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def entry(self, directory, **more):
        """Its entry of `notifications`."""
        files = {"token": TOKEN, "secret": SECRET, "url": f"{self.url}/services/T0/B0/{TOKEN}"}
        for name, text in files.items():
            (directory / f"{self.kind}-{name}").write_text(text + "\n")
        path = {name: str(directory / f"{self.kind}-{name}") for name in files}
        if self.kind == "slack":
            return {"kind": "slack", "urlFile": path["url"], **more}
        if self.kind == "webhook":
            return {"kind": "webhook", "url": f"{self.url}/hook", "secretFile": path["secret"], **more}
        return {"kind": self.kind, "url": self.url, "repository": REPOSITORIES[self.kind], "tokenFile": path["token"], **more}

    def states(self, commit, context="davit/default"):
        """What a forge was told of a commit, in order."""
        return [state for oid, name, state in self.taken if (oid, name) == (commit, context)]
