"""Git over https and ssh by the servers that people run: lighttpd with git http-backend, and OpenSSH's sshd.

Both run inside the network of an engine, where davit is, on ports of their own.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .davit import wait_for

HTTP_BACKEND = "/usr/lib/git-core/git-http-backend"
USER, PASSWORD = "deploy", "correct horse"
LIGHTTPD = """
server.modules = ("mod_openssl", "mod_auth", "mod_authn_file", "mod_cgi", "mod_alias", "mod_setenv", "mod_accesslog")
server.document-root = "{root}"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{directory}/error.log"
server.kbytes-per-second = {kbytes_per_second}
accesslog.filename = "{directory}/access.log"
accesslog.format = "%m %U %s"
ssl.engine = "enable"
ssl.pemfile = "{directory}/server.pem"
alias.url = ("/git/" => "{backend}/")
cgi.assign = ("" => "")
setenv.add-environment = ("GIT_PROJECT_ROOT" => "{root}", "GIT_HTTP_EXPORT_ALL" => "1")
auth.backend = "plain"
auth.backend.plain.userfile = "{directory}/users"
auth.require = ("" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
"""


def run(*line, **options):
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


class Server:
    """A process inside the network of an engine that listens on a port."""

    def __init__(self, engine, directory, port):
        self.engine, self.directory, self.port, self.process = engine, Path(directory), port, None
        self.directory.mkdir(parents=True)

    def spawn(self, *line):
        self.process = subprocess.Popen(
            self.engine.inside(*line), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )
        wait_for(self.listens, 40, f"{line[0]} listens")

    def listens(self):
        try:
            self.engine.connect("127.0.0.1", self.port).close()
        except OSError:
            return False
        return True

    def stop(self):
        """kill -9, at whatever it is doing."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Mute(Server):
    """Takes every connection and never says a word."""

    def start(self):
        self.spawn("python3", "-c", "import socket\n"
                   f"listener, kept = socket.create_server(('127.0.0.1', {self.port})), []\n"
                   "while True: kept.append(listener.accept())")


class Redirect(Server):
    """Sends whoever comes on to the port after its own, as `host`. Both note what they are asked."""

    SCRIPT = """
import http.server, json, sys, threading
port, host, notes = int(sys.argv[1]), sys.argv[2], sys.argv[3]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(notes, 'a') as file:
            print(json.dumps([self.server.server_port - port, self.path, dict(self.headers)]), file=file)
        self.send_response(302 if self.server.server_port == port else 404)
        self.send_header('Location', f'http://eve:{host}@{host}:{port + 1}{self.path}')
        self.send_header('Content-Length', '0')
        self.end_headers()
second, first = [http.server.ThreadingHTTPServer(('127.0.0.1', port + n), Handler) for n in (1, 0)]
threading.Thread(target=second.serve_forever).start()
first.serve_forever()
"""

    def __init__(self, engine, directory, host, port=9500):
        super().__init__(engine, directory, port)
        self.host, self.notes = host, self.directory / "notes"
        self.notes.touch()

    def start(self):
        self.spawn("python3", "-c", self.SCRIPT, str(self.port), self.host, str(self.notes))
        self.notes.write_text("")

    def seen(self, second):
        """The headers of the requests at the first port, or at the second."""
        notes = [json.loads(line) for line in self.notes.read_text().splitlines()]
        return [headers for place, _, headers in notes if place == second]


class Proxy(Server):
    """Relays CONNECT for whoever knows its login; notes every request, and whether it was let through."""

    LOGIN = "surfer:p@ss word"
    SCRIPT = """
import base64, http.server, select, socket, sys
port, login, notes = int(sys.argv[1]), sys.argv[2], sys.argv[3]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_CONNECT(self):
        known = self.headers.get('Proxy-Authorization') == 'Basic ' + base64.b64encode(login.encode()).decode()
        with open(notes, 'a') as file:
            print(self.path, known, file=file)
        self.send_response(200 if known else 407)
        if known:
            self.end_headers()
            return self.relay()
        self.send_header('Proxy-Authenticate', 'Basic realm=proxy')
        self.send_header('Content-Length', '0')
        self.end_headers()
    def relay(self):
        self.close_connection = True
        host, _, port = self.path.partition(':')
        with socket.create_connection((host, int(port))) as server:
            others = {self.connection: server, server: self.connection}
            while True:
                for one in select.select(others, [], [])[0]:
                    chunk = one.recv(65536)
                    if not chunk:
                        return
                    others[one].sendall(chunk)
http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler).serve_forever()
"""

    def __init__(self, engine, directory, port=9700):
        super().__init__(engine, directory, port)
        self.notes = self.directory / "notes"
        self.url = f"http://127.0.0.1:{port}"

    def start(self):
        self.spawn("python3", "-c", self.SCRIPT, str(self.port), self.LOGIN, str(self.notes))

    def seen(self):
        """[(where to, let through)]"""
        return [(place, known == "True") for place, known in map(str.split, self.notes.read_text().splitlines())]


class Https(Server):
    """lighttpd with TLS and basic authentication in front of git http-backend."""

    def __init__(self, engine, directory, root, port=9443):
        super().__init__(engine, directory, port)
        self.ca, self.log = self.directory / "ca.pem", self.directory / "access.log"
        (self.directory / "users").write_text(f"{USER}:{PASSWORD}\n")
        self.root = root
        self.throttle(0)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", cwd=self.directory)
        self.certify()

    def certify(self, days=2):
        """A certificate that is good for so many days; fewer than none: it has expired."""
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost", cwd=self.directory)
        (self.directory / "names").write_text("subjectAltName=DNS:localhost")
        run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", str(days),
            "-extfile", "names", "-out", "server.crt", cwd=self.directory)
        parts = [(self.directory / name).read_text() for name in ("server.key", "server.crt")]
        (self.directory / "server.pem").write_text("".join(parts))

    def throttle(self, kbytes_per_second):
        """How fast it answers from its next start on; 0: as fast as it can."""
        (self.directory / "lighttpd.conf").write_text(LIGHTTPD.format(
            root=self.root, port=self.port, directory=self.directory, backend=HTTP_BACKEND,
            kbytes_per_second=kbytes_per_second))

    def start(self):
        self.spawn(shutil.which("lighttpd", path="/usr/sbin:/usr/bin"), "-D", "-f", str(self.directory / "lighttpd.conf"))

    def url(self, repository):
        return f"https://localhost:{self.port}/git/{repository}"

    def requests(self):
        """[(method, path, status)] since the last call. lighttpd writes its log every few seconds, or to begin another."""
        full = self.log.rename(self.log.with_suffix(".full"))
        self.process.send_signal(signal.SIGHUP)
        wait_for(self.log.exists, 40, "lighttpd begins another log")
        return [tuple(line.split()) for line in full.read_text().splitlines()]


