"""docker-registry over TLS, a token service for it, and servers that say what a test wants. All in this network, at
0.0.0.0: what is called localhost davit asks by plain HTTP."""

import base64
import hashlib
import http.client
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

from .davit import wait_for

ADDRESS = "0.0.0.0"
REPOSITORY = "shop/web"
SERVICE, ISSUER = "test registry", "test issuer"


def hold_port():
    """A socket that keeps a port for a server that is yet to start, and while it is away: no other is given it, and one
    that asks for it with SO_REUSEADDR, as servers do, has it."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((ADDRESS, 0))
    return holder


def openssl(*arguments, cwd, text=None):
    return subprocess.run(["openssl", *map(str, arguments)], cwd=cwd, input=text, check=True, capture_output=True).stdout


class Authority:
    """Who signs certificates for this machine; good for `days`, of which fewer than none are over."""

    def __init__(self, directory, name="ca"):
        self.directory, self.file, self.count = directory, directory / f"{name}.pem", 0
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-keyout", f"{name}.key", "-out", self.file,
                "-subj", f"/CN={name}", cwd=directory)
        self.key = directory / f"{name}.key"

    def certificate(self, days=2, address=ADDRESS):
        """Paths of certificate and key."""
        self.count += 1
        name = self.directory / f"{self.key.stem}-{self.count}"
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=server",
                cwd=self.directory)
        name.with_suffix(".ext").write_text(f"subjectAltName=IP:{address}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", self.file, "-CAkey", self.key, "-days", days, "-extfile",
                f"{name}.ext", "-out", f"{name}.crt", cwd=self.directory)
        return f"{name}.crt", f"{name}.key"


class TlsRegistry:
    """docker-registry; `auth` of its configuration. Its data outlives a restart."""

    def __init__(self, directory, authority):
        if not shutil.which("docker-registry"):
            pytest.skip("docker-registry is not installed")
        self.directory, self.authority, self.process = directory, authority, None
        self.holder = hold_port()
        self.port = self.holder.getsockname()[1]
        self.host = f"{ADDRESS}:{self.port}"
        self.image = f"{self.host}/{REPOSITORY}"

    def start(self, auth=None, **certificate):
        self.stop()
        crt, key = self.authority.certificate(**certificate)
        config = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(self.directory / "data")}},
                  "http": {"addr": self.host, "tls": {"certificate": crt, "key": key}}, **({"auth": auth} if auth else {})}
        (self.directory / "registry.yml").write_text(json.dumps(config))
        with open(self.directory / "registry.log", "ab") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", str(self.directory / "registry.yml")],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(self.answers, 30, "the registry answers")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.directory / "registry.log").read_text()
        try:
            return self.request("GET", "/v2/")[0] in (200, 401)
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection(ADDRESS, self.port, timeout=120, context=ssl._create_unverified_context())
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers
        finally:
            connection.close()

    def push(self, tag):
        """An image without layers."""
        config = b"{}"
        digest = "sha256:" + hashlib.sha256(config).hexdigest()
        location = self.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")[1]["Location"]
        place = urllib.parse.urlparse(location)
        assert self.request("PUT", f"{place.path}?{place.query}&digest={digest}", config)[0] == 201
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": digest}}
        assert self.request("PUT", f"/v2/{REPOSITORY}/manifests/{tag}", json.dumps(manifest), {"Content-Type": kind})[0] == 201


class TlsServer:
    """Answers with what handle(method, path, headers) returns: (status, headers, body), where a body that is no bytes comes
    piece by piece."""

    def __init__(self, authority, handle, plain=False):
        self.seen, outer = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.seen.append((self.path, dict(self.headers)))
                status, headers, body = handle(self.command, self.path, self.headers)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for piece in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(piece)
                        self.wfile.flush()
                except OSError:
                    pass  # davit has heard enough

            do_HEAD = do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((ADDRESS, 0), Handler)
        if not plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.certificate())
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"{ADDRESS}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def logins(self):
        return [headers["Authorization"] for _, headers in self.seen if "Authorization" in headers]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenService(TlsServer):
    """Signs what docker-registry believes, for one login."""

    def __init__(self, directory, authority, login):
        self.directory, self.authority = directory, authority
        self.login = "Basic " + base64.b64encode(login.encode()).decode()
        super().__init__(authority, self.handle)

    def handle(self, _method, path, headers):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(path).query)
        if headers.get("Authorization") != self.login:
            return 401, {}, b"{}"
        return 200, {}, json.dumps({"token": self.token(query["service"][0], query["scope"][0])}).encode()

    def token(self, service, scope):
        kind, name, actions = scope.split(":")
        der = openssl("x509", "-in", self.authority.file, "-outform", "DER", cwd=self.directory)
        head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": "davit", "aud": service, "exp": now + 300, "nbf": now - 60, "iat": now, "jti": "1",
                  "access": [{"type": kind, "name": name, "actions": actions.split(",")}]}
        text = ".".join(encode(json.dumps(part).encode()) for part in (head, claims))
        return text + "." + encode(openssl("dgst", "-sha256", "-sign", self.authority.key, cwd=self.directory, text=text.encode()))

    def auth(self):
        return {"token": {"realm": f"https://{self.host}/token", "service": SERVICE, "issuer": ISSUER,
                          "rootcertbundle": str(self.authority.file)}}