class Ssh(Server):
    """sshd that takes one key, of the user that runs the test."""

    def __init__(self, engine, directory, port=9022):
        super().__init__(engine, directory, port)
        for name in ("host", "client", "stranger"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.directory / name))
        shutil.copy(self.directory / "client.pub", self.directory / "authorized")
        self.key, self.known_hosts = self.directory / "client", self.directory / "known_hosts"
        self.know("host")

    def know(self, name):
        """From now on the key `name` is what known_hosts says of the server."""
        key = " ".join((self.directory / f"{name}.pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {key}\n")

    def start(self):
        Path("/run/sshd").mkdir(exist_ok=True)
        options = {
            "ListenAddress": "127.0.0.1", "AuthorizedKeysFile": self.directory / "authorized", "StrictModes": "no",
            "PermitRootLogin": "yes", "UsePAM": "no", "PasswordAuthentication": "no", "PidFile": "none",
        }
        self.spawn("/usr/sbin/sshd", "-D", "-f", "/dev/null", "-p", str(self.port), "-h", str(self.directory / "host"),
                   *(f"-o{name}={value}" for name, value in options.items()))

    def url(self, path):
        return f"ssh://{pwd.getpwuid(os.geteuid()).pw_name}@127.0.0.1:{self.port}{path}"
